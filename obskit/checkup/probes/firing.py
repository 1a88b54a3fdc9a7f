"""Which alerts fire, as Prometheus' own series ``ALERTS`` tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import groupby

from obskit.checkup.ask import Access, Reading
from obskit.checkup.rows import MOST_ROWS, entity_of, word
from obskit.checkup.words import Row, State
from obskit.errors import SourceError

#: Alerts that fire on purpose: a watchdog whose silence is the alarm, and one that only inhibits.
ON_PURPOSE = ("Watchdog", "DeadMansSwitch", "InfoInhibitor")
#: What severities say of when a person must act; every other word deserves a look.
_ACT_NOW = ("page", "critical")
_QUIET = ("none", "info")

_FIRING = 'ALERTS{alertstate="firing"}'
#: Restored at restarts, so it tells the true beginning.
_BEGAN = "ALERTS_FOR_STATE"


def firing(access: Access) -> tuple[Row, ...]:
    """Return a row for each alert that fires (at most five instances of one), or one that none does."""
    if access.prometheus is None:
        raise SourceError("Prometheus is not configured")
    found = [r for r in access.prometheus.now(_FIRING, access.epoch) if _counts(dict(r.labels))]
    if not found:
        return (Row(state="ok", what="alerts firing", value=0.0, unit="count", query=_FIRING),)
    began = {r.labels: r.value for r in access.prometheus.now(_BEGAN, access.epoch)}
    rows: list[Row] = []
    for _, group in groupby(sorted(found, key=_name), key=_name):
        rows += named(list(group), began)
    return tuple(rows)


def named(alerts: Sequence[Reading], began: Mapping[tuple[tuple[str, str], ...], float]) -> list[Row]:
    """Return rows of one alert's instances.

    Args:
        alerts: Of the same name.
        began: When each became active, epoch seconds, by labels without ``alertstate``.
    """
    rows = []
    for alert in alerts[:MOST_ROWS]:
        labels = tuple((k, v) for k, v in alert.labels if k != "alertstate")
        at = began.get(labels)
        rest = tuple((k, v) for k, v in labels if k not in ("alertname", "severity", "kind", "topic", "cause"))
        rows.append(
            Row(
                state=state_of(dict(labels).get("severity", "")),
                what=f"alert {word(dict(labels).get('alertname'))}",
                entity=entity_of(rest),
                words=f"fires, severity {word(dict(labels).get('severity')) or 'not said'}",
                since=None if at is None else datetime.fromtimestamp(at, UTC),
                query=_FIRING,
            )
        )
    if len(alerts) > MOST_ROWS:
        rows[-1] = replace(rows[-1], more=len(alerts) - MOST_ROWS)
    return rows


def state_of(severity: str) -> State:
    """Return what a firing alert of a severity is: ``bad`` where a person must act now."""
    return "bad" if severity.lower() in _ACT_NOW else "look"


def _counts(labels: Mapping[str, str]) -> bool:
    return labels.get("alertname") not in ON_PURPOSE and labels.get("severity", "").lower() not in _QUIET


def _name(reading: Reading) -> str:
    return dict(reading.labels).get("alertname", "")
