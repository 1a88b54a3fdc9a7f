"""A panel's columns as SVG paths and numbers, whole columns at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from obskit.ascode.preview.data import Frame
from obskit.ascode.preview.look import Look
from obskit.model import FloatMatrix, TimeArray, Window, nanoseconds

#: The plot's own coordinates; it is stretched to the room that the panel has.
WIDTH, HEIGHT = 1200, 300
#: Lines that a panel draws; beyond it nobody tells them apart.
MOST_LINES = 12
#: More points than this are drawn as the lowest and highest of each stretch: a panel is some 500
#: pixels wide, and a peak of one sample must stay visible.
_POINTS = 500
#: Steps between ticks of the time axis, in minutes.
_TIME_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440)
_MOST_TIME_TICKS = 6
_FOLDS: Mapping[str, Callable[..., Any]] = {"mean": np.mean, "max": np.max, "min": np.min, "sum": np.sum}
#: From this on a time of day does not say which day.
_DAYS = timedelta(hours=36)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A label at a place on an axis: *at* in percent from the left or the top."""

    at: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """One line: its legend, its path, and its last number in words."""

    name: str
    path: str
    last: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A threshold across the chart.

    Attributes:
        at: Percent from the top; None when it lies beyond the axis, as it often does when all is well.
        label: Its value in words.
        colour: CSS.
    """

    at: float | None
    label: str
    colour: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A panel of lines, ready to be drawn."""

    lines: tuple[Drawn, ...]
    left_out: int
    ticks: tuple[Tick, ...]
    limits: tuple[Limit, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """One number of a stat panel: its legend, words, CSS colour, and a line of its course."""

    name: str
    words: str
    colour: str
    path: str


def chart(frames: tuple[Frame, ...], look: Look, window: Window) -> Chart | None:
    """Return the drawing of a panel's columns on one axis; None when none holds a finite number."""
    frames = tuple(replace(f, values=np.where(np.isfinite(f.values), f.values, np.nan)) for f in frames)
    kept, left_out = _most_telling(frames)
    seen = [f.values[np.isfinite(f.values)] for f in kept]
    numbers = np.concatenate(seen) if seen else np.empty(0)
    if not numbers.size:
        return None
    low, high, ticks = _scale(numbers, look)
    lines = tuple(line for frame in kept for line in _lines(frame, look, window, low, high))
    limits = tuple(
        Limit(
            at=round(100 * (high - step.value) / (high - low), 2) if low <= step.value <= high else None,
            label=look.words(step.value),
            colour=step.colour,
        )
        for step in look.steps
        if look.lines and math.isfinite(step.value)
    )
    return Chart(lines=lines, left_out=left_out, ticks=ticks, limits=limits)


def numbers(frames: tuple[Frame, ...], look: Look, window: Window) -> tuple[Number, ...]:
    """Return one number a column, as the panel's reducer makes it."""
    found = []
    for frame in frames:
        values = np.where(np.isfinite(frame.values), frame.values, np.nan)
        present = np.isfinite(values).any(axis=0)
        low, high = (np.nanmin(values), np.nanmax(values)) if present.any() else (0.0, 1.0)
        span = (low - 1.0, high + 1.0) if low == high else (low, high)
        paths = _paths(*_thin(_across(frame.times, window), values), *span)
        for column, name in enumerate(frame.names):
            value = reduced(values[:, column], look.calc)
            shown = math.isfinite(value)
            found.append(
                Number(
                    name=name,
                    words=look.words(value) if shown else look.no_value,
                    colour=look.colour(value) if shown else "",
                    path=paths[column],
                )
            )
    return tuple(found)


def reduced(column: FloatMatrix, how: str) -> float:
    """Return one number of a column, as Grafana's reducer of this name; NaN when it holds none.

    A reducer that is not known here is taken for Grafana's default, the last number.
    """
    there = column[np.isfinite(column)]
    if not there.size:
        return math.nan
    if how in ("last", "first"):
        return float(column[-1 if how == "last" else 0])
    if how in _FOLDS:
        return float(_FOLDS[how](there))
    return float(there[0 if how == "firstNotNull" else -1])


def time_ticks(window: Window) -> tuple[Tick, ...]:
    """Return at most six round times (UTC) within the window; with their day where it spans several."""
    minutes = window.duration / timedelta(minutes=1)
    most = _MOST_TIME_TICKS
    step = next((step for step in _TIME_STEPS if minutes / step <= most), 1440 * math.ceil(minutes / 1440 / most))
    width = timedelta(minutes=step)
    midnight = window.start.replace(hour=0, minute=0, second=0, microsecond=0)
    first = midnight + math.ceil((window.start - midnight) / width) * width
    form = "%d %b %H:%M" if window.duration > _DAYS else "%H:%M"
    moments = (first + n * width for n in range(most + 1))
    return tuple(Tick(at=_share(m, window), label=m.strftime(form)) for m in moments if m <= window.end)


def _share(moment: datetime, window: Window) -> float:
    return round(100 * ((moment - window.start) / window.duration), 3)


def _most_telling(frames: tuple[Frame, ...]) -> tuple[tuple[Frame, ...], int]:
    """Return at most `MOST_LINES` columns, those that reach highest, in their order; and how many are left out."""
    peaks = [np.fmax.reduce(f.values, axis=0, initial=-np.inf) for f in frames]
    every = np.concatenate(peaks) if peaks else np.empty(0)
    if every.size <= MOST_LINES:
        return frames, 0
    chosen = np.zeros(every.size, bool)
    chosen[np.argsort(-every, kind="stable")[:MOST_LINES]] = True
    kept, begin = [], 0
    for frame in frames:
        columns = np.flatnonzero(chosen[begin : begin + len(frame.names)])
        begin += len(frame.names)
        kept.append(
            Frame(
                times=frame.times,
                values=frame.values[:, columns],
                names=tuple(frame.names[i] for i in columns),
                labels=tuple(frame.labels[i] for i in columns),
            )
        )
    return tuple(kept), int(every.size - MOST_LINES)


def _lines(frame: Frame, look: Look, window: Window, low: float, high: float) -> list[Drawn]:
    paths = _paths(*_thin(_across(frame.times, window), frame.values), low, high)
    lasts = [reduced(frame.values[:, column], "lastNotNull") for column in range(len(paths))]
    return [
        Drawn(name=name, path=path, last=look.words(last))
        for name, path, last in zip(frame.names, paths, lasts, strict=True)
    ]


def _scale(values: FloatMatrix, look: Look) -> tuple[float, float, tuple[Tick, ...]]:
    """Return bottom, top and round ticks: from the panel's own bounds where it sets them."""
    low = look.low if math.isfinite(look.low) else float(values.min())
    high = look.high if math.isfinite(look.high) else float(values.max())
    if not math.isfinite(look.low) and 0 <= low < 0.7 * high:
        low = 0.0
    if high <= low:
        low, high = (low, low + 1.0) if look.low == low or not low else (low - abs(low) * 0.1, low + abs(low) * 0.1)
    step = _step((high - low) / 3, look.unit)
    bottom = low if low == look.low else math.floor(low / step + 1e-9) * step
    top = high if high == look.high else math.ceil(high / step - 1e-9) * step
    first = math.ceil(bottom / step - 1e-9)
    levels = (n * step for n in range(first, math.floor(top / step + 1e-9) + 1))
    ticks = (Tick(at=round(100 * (top - level) / (top - bottom), 2), label=look.words(level)) for level in levels)
    return bottom, top, tuple(ticks)


def _step(rough: float, unit: str) -> float:
    """Return the next larger round number: 1, 2, 2.5, 5 times a power of ten; of 1024 first for bytes."""
    binary = unit in ("bytes", "binBps", "decbytes", "Bps") and rough >= 1
    base = 1024.0 ** math.floor(math.log(rough, 1024)) if binary else 1.0
    power = base * 10.0 ** math.floor(math.log10(rough / base))
    return next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough * (1 - 1e-9))


def _across(times: TimeArray, window: Window) -> FloatMatrix:
    """Return the times as plot coordinates, shape (T,)."""
    start, end = nanoseconds(window.start), nanoseconds(window.end)
    return (times.astype("datetime64[ns]").astype(np.int64) - start) / (end - start) * WIDTH


def _thin(across: FloatMatrix, values: FloatMatrix) -> tuple[FloatMatrix, FloatMatrix]:
    """Return at most `_POINTS` rows: of each stretch the lowest and the highest value."""
    rows = len(across)
    if rows <= _POINTS:
        return across, values
    size = math.ceil(rows / (_POINTS // 2))
    padded = np.full((math.ceil(rows / size) * size, values.shape[1]), np.nan)
    padded[:rows] = values
    blocks = padded.reshape(-1, size, values.shape[1])
    both = np.stack([np.fmin.reduce(blocks, axis=1), np.fmax.reduce(blocks, axis=1)], axis=1)
    half = (across[1] - across[0]) * size / 2
    return np.column_stack([across[::size], across[::size] + half]).ravel(), both.reshape(-1, values.shape[1])


def _paths(across: FloatMatrix, values: FloatMatrix, low: float, high: float) -> list[str]:
    """Return one SVG path a column: a line breaks where samples are missing."""
    inside = (across >= -0.5) & (across <= WIDTH + 0.5)
    xs = np.char.mod("%d", np.round(across[inside]).astype(np.int64))
    # Grafana cuts a line at the bounds that a panel sets; so does the plot's edge.
    down = np.clip((high - values[inside]) / (high - low), -1, 2) * HEIGHT
    present = np.isfinite(down)
    ys = np.char.mod("%d", np.round(np.where(present, down, 0)).astype(np.int64))
    return [_path(xs, ys[:, column], present[:, column]) for column in range(values.shape[1])]


def _path(xs: npt.NDArray[np.str_], ys: npt.NDArray[np.str_], present: npt.NDArray[np.bool_]) -> str:
    before = np.concatenate([[False], present[:-1]])
    after = np.concatenate([present[1:], [False]])
    points = np.char.add(np.char.add(np.char.add(np.where(before, "L", "M"), xs), " "), ys)
    # A sample without neighbours is a line of no length, which round caps show as a dot.
    points = np.char.add(points, np.where(present & ~before & ~after, "h0", ""))
    return "".join(points[present].tolist())
