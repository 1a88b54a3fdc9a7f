"""A range answer of Prometheus that somebody saved, as columns; and columns as such an answer, for other tools."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import orjson

from obskit.errors import UsageError
from obskit.model import Metrics, Series, Unit, Window, stamp, utc

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
            f"{answer.misplaced} points of the answer lie elsewhere than at the times that were asked for",
            where={
                "asked": f"{stamp(first)} to {stamp(last)}, every {length.total_seconds():g} s",
                "the answer": _points_in_words(body),
            },
            hint="give start, end and step of its own request; some servers move them to multiples of the step",
        )
    return matrix_of(answer, grid, query, unit)


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
