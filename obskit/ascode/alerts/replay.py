"""When rules would have fired: their conditions by range queries, holding and keeping in numpy.

A range query at the rule's own interval evaluates its expression exactly as the rule would have
been. What Prometheus keeps beside that is how long a condition has held (``for``) and that an alert
goes on for a while (``keep_firing_for``); `firing` computes both over the whole matrix, after
``rules/alerting.go``. What began before the window holds from the window's begin on.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from obskit.ascode.alerts.build import INTERVAL, Document, Group
from obskit.ascode.alerts.rule import seconds
from obskit.errors import SourceError
from obskit.settings import Connection

Mask = NDArray[np.bool_]
FloatVector = NDArray[np.float64]

#: Queries under way at once: a Prometheus runs 20 by default, and its own rules are among them.
CONCURRENCY = 4
#: Points of one range query; Prometheus refuses more than 11 000.
POINTS = 10_000
#: After which nothing is waited for: a week of two hundred rules takes a minute or two.
DEADLINE_SECONDS = 900.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """One alert over the window.

    Attributes:
        alert, severity: As the rule has them.
        firings: In their order.
        unasked: Why it could not be replayed; "" when it was.
    """

    alert: str
    severity: str
    firings: tuple[Firing, ...] = ()
    unasked: str = ""

    @property
    def seconds(self) -> float:
        """How long any of its series fired, those at the same time counted once."""
        total, until = 0.0, -math.inf
        for one in sorted(self.firings, key=lambda f: f.start):
            begin, end = max(one.start.timestamp(), until), one.end.timestamp()
            total += max(0.0, end - begin)
            until = max(until, end)
        return total


@dataclass(frozen=True, slots=True, kw_only=True)
class Firing:
    """One alert of one series.

    Attributes:
        labels: Of the series that the expression answered.
        start: The first evaluation at which it fired; aware, UTC.
        end: The first at which it did not any more; the window's end when it still did.
    """

    labels: tuple[tuple[str, str], ...]
    start: datetime
    end: datetime

    @property
    def seconds(self) -> float:
        """How long it fired."""
        return (self.end - self.start).total_seconds()


def firing(present: Mask, *, step: float, hold: float, keep: float = 0.0) -> Mask:
    """Return at which evaluations alerts fire.

    Args:
        present: Shape (T, N): whether the expression answered the series at that evaluation.
        step: Seconds between two evaluations.
        hold: ``for`` in seconds.
        keep: ``keep_firing_for`` in seconds.

    Returns:
        Shape (T, N). An alert that is kept fires on at once when its condition holds again.
    """
    if present.size == 0:
        return present.copy()
    index = np.arange(present.shape[0])[:, np.newaxis]
    last_absent = np.maximum.accumulate(np.where(present, -1, index), axis=0)
    last_present = np.maximum.accumulate(np.where(present, index, -1), axis=0)
    held = present & ((index - last_absent - 1) * step >= hold)
    # An alert that fires ends at the first evaluation that is neither bad nor within the keeping time.
    ends = ~present & ((index - last_present - 1) * step >= keep)
    last_held = np.maximum.accumulate(np.where(held, index, -1), axis=0)
    last_end = np.maximum.accumulate(np.where(ends, index, -1), axis=0)
    result: Mask = last_held > last_end
    return result


def replay(groups: Sequence[Group], connection: Connection, start: datetime, end: datetime) -> tuple[Replayed, ...]:
    """Return when each alert would have fired between two moments, by what a Prometheus holds of that time.

    It serves the last days of a live server as well as an incident that was loaded into one.

    Args:
        groups: As they are built; those for Loki are listed as not asked.
        connection: Where Prometheus is, and as whom.
        start, end: Aware; on the past.

    Raises:
        SourceError: Prometheus cannot be reached. A query that it refuses makes that alert unasked.
    """
    asked = [(group, rule) for group in groups for rule in group.rules if "alert" in rule]
    server = _Server(connection)
    recorded = {str(rule["record"]) for group in groups for rule in group.rules if "record" in rule}
    absent = recorded - server.names(start, end)
    with ThreadPoolExecutor(CONCURRENCY, thread_name_prefix="obskit-replay") as pool:
        found = pool.map(lambda one: _replayed(server, one[0], one[1], absent, (start, end)), asked)
        return tuple(found)


def _replayed(
    server: _Server, group: Group, rule: Document, absent: set[str], window: tuple[datetime, datetime]
) -> Replayed:
    severity = str(rule.get("labels", {}).get("severity", ""))
    name = str(rule["alert"])
    expr = str(rule["expr"])
    if group.language != "PromQL":
        return Replayed(alert=name, severity=severity, unasked="it is evaluated by Loki")
    lost = sorted(record for record in absent if record in expr)
    if lost:
        return Replayed(alert=name, severity=severity, unasked=f"{lost[0]} was not recorded in this time")
    step = float(seconds(group.interval or INTERVAL))
    try:
        times, present, labels = server.conditions(expr, window[0].timestamp(), window[1].timestamp(), step)
    except _Refused as error:
        return Replayed(alert=name, severity=severity, unasked=str(error))
    hold, keep = (float(seconds(str(rule.get(key) or "0s"))) for key in ("for", "keep_firing_for"))
    fires = firing(present, step=step, hold=hold, keep=keep)
    own = {key: str(value) for key, value in rule.get("labels", {}).items() if "{{" not in str(value)}
    found = sorted(_stretches(fires, times, labels, own), key=lambda one: (one.start, one.labels))
    return Replayed(alert=name, severity=severity, firings=tuple(found))


def _stretches(
    fires: Mask, times: FloatVector, labels: Sequence[Mapping[str, str]], own: Mapping[str, str]
) -> Iterator[Firing]:
    """Yield each unbroken run of an alert: its edges are found in all columns at once."""
    edge = np.zeros((1, fires.shape[1]), dtype=np.int8)
    change = np.diff(np.concatenate([edge, fires.astype(np.int8), edge]), axis=0)
    begins = np.argwhere(change.T == 1)
    ends = np.argwhere(change.T == -1)
    for (column, first), (_, after) in zip(begins, ends, strict=True):
        kept = {key: value for key, value in labels[column].items() if key != "__name__" and key not in own}
        yield Firing(
            labels=tuple(sorted(kept.items())),
            start=_moment(times[first]),
            end=_moment(times[min(after, len(times) - 1)]),
        )


def _moment(epoch: float) -> datetime:
    return datetime.fromtimestamp(float(epoch), tz=UTC)


class _Refused(Exception):  # noqa: N818 (the server's answer, not a fault of ours)
    """A query that Prometheus would not run, in its own words."""


class _Server:
    """A Prometheus, as far as a replay asks it."""

    def __init__(self, connection: Connection) -> None:
        from obskit.sources.http import session_for

        self._connection = connection
        self._session = session_for(connection, pool=CONCURRENCY)
        self._deadline = time.monotonic() + DEADLINE_SECONDS

    def names(self, start: datetime, end: datetime) -> set[str]:
        """Return the names of the metrics of a time."""
        params = {"start": f"{start.timestamp():.3f}", "end": f"{end.timestamp():.3f}"}
        status, body = self._fetch("/api/v1/label/__name__/values", "names of metrics", params=params)
        found = _json(body)
        data = found.get("data") if status == 200 and isinstance(found, dict) else None
        if not isinstance(data, list):
            raise SourceError("what answers is not Prometheus", where={"said": f"{status}"}, hint="correct the address")
        return {str(name) for name in data}

    def conditions(
        self, expr: str, start: float, end: float, step: float
    ) -> tuple[FloatVector, Mask, list[dict[str, str]]]:
        """Return when an expression answered: times (T,), whether (T, N), and the series' labels.

        Raises:
            _Refused: Prometheus would not run it.
        """
        count = int((end - start) // step) + 1
        times: FloatVector = start + step * np.arange(count, dtype=np.float64)
        columns: dict[tuple[tuple[str, str], ...], int] = {}
        pieces: list[tuple[int, list[int], Mask]] = []
        for first in range(0, count, POINTS):
            points = min(POINTS, count - first)
            labels, values = self._piece(expr, times[first], step, points)
            numbers = [columns.setdefault(tuple(sorted(one.items())), len(columns)) for one in labels]
            pieces.append((first, numbers, values))
        present: Mask = np.zeros((count, len(columns)), dtype=np.bool_)
        for first, numbers, values in pieces:
            present[first : first + len(values), numbers] |= values
        return times, present, [dict(key) for key in columns]

    def _piece(self, expr: str, start: float, step: float, points: int) -> tuple[Sequence[Mapping[str, str]], Mask]:
        from obskit.sources.http import server_words
        from obskit.sources.promjson import NotAnAnswerError, decode_range

        end = start + step * (points - 1)
        data = {"query": expr, "start": f"{start:.3f}", "end": f"{end:.3f}", "step": f"{step:g}"}
        status, body = self._fetch("/api/v1/query_range", expr, data=data)
        if status != 200:
            found = _json(body)
            said = found.get("error") if isinstance(found, dict) else body[:300]
            raise _Refused(server_words(said if isinstance(said, bytes | str) else str(said)))
        try:
            answer = decode_range(body, start, step, points)
        except NotAnAnswerError as error:
            raise _Refused(str(error)) from error
        present: Mask = ~np.isnan(answer.values)
        return answer.labels, present

    def _fetch(self, path: str, query: str, **more: Any) -> tuple[int, bytes]:
        from obskit.sources.http import fetch

        return fetch(
            self._session,
            f"{self._connection.url.rstrip('/')}{path}",
            name="Prometheus",
            deadline=self._deadline,
            timeout=max(self._connection.timeout_seconds, 60.0),
            query=query,
            **more,
        )


def _json(body: bytes) -> Any:
    import orjson

    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def text(replayed: Sequence[Replayed]) -> str:
    """Return a line for each alert that fired, the most often first, and one for each of its first firings."""
    from obskit.escape import clean

    lines: list[str] = []
    for one in sorted(replayed, key=lambda r: (-len(r.firings), r.alert)):
        if one.firings:
            lines.append(f"{one.alert} ({one.severity}): {_times(len(one.firings))}, {_long(one.seconds)} in all")
        for firing_ in one.firings[:SHOWN]:
            labels = ", ".join(f"{key}={value}" for key, value in firing_.labels)
            lines.append(f"  {firing_.start:%Y-%m-%dT%H:%M:%SZ}  {_long(firing_.seconds):>8}  {labels}")
        if len(one.firings) > SHOWN:
            lines.append(f"  and {len(one.firings) - SHOWN} more")
    quiet = sum(not one.firings and not one.unasked for one in replayed)
    lines += [f"not replayed: {one.alert}: {one.unasked}" for one in replayed if one.unasked]
    fired = sum(bool(one.firings) for one in replayed)
    lines.append(f"{fired} {'alert' if fired == 1 else 'alerts'} would have fired, {quiet} stayed quiet")
    return "\n".join(clean(line, lines=True) for line in lines)


#: Firings of one alert that a person reads.
SHOWN = 5


def document(replayed: Sequence[Replayed]) -> list[dict[str, Any]]:
    """Return the same for machines: every firing."""
    return [
        {
            "alert": one.alert,
            "severity": one.severity,
            "count": len(one.firings),
            "seconds": one.seconds,
            "unasked": one.unasked,
            "firings": [
                {
                    "labels": dict(firing_.labels),
                    "start": firing_.start.isoformat(),
                    "end": firing_.end.isoformat(),
                    "seconds": firing_.seconds,
                }
                for firing_ in one.firings
            ],
        }
        for one in replayed
    ]


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _long(length: float) -> str:
    """Return a length of time as Prometheus writes durations, to the second."""
    whole = round(length)
    parts = [(whole // 86_400, "d"), (whole % 86_400 // 3600, "h"), (whole % 3600 // 60, "m"), (whole % 60, "s")]
    return "".join(f"{number}{unit}" for number, unit in parts if number) or "0s"
