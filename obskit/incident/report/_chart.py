"""Small line charts: a matrix of series becomes SVG paths, whole columns at once."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

import numpy as np
import numpy.typing as npt

from obskit.incident.report import _phrases as say
from obskit.incident.report.escape import clean
from obskit.incident.units import humanize
from obskit.model import Diagnosis, FloatMatrix, Metrics, Series, TimeArray, Unit, Window, utc

#: The plot's own coordinates; it is stretched to the room that the page has.
WIDTH, HEIGHT = 800, 240

#: More points than this are drawn as the lowest and highest of each stretch: a chart is some
#: 400 pixels wide, and a peak of one sample must stay visible.
_POINTS = 300

_CHARTS = 12
_TASK_LINES = 10

#: Steps between ticks of the time axis, in minutes.
_TIME_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440)

#: Robust standard deviations to each side that still count as usual (Iglewicz and Hoaglin use 3.5).
_USUAL = 3.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A label at a place on an axis: *at* in percent from the left or the top."""

    at: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """One signal of one service, ready to draw.

    Attributes:
        title, service: For the caption.
        line_name: What the strong line is, for example ``mean of 5 tasks``.
        line: Path of the service's line in the coordinates of the plot.
        tasks: Paths of single tasks or further series.
        tasks_left_out: How many series are not drawn.
        band: Top and height of the usual range in plot coordinates, or None without a calm stretch.
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
    band: tuple[float, float] | None
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
    """Return at most seven round times of day (UTC) within the window."""
    minutes = window.duration / timedelta(minutes=1)
    step = next((step for step in _TIME_STEPS if minutes / step <= 7), 1440 * math.ceil(minutes / 1440 / 7))
    width = timedelta(minutes=step)
    midnight = window.start.replace(hour=0, minute=0, second=0, microsecond=0)
    first = midnight + math.ceil((window.start - midnight) / width) * width
    moments = (first + n * width for n in range(8))
    return tuple(Tick(at=share(m, window), label=m.strftime("%H:%M")) for m in moments if m <= window.end)


def share(moment: datetime, window: Window) -> float:
    """Return where in the window a moment lies, in percent, cut to 0 and 100."""
    return round(min(100.0, max(0.0, 100 * ((moment - window.start) / window.duration))), 3)


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
    low, high, ticks = _scale(np.column_stack([whole, singles]), series[0].unit)
    across = _across(metrics.times, window)
    paths = _paths(*_thin(across, np.column_stack([whole, singles])), low, high)
    unit = series[0].unit
    return Chart(
        title=_title(series[0].signal, diagnosis),
        service=clean(series[0].service),
        line_name=name,
        line=paths[0],
        tasks=tuple(paths[1:]),
        tasks_left_out=len(parts) - singles.shape[1] if singles.shape[1] else 0,
        band=_band(band, low, high),
        usual=" to ".join(dict.fromkeys(humanize(level, unit) for level in band)) if band else "",
        ticks=ticks,
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


def _scale(values: FloatMatrix, unit: Unit) -> tuple[float, float, tuple[Tick, ...]]:
    """Return bottom, top and three to five round ticks; zero belongs to it unless it is far away."""
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    if 0 <= low < 0.7 * high:
        low = 0.0
    if high <= low:
        low, high = (low - abs(low) * 0.1, high + abs(high) * 0.1) if low else (0.0, 1.0)
    step = _step((high - low) / 3, unit)
    bottom, top = math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step
    levels = [bottom + n * step for n in range(round((top - bottom) / step) + 1)]
    ticks = (Tick(at=round(100 * (top - level) / (top - bottom), 2), label=humanize(level, unit)) for level in levels)
    return bottom, top, tuple(ticks)


def _step(rough: float, unit: Unit) -> float:
    """Return the next larger round number: 1, 2, 2.5, 5 times a power of ten; of 1024 first for bytes."""
    base = 1024.0 ** max(0, math.floor(math.log(rough, 1024))) if unit == "bytes" and rough > 0 else 1.0
    power = base * 10.0 ** math.floor(math.log10(rough / base))
    return next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough * (1 - 1e-9))


def _across(times: TimeArray, window: Window) -> FloatMatrix:
    """Return the times as plot coordinates, shape (T,)."""
    start = np.datetime64(window.start.replace(tzinfo=None), "ns")
    span = np.timedelta64(round(window.duration.total_seconds() * 1e9), "ns")
    return np.asarray((times - start) / span * WIDTH)


def _thin(across: FloatMatrix, values: FloatMatrix) -> tuple[FloatMatrix, FloatMatrix]:
    """Return at most `_POINTS` rows: of each stretch the lowest and the highest value."""
    rows = len(across)
    if rows <= _POINTS:
        return across, values
    size = math.ceil(rows / (_POINTS // 2))
    stretches = math.ceil(rows / size)
    padded = np.full((stretches * size, values.shape[1]), np.nan)
    padded[:rows] = values
    blocks = padded.reshape(stretches, size, -1)
    thin = np.stack([np.fmin.reduce(blocks, axis=1), np.fmax.reduce(blocks, axis=1)], axis=1)
    starts = across[::size]
    half = (across[1] - across[0]) * size / 2
    return np.column_stack([starts, starts + half]).ravel(), thin.reshape(-1, values.shape[1])


def _paths(across: FloatMatrix, values: FloatMatrix, low: float, high: float) -> list[str]:
    """Return one SVG path a column: a line breaks where samples are missing."""
    inside = (across >= 0) & (across <= WIDTH)
    xs = np.char.mod("%d", np.round(across[inside]).astype(np.int64))
    down = np.clip((high - values[inside]) / (high - low), 0, 1) * HEIGHT
    present = np.isfinite(down)
    ys = np.char.mod("%d", np.round(np.where(present, down, 0)).astype(np.int64))
    return [_path(xs, ys[:, column], present[:, column]) for column in range(values.shape[1])]


def _path(xs: npt.NDArray[np.str_], ys: npt.NDArray[np.str_], present: npt.NDArray[np.bool_]) -> str:
    before = np.concatenate([[False], present[:-1]])
    after = np.concatenate([present[1:], [False]])
    verbs = np.where(before, "L", "M")
    # A sample without neighbours is a line of no length, which round caps show as a dot.
    points = np.char.add(np.char.add(np.char.add(verbs, xs), " "), ys)
    points = np.char.add(points, np.where(present & ~before & ~after, "h0", ""))
    return "".join(points[present].tolist())


def _band(usual: tuple[float, float] | None, low: float, high: float) -> tuple[float, float] | None:
    if usual is None:
        return None
    top, bottom = (HEIGHT * (high - min(max(level, low), high)) / (high - low) for level in reversed(usual))
    # Two units high at least: a level that never moved is a thin line, not nothing.
    return round(top, 1), round(max(bottom - top, 2.0), 1)


def lifetimes(metrics: Metrics) -> Iterator[tuple[str, str, datetime, datetime, bool, bool]]:
    """Yield of each task: service, task, first and last sample, and whether it was there at both ends."""
    tasks: dict[tuple[str, str], list[int]] = {}
    for position, series in enumerate(metrics.series):
        if series.task:
            tasks.setdefault((series.service, series.task), []).append(position)
    for (service, task), columns in tasks.items():
        rows = np.flatnonzero(np.isfinite(metrics.values[:, columns]).any(axis=1))
        if rows.size:
            first, last = (utc(int(metrics.times[rows[i]].astype("datetime64[ns]").astype(np.int64))) for i in (0, -1))
            # Two steps of grace: the edge of the window rarely meets a scrape.
            yield service, task, first, last, bool(rows[0] <= 2), bool(rows[-1] >= len(metrics.times) - 3)
