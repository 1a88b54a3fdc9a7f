"""Reads an Alertmanager webhook body: which service, since when."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from obskit.catalogue import CLUSTER_LABELS, SERVICE_LABELS
from obskit.cli.times import moment
from obskit.errors import UsageError
from obskit.model import Event, stamp

#: Labels that may name something else than the service, the better guess first. A job is who is scraped, which for what
#: an exporter tells is the exporter. A container is a part of a task, and a sidecar is one too.
_GUESSES: Final = ("job", "container", "container_name")
#: Labels that name the service, in the catalogue's order: each is about the thing itself.
_NAMES: Final = tuple(label for label in SERVICE_LABELS if label not in _GUESSES)
#: How far Alertmanager's clock may be ahead of ours: what Kerberos allows two clocks by default (RFC 4120, "five
#: minutes"), more than machines that keep time at all are apart.
_CLOCKS_APART: Final = timedelta(minutes=5)
_MOST_BYTES = 8 * 1024 * 1024
_EXPECTED = "expected Alertmanager's webhook body (version 4): an object with a list `alerts`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """What the alerts of one notification say together.

    Attributes:
        service: What most of the alerts name; only where none names one, what most of their jobs and containers are
            called. "" when no label says.
        cluster: What most of the alerts name by a label; "" when no label says.
        started: When the first of the firing alerts began.
        events: One a firing alert, for the timeline.
    """

    service: str
    cluster: str
    started: datetime
    events: tuple[Event, ...]


def read_alert(path: str, *, now: datetime) -> Alert:
    """Read a webhook body from a file, or from stdin when *path* is ``-``.

    Raises:
        UsageError: Unreadable, too large, or not Alertmanager's.
    """
    raw = _body(path)
    if len(raw) > _MOST_BYTES:
        raise UsageError(f"the alert is larger than {_MOST_BYTES // 2**20} MiB", hint=_EXPECTED)
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise UsageError("the alert is not JSON", where={"said": str(error)[:200]}, hint=_EXPECTED) from error
    alerts = body.get("alerts") if isinstance(body, dict) else None
    if not isinstance(alerts, list) or not all(
        isinstance(a, dict) and isinstance(a.get("labels"), dict) for a in alerts
    ):
        raise UsageError("the alert is not Alertmanager's", hint=_EXPECTED)
    # a group stays firing while any member fires: each alert's own status counts
    firing = [a for a in alerts if a.get("status", "firing") == "firing"] or alerts
    if not firing:
        raise UsageError("the notification holds no alert", hint=_EXPECTED)
    return _together(firing, now=now)


def _body(path: str) -> bytes:
    """Return what the file or stdin holds, and no more of it than shows that it is too large."""
    try:
        if path == "-":
            return sys.stdin.buffer.read(_MOST_BYTES + 1)
        with Path(path).open("rb") as file:
            return file.read(_MOST_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        said = getattr(error, "strerror", None) or str(error)
        raise UsageError(
            f"the alert file {path} cannot be read: {said}", hint="name a file that you may read, or - for stdin"
        ) from error


def _together(alerts: list[dict[str, Any]], *, now: datetime) -> Alert:
    events = tuple(_event(alert, now=now) for alert in alerts)

    def commonest(*names: str) -> str:
        return _commonest((_text(a["labels"], *names), e.time) for a, e in zip(alerts, events, strict=True))

    return Alert(
        service=commonest(*_NAMES) or commonest(*_GUESSES),
        cluster=commonest(*CLUSTER_LABELS),
        started=min(e.time for e in events),
        events=events,
    )


def _commonest(named: Iterable[tuple[str, datetime]]) -> str:
    """Return the name that most alerts bear; of several, that of the alert that began first, then by the alphabet.

    Args:
        named: One an alert: the name, "" where it bears none, and when it began.
    """
    times: dict[str, list[datetime]] = {}
    for name, began in named:
        if name:
            times.setdefault(name, []).append(began)
    return min(times, key=lambda name: (-len(times[name]), min(times[name]), name), default="")


def _event(alert: dict[str, Any], *, now: datetime) -> Event:
    started = alert.get("startsAt")
    if not isinstance(started, str):
        raise UsageError("an alert does not say when it began (startsAt)", hint=_EXPECTED)
    began = moment(started, now=now)
    if began > now + _CLOCKS_APART:
        where = {"startsAt": stamp(began), "now": stamp(now)}
        raise UsageError(
            "the alert begins in the future", where=where, hint="is its date right? obskit triage SERVICE --at TIME"
        )
    return Event(
        time=min(began, now),
        kind="alert",
        service=_text(alert["labels"], *_NAMES, *_GUESSES),
        code=(_text(alert["labels"], "alertname") or "alert")[:200],
        message=_text(alert.get("annotations"), "summary", "description")[:500],
    )


def _text(texts: object, *names: str) -> str:
    """Return the first of these that is a text; others may be nested as deep as they like."""
    if not isinstance(texts, dict):
        return ""
    # half of a surrogate pair is valid JSON, but cannot be written or sent
    found = (value.encode("utf-8", "replace").decode() for n in names if isinstance(value := texts.get(n), str))
    return next(filter(None, found), "")
