"""From what an analyst types to a question, and from an answer to the model's values."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from obskit.errors import SourceError, UsageError
from obskit.model import Metrics, Series, Signal, Telemetry, Unit, Window

if TYPE_CHECKING:
    from obskit.sources.prometheus_read import Grid
    from obskit.sources.promjson import RangeAnswer

#: So much of a query names a column that bears no name of its own.
_LONGEST_NAME = 80
#: Distance of two points where nobody says: the usual scrape interval, seconds.
_STEP = 15.0
#: Points a series; more than ten requests to a server are no question but a copy.
_MOST_POINTS = 110_000


def window_of(
    since: str | timedelta, start: str | datetime | None, end: str | datetime | None, *, now: datetime
) -> Window:
    """Return the window that is meant: half an hour up to now where nothing is said.

    Args:
        since: How long before the end it begins; "" for what *start* says.
        start, end: Texts as `obskit.times.moment` reads them, or aware datetimes.
        now: The present, aware.

    Raises:
        UsageError: Two begins, a time without a zone, an inverted, future, too short or too long window.
    """
    from obskit.times import DEFAULT, before, between

    if since and start is not None:
        raise UsageError("since and start both say where to begin", hint="drop one of them")
    stop = now if end is None else _moment(end, now)
    begin = before(stop, _duration(since) if since else DEFAULT) if start is None else _moment(start, now)
    return between(begin, stop, now=now)


def grid_of(window: Window, step: str | timedelta) -> Grid:
    """Return the points to ask for: at multiples of the step, or as fine as is worth it where none is said.

    Raises:
        UsageError: The step is no duration, or leaves too many points.
    """
    from obskit.sources.prometheus_read import Grid, grid_for

    if not step:
        return grid_for(window, _STEP)
    seconds = _duration(step).total_seconds()
    if not seconds > 0 or window.duration.total_seconds() / seconds > _MOST_POINTS:
        raise UsageError(
            f"a step of {seconds:g} s makes no sense", hint=f"longer, so that there are at most {_MOST_POINTS} points"
        )
    first = math.floor(window.start.timestamp() / seconds) * seconds
    return Grid(first, seconds, math.floor((window.end.timestamp() - first) / seconds) + 1)


def known_signal(name: str) -> Signal:
    """Return a signal of the catalogue.

    Raises:
        UsageError: There is none of this id; the nearest are named.
    """
    from obskit.catalogue import all_signals

    found = all_signals().get(name)
    if found is None:
        import difflib

        near = difflib.get_close_matches(name, all_signals(), n=3, cutoff=0.5)
        hint = f"did you mean {', '.join(near)}?" if near else "obskit.signals() holds all"
        raise UsageError(f"there is no signal {name[:80]!r}", hint=hint)
    return found


def columns_of(told: Telemetry, signal: Signal, service: str) -> Metrics:
    """Return a signal's columns out of what a source told; what it said beside them becomes a Python warning.

    Raises:
        UsageError: The source knows no such service.
        SourceError: It could not tell.
    """
    unknown = any(key.endswith(".known") and value == "false" for key, value in told.facts.items())
    failed = [gap for gap in told.gaps if not gap.partial and (gap.query == signal.id or unknown)]
    if failed and unknown:
        raise UsageError(failed[0].reason, hint="check the name and the window")
    if failed:
        raise SourceError(f"{signal.id} could not be had", where={"said": failed[0].reason}, hint="run: obskit doctor")
    tell(gap.reason for gap in told.gaps if gap.partial and gap.query == signal.id)
    whose = {service, signal.entity}
    columns = enumerate(told.metrics.series)
    return told.metrics.where(i for i, s in columns if s.signal == signal.id and (not service or s.service in whose))


def matrix_of(answer: RangeAnswer, grid: Grid, query: str, unit: Unit) -> Metrics:
    """Return a server's answer as columns, named by its labels; what it said beside it becomes a Python warning."""
    tell(answer.warnings)
    if answer.histograms:
        tell([f"{answer.histograms} series hold native histograms only and were passed over"])
    columns = tuple(_series(labels, query, unit) for labels in answer.labels)
    return Metrics(times=grid.times, values=answer.values, series=columns)


def tell(notes: Iterable[str]) -> None:
    """Warn of what a server said beside its answer, once each."""
    from obskit.sources.http import server_words

    for note in dict.fromkeys(notes):
        warnings.warn(server_words(note), UserWarning, stacklevel=4)


def _series(labels: Mapping[str, str], query: str, unit: Unit) -> Series:
    from obskit.catalogue._speak import SERVICE_LABELS, TASK_LABELS
    from obskit.escape import cut

    service = next((name for name in SERVICE_LABELS if labels.get(name)), "")
    task = next((name for name in TASK_LABELS if labels.get(name)), "")
    return Series(
        signal=labels.get("__name__") or cut(query, _LONGEST_NAME),
        unit=unit,
        service=labels.get(service, ""),
        task=labels.get(task, ""),
        labels=tuple(sorted((k, v) for k, v in labels.items() if k not in ("__name__", service, task))),
        query=query,
    )


def _moment(time: str | datetime, now: datetime) -> datetime:
    if isinstance(time, str):
        from obskit.times import moment

        return moment(time, now=now)
    if time.tzinfo is None or time.utcoffset() is None:
        raise UsageError(
            f"{time} does not say in which zone", hint="give it tzinfo=datetime.UTC, or write it as a text"
        )
    return time.astimezone(UTC)


def _duration(length: str | timedelta) -> timedelta:
    from obskit.times import duration

    return length if isinstance(length, timedelta) else duration(length)
