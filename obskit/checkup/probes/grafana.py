"""What Grafana says: which of its alerts fire, and which of its data sources answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from obskit.ascode.grafana_api import GrafanaApi, GrafanaError, rows_of, text_of
from obskit.checkup.ask import Access, each, why
from obskit.checkup.probes.firing import ON_PURPOSE, state_of
from obskit.checkup.rows import MOST_ROWS, entity_of, word
from obskit.checkup.words import Row
from obskit.sources.ecs_events import moment

_ALERTS = "/api/alertmanager/grafana/api/v2/alerts"
_SOURCES = "/api/datasources"
#: More are not asked about one by one.
_MOST_SOURCES = 50
#: Answers of a data source that has no health check, and of a token that may not ask for it.
_NOT_TOLD = (401, 403, 404, 501)


def alerts(access: Access) -> tuple[Row, ...]:
    """Return a row for each alert of Grafana's own that fires and is not silenced, or one that none does."""
    api = GrafanaApi(access.settings.grafana)
    params = {"active": "true", "silenced": "false", "inhibited": "false"}
    answer = api.json("list firing alerts", "GET", _ALERTS, params=params, until=access.deadline)
    rows = []
    with api.reading("list firing alerts"):
        for alert in rows_of(answer):
            labels = {str(k): str(v) for k, v in alert["labels"].items() if not str(k).startswith("__")}
            name = labels.pop("alertname", "without a name")
            severity = labels.pop("severity", "")
            if name in ON_PURPOSE:
                continue
            rows.append(
                Row(
                    state=state_of(severity),
                    what=f"Grafana's alert {word(name)}",
                    entity=entity_of(tuple(sorted(labels.items()))),
                    words="fires",
                    since=moment(alert.get("startsAt")),
                )
            )
    rows.sort(key=lambda row: (row.state, row.what, row.entity))
    if len(rows) > MOST_ROWS:
        rows = [*rows[: MOST_ROWS - 1], replace(rows[MOST_ROWS - 1], more=len(rows) - MOST_ROWS)]
    return tuple(rows) or (Row(state="ok", what="Grafana's alerts firing", value=0.0, unit="count"),)


def data_sources(access: Access) -> tuple[Row, ...]:
    """Return a row for each data source that fails its health check, or one that counts those that pass."""
    api = GrafanaApi(access.settings.grafana)
    answer = api.json("list data sources", "GET", _SOURCES, until=access.deadline)
    with api.reading("list data sources"):
        known = sorted((text_of(row, "name"), text_of(row, "uid")) for row in rows_of(answer))[:_MOST_SOURCES]
    found = each([lambda u=uid: _health(api, u, access.deadline) for _, uid in known], lambda _: None)  # type: ignore[misc]
    failed = []
    for (name, _), said in zip(known, found, strict=True):
        if isinstance(said, Exception):
            said = why(said)  # noqa: PLW2901 (its own words are what a person reads)
        if said:
            failed.append(Row(state="bad", what="data source fails", entity=word(name), words=word(said, 160)))
    passed = sum(said == "" for said in found)
    fine = Row(state="ok", what="data sources that answer", value=float(passed), unit="count")
    return tuple(failed) or ((fine,) if passed else ())


def _health(api: GrafanaApi, uid: str, until: float) -> str | None:
    """Return "" for a healthy source, what is wrong with another, None where that is not told.

    Raises:
        GrafanaError: Grafana says that the source fails, or could not be asked.
    """
    try:
        answer = api.json("check a data source", "GET", f"/api/datasources/uid/{_segment(uid)}/health", until=until)
    except GrafanaError as error:
        if error.status in _NOT_TOLD:
            return None
        raise
    told = cast("Mapping[str, Any]", answer) if isinstance(answer, dict) else {}
    return "" if told.get("status") == "OK" else str(told.get("message") or "it does not say why")


def _segment(uid: str) -> str:
    from urllib.parse import quote

    return quote(uid, safe="") if uid.strip(".") else "-"
