"""From what an analyst types to a question, and from an answer to the model's values."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from obskit.analysis.arguments import duration_of, moment_of, unit_of
from obskit.errors import SourceError, UsageError
from obskit.model import Metrics, Series, Signal, Telemetry, Unit, Window, nanoseconds

if TYPE_CHECKING:
    from obskit.sources.prometheus_read import Grid
    from obskit.sources.promjson import RangeAnswer

#: So much of a query names a column that bears no name of its own.
_LONGEST_NAME = 80
#: Distance of two points where nobody says: the usual scrape interval, seconds.
_STEP = 15.0
#: Points a series; more than ten requests to a server are no question but a copy.
MOST_POINTS = 110_000
_MILLISECOND = 1_000_000


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

    if since != "" and start is not None:
        raise UsageError("since and start both say where to begin", hint="drop one of them")
    stop = now if end is None else moment_of(end, now=now)
    length = DEFAULT if since == "" else duration_of(since)
    if length <= timedelta(0):
        raise UsageError(f"a window of {length.total_seconds():g} s has no length", hint='for example since="30m"')
    begin = before(stop, length) if start is None else moment_of(start, now=now)
    return between(begin, stop, now=now)


def grid_of(window: Window, step: str | timedelta) -> Grid:
    """Return the points to ask for: as fine as is worth it where no step is said.

    Args:
        window: Where the points lie.
        step: "" for none; else all multiples of it (since the epoch) in the window, in whole milliseconds, as servers
            count.

    Raises:
        UsageError: The step is no duration, leaves too many points, or none.
    """
    from obskit.sources.prometheus_read import Grid, grid_for

    if step == "":
        return grid_for(window, _STEP)
    seconds = duration_of(step).total_seconds()
    length = round(seconds * 1000)
    if not length > 0 or window.duration.total_seconds() / seconds > MOST_POINTS:
        raise UsageError(
            f"a step of {seconds:g} s makes no sense", hint=f"longer, so that there are at most {MOST_POINTS} points"
        )
    first = -(-nanoseconds(window.start) // (length * _MILLISECOND))
    last = nanoseconds(window.end) // (length * _MILLISECOND)
    if last < first:
        raise UsageError(
            f"no multiple of {seconds:g} s lies in the window", where={"window": str(window)}, hint="a shorter step"
        )
    return Grid(first * length / 1000, length / 1000, last - first + 1)


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


def require_counted(signal: Signal) -> None:
    """Refuse a signal of logs that obskit never asks: that nobody asked is not that nothing matched.

    Raises:
        UsageError: It is one; its query is told.
    """
    from obskit.catalogue.logs import SIGNALS

    if signal.id not in {one.id for one in SIGNALS}:
        raise UsageError(
            f"obskit does not ask Loki for {signal.id}: dashboards and rules do",
            where={"its query": signal.variants[0].query},
            hint="fill in $service, $selector, $names and $rate, and send it: sources.logql(query)",
        )


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
    """Return a server's answer as columns, named by its labels; what it said beside it becomes a Python warning.

    Raises:
        UsageError: There is no such unit.
    """
    unit = unit_of(unit)
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
    from obskit.catalogue import SERVICE_LABELS, TASK_LABELS
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
