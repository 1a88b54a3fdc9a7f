"""Small line charts: a matrix of series becomes SVG paths, whole columns at once."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

import numpy as np

from obskit import drawing
from obskit.drawing import Axis, Plot, Tick
from obskit.escape import clean
from obskit.incident.report import phrases as say
from obskit.incident.units import humanize
from obskit.model import Diagnosis, FloatMatrix, Metrics, Series, TimeArray, Unit, Window, utc

#: The plot's own coordinates; it is stretched to the room that the page has.
WIDTH, HEIGHT = 800, 240

#: A chart is some 400 pixels wide. A sample outside the window is not drawn, however near it lies.
_PLOT = Plot(width=WIDTH, height=HEIGHT, points=300)

_CHARTS = 12
_TASK_LINES = 10

#: Robust standard deviations to each side that still count as usual (Iglewicz and Hoaglin use 3.5).
_USUAL = 3.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """One signal of one service, ready to draw.

    Attributes:
        title, service: For the caption.
        line_name: What the strong line is, for example ``mean of 5 tasks``.
        line: Path of the service's line in the coordinates of the plot.
        tasks: Paths of single tasks or further series.
        tasks_left_out: How many series are not drawn.
        band: Left end, top and height of the usual range in plot coordinates, or None without a calm stretch; it begins
            with the line.
        usual: The usual range in words.
        ticks: Of the value axis.
        lowest, highest, last: In words with their unit.
        query: What was sent.
    """

    title: str
    service: str
    line_name: str
    line: str
    tasks: tuple[str, ...]
    tasks_left_out: int
    band: tuple[float, float, float] | None
    usual: str
    ticks: tuple[Tick, ...]
    lowest: str
    highest: str
    last: str
    query: str


def charts(diagnosis: Diagnosis, window: Window) -> list[Chart]:
    """Return a chart for each signal and service that holds a sample, in the order of the columns.

    Args:
        diagnosis: Whose ``metrics`` are drawn.
        window: The stretch that the time axis covers.
    """
    groups: dict[tuple[str, str], list[int]] = {}
    for position, series in enumerate(diagnosis.metrics.series):
        groups.setdefault((series.signal, series.service), []).append(position)
    drawn = (_chart(diagnosis, diagnosis.metrics.where(columns), window) for columns in groups.values())
    return list(islice((chart for chart in drawn if chart is not None), _CHARTS))


def time_ticks(window: Window) -> tuple[Tick, ...]:
    """Return at most eight round times of day (UTC) within the window; its days stand at the report's head."""
    return drawing.time_ticks(window, steps=7)


def moment(time: np.datetime64) -> datetime:
    """Return a time of the grid as an aware datetime (UTC)."""
    return utc(int(time.astype("datetime64[ns]").astype(np.int64)))


def _chart(diagnosis: Diagnosis, metrics: Metrics, window: Window) -> Chart | None:
    """Return the chart of one signal's columns; None when they hold no sample."""
    values = np.where(np.isfinite(metrics.values), metrics.values, np.nan)
    seen = np.flatnonzero(np.isfinite(values).any(axis=0))
    if not seen.size:
        return None
    values, series = values[:, seen], [metrics.series[i] for i in seen]
    whole, name = _whole(values, series)
    band = _usual(whole, metrics.times, diagnosis.onset)
    parts = [i for i, s in enumerate(series) if s.task or s.labels]
    singles = _extremes(values[:, parts if len(series) > 1 else []])
    unit, lines = series[0].unit, np.column_stack([whole, singles])
    axis = _axis(lines, unit)
    paths = drawing.paths(metrics.times, lines, window, (axis.bottom, axis.top), _PLOT)
    return Chart(
        title=_title(series[0].signal, diagnosis),
        service=clean(series[0].service),
        line_name=name,
        line=paths[0],
        tasks=tuple(paths[1:]),
        tasks_left_out=len(parts) - singles.shape[1] if singles.shape[1] else 0,
        band=_band(band, axis.bottom, axis.top, _left(whole, metrics.times, window)),
        usual=" to ".join(dict.fromkeys(humanize(level, unit) for level in band)) if band else "",
        ticks=_ticks(axis, unit),
        lowest=humanize(float(np.fmin.reduce(whole)), unit),
        highest=humanize(float(np.fmax.reduce(whole)), unit),
        last=humanize(float(whole[-1]), unit),
        query=clean(series[0].query, lines=True),
    )


def _title(signal: str, diagnosis: Diagnosis) -> str:
    return clean(diagnosis.facts.get(f"title.{signal}", "")) or say.readable(signal)


def _whole(values: FloatMatrix, series: list[Series]) -> tuple[FloatMatrix, str]:
    """Return the service's own line, shape (T,), and what it is called.

    A column without task and labels is the service itself; where none is, the mean is taken,
    which lies among the columns.
    """
    own = [i for i, s in enumerate(series) if not s.task and not s.labels]
    if own or len(series) == 1:
        return values[:, own[0] if own else 0], "service" if not series[own[0] if own else 0].task else "one task"
    count = np.isfinite(values).sum(axis=1)
    mean = np.divide(np.nansum(values, axis=1), count, out=np.full(len(values), np.nan), where=count > 0)
    return mean, f"mean of {len(series)} {'tasks' if all(s.task for s in series) else 'series'}"


def _extremes(values: FloatMatrix) -> FloatMatrix:
    """Return the columns to draw faintly: all, or those that reach farthest from the middle."""
    if values.shape[1] <= _TASK_LINES:
        return values
    middle = np.nanmedian(values)
    reach = np.fmax.reduce(np.abs(values - middle), axis=0)
    return values[:, np.sort(np.argsort(-reach, kind="stable")[:_TASK_LINES])]


def _usual(whole: FloatMatrix, times: TimeArray, onset: datetime | None) -> tuple[float, float] | None:
    """Return median ± robust spread before the onset; None with fewer than ten samples."""
    before = whole if onset is None else whole[times < np.datetime64(onset.replace(tzinfo=None), "ns")]
    before = before[np.isfinite(before)]
    if before.size < 10:
        return None
    middle = float(np.median(before))
    spread = _USUAL * 1.4826 * float(np.median(np.abs(before - middle)))
    floor = 0.0 if before.min() >= 0 else -math.inf
    return max(middle - spread, floor), middle + spread


def _axis(lines: FloatMatrix, unit: Unit) -> Axis:
    """Return the value axis of all lines, shape (T, N), that are drawn."""
    return drawing.axis(float(np.nanmin(lines)), float(np.nanmax(lines)), rounded=drawing.step_for(unit, lines))


def _ticks(axis: Axis, unit: Unit) -> tuple[Tick, ...]:
    """Return ticks from the bottom, which is round here, to the top."""
    steps = round((axis.top - axis.bottom) / axis.step)
    return axis.ticks((axis.bottom + n * axis.step for n in range(steps + 1)), lambda level: humanize(level, unit))


def _left(whole: FloatMatrix, times: TimeArray, window: Window) -> float:
    """Return where a line, shape (T,) with a sample, begins in the coordinates of the plot."""
    first = times[np.flatnonzero(np.isfinite(whole))[0]]
    return WIDTH * drawing.share(moment(first), window) / 100


def _band(usual: tuple[float, float] | None, low: float, high: float, left: float) -> tuple[float, float, float] | None:
    if usual is None:
        return None
    top, bottom = (HEIGHT * (high - min(max(level, low), high)) / (high - low) for level in reversed(usual))
    # Two units high at least: a level that never moved is a thin line, not nothing.
    return round(left, 1), round(top, 1), round(max(bottom - top, 2.0), 1)


def lifetimes(metrics: Metrics) -> Iterator[tuple[str, str, datetime, datetime, bool, bool]]:
    """Yield of each task: service, task, first and last sample, and whether it was there at both ends."""
    tasks: dict[tuple[str, str], list[int]] = {}
    for position, series in enumerate(metrics.series):
        if series.task:
            tasks.setdefault((series.service, series.task), []).append(position)
    for (service, task), columns in tasks.items():
        rows = np.flatnonzero(np.isfinite(metrics.values[:, columns]).any(axis=1))
        if rows.size:
            first, last = (moment(metrics.times[rows[i]]) for i in (0, -1))
            # Two steps of grace: the edge of the window rarely meets a scrape.
            yield service, task, first, last, bool(rows[0] <= 2), bool(rows[-1] >= len(metrics.times) - 3)
