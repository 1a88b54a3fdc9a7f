"""A range answer of Prometheus that somebody saved, as columns; and columns as such an answer, for other tools."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import orjson

from obskit.errors import UsageError
from obskit.model import Metrics, Series, Unit, Window, stamp, utc

if TYPE_CHECKING:
    from obskit.sources.prometheus_read import Grid

#: How columns are labelled where an answer is written: what obskit's own queries ask for first.
_SERVICE, _TASK = "service", "task_id"
#: Seconds since the epoch beyond which no time is told: the year 2191.
_FARTHEST = 7e9


def read_answer(
    body: bytes, *, start: datetime, end: datetime, step: timedelta, query: str = "", unit: Unit = "count"
) -> Metrics:
    """Read a range answer: what `Metrics.from_prometheus` does, and says."""
    from obskit.analysis.answers import MOST_POINTS, matrix_of
    from obskit.analysis.arguments import duration_of, moment_of, unit_of
    from obskit.sources.prometheus_read import Grid
    from obskit.sources.promjson import NotAnAnswerError, decode_range

    unit, length = unit_of(unit), duration_of(step)
    first, last = (moment_of(edge, now=datetime.now(UTC)) for edge in (start, end))
    if length <= timedelta(0) or last < first or (last - first) / length > MOST_POINTS:
        raise UsageError(f"{Window(start=first, end=last)} in steps of {length.total_seconds():g} s makes no sense")
    grid = Grid(first.timestamp(), length.total_seconds(), int((last - first) / length) + 1)
    try:
        answer = decode_range(body, grid.start, grid.step, grid.points)
    except NotAnAnswerError as error:
        raise UsageError(
            f"this is no range answer: {error}", hint="read the body of /api/v1/query_range as bytes"
        ) from error
    if answer.misplaced:
        raise UsageError(
            f"{_points(answer.misplaced, 'lies', 'lie')} elsewhere than at the times that were asked for",
            where={
                "asked": f"{stamp(first)} to {stamp(last)}, every {length.total_seconds():g} s",
                "the answer": _points_in_words(body),
            },
            hint="give start, end and step of its own request; some servers move them to multiples of the step",
        )
    metrics = matrix_of(answer, grid, query, unit)
    if answer.overruled:
        raise UsageError(
            f"{_points(answer.overruled, 'is', 'are')} contradicted by another of their series at the same time",
            where={"the first": _overruled_in_words(body, grid, metrics.series)},
            hint="were two answers joined? ask for the whole stretch at once, or drop the one that is wrong",
        )
    return metrics


def _points(number: int, one: str, several: str) -> str:
    """Return so many points and their verb: ``1 point of the answer is``."""
    return f"{number} {'point' if number == 1 else 'points'} of the answer {one if number == 1 else several}"


def _overruled_in_words(body: bytes, grid: Grid, series: Sequence[Series]) -> str:
    """Return the first of the points that contradict each other: ``up{shop} at TIME: 1 and 2``. Only for an error."""
    from obskit.sources.promjson import unlike

    rows = [row["values"] for row in orjson.loads(body)["data"]["result"] if "values" in row]
    points = np.concatenate([np.array(row).astype(np.float64).reshape(-1, 2) for row in rows])
    column = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
    place = np.rint((points[:, 0] - grid.start) / grid.step).astype(np.int64)
    order = np.lexsort((place, column))  # stable: points of one place stay as they came
    before, after = order[:-1], order[1:]
    same = (column[before] == column[after]) & (place[before] == place[after])
    first = np.flatnonzero(same & unlike(points[before, 1], points[after, 1]))[0]
    one, other = points[order[first]], points[order[first + 1]]
    return f"{series[column[order[first]]].name} at {_exact(round(float(one[0]) * 1e3))}: {one[1]:g} and {other[1]:g}"


def _points_in_words(body: bytes) -> str:
    """Return where the points of an answer lie: ``FIRST to LAST, every 30 s``. Only for an error, as it is slow."""
    rows = orjson.loads(body)["data"]["result"]
    seconds = np.concatenate([np.array(row["values"])[:, 0] for row in rows if row.get("values")]).astype(np.float64)
    milliseconds = np.unique(np.rint(np.clip(seconds, 0, _FARTHEST) * 1e3).astype(np.int64))
    begin, end = (_exact(int(milliseconds[i])) for i in (0, -1))
    apart = np.gcd.reduce(np.diff(milliseconds)) / 1e3
    return f"{begin} to {end}, every {apart:g} s" if apart else begin


def _exact(milliseconds: int) -> str:
    """Return a time as obskit prints it, with its milliseconds where it has some."""
    moment = utc(milliseconds * 1_000_000)
    return stamp(moment) if milliseconds % 1000 == 0 else f"{moment:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03d}Z"


def answer_of(metrics: Metrics) -> bytes:
    """Return columns as the body of ``query_range`` that Prometheus would have sent.

    Args:
        metrics: Live or recorded.

    Returns:
        JSON. A series is labelled with its signal as ``__name__``, ``service``, ``task_id`` and its other labels; where
        there was no sample there is none, and a column without any is left out.
    """
    texts = metrics.values.T.astype("U32")
    seconds = metrics.times.astype("datetime64[ns]").astype(np.int64) / 1e9
    rows = [
        {"metric": _labels(series), "values": list(zip(seconds[seen].tolist(), text[seen].tolist(), strict=True))}
        for series, text, seen in zip(metrics.series, texts, np.isfinite(metrics.values).T, strict=True)
        if seen.any()
    ]
    return orjson.dumps({"status": "success", "data": {"resultType": "matrix", "result": rows}})


def _labels(series: Series) -> dict[str, str]:
    """Return what Prometheus would call a column."""
    own = {"__name__": series.signal, _SERVICE: series.service, _TASK: series.task}
    return {**dict(series.labels), **{name: value for name, value in own.items() if value}}
