"""A panel's columns as SVG paths and numbers, whole columns at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import numpy as np

from obskit import drawing
from obskit.ascode.preview.data import Frame
from obskit.ascode.preview.look import BARE, Look
from obskit.drawing import ROUNDING, Axis, Plot, Tick
from obskit.model import FloatMatrix, Unit, Window

#: The plot's own coordinates; it is stretched to the room that the panel has.
WIDTH, HEIGHT = 1200, 300
#: A panel is some 500 pixels wide. Half a coordinate: a sample on the window's edge is drawn, rounded or not.
_PLOT = Plot(width=WIDTH, height=HEIGHT, points=500, slack=0.5)
#: Lines that a panel draws; beyond it nobody tells them apart.
MOST_LINES = 12
_FOLDS: Mapping[str, Callable[..., Any]] = {"mean": np.mean, "max": np.max, "min": np.min, "sum": np.sum}
#: Grafana's units as obskit's, where the steps of an axis depend on it: `look.words` writes all bytes in powers of
#: 1024, and a bare number is a count. Every other unit has plain round steps, as a ratio has.
_STEPS: Mapping[str, Unit] = {
    **dict.fromkeys(("bytes", "binBps", "decbytes", "Bps"), "bytes"),
    **dict.fromkeys((*BARE, "bool"), "count"),
}
#: From this on a time of day does not say which day.
_DAYS = timedelta(hours=36)


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
    axis = _axis(numbers, look)
    lines = tuple(line for frame in kept for line in _lines(frame, look, window, axis))
    limits = tuple(
        Limit(
            at=axis.down(step.value) if axis.bottom <= step.value <= axis.top else None,
            label=look.words(step.value),
            colour=step.colour,
        )
        for step in look.steps
        if look.lines and math.isfinite(step.value)
    )
    return Chart(lines=lines, left_out=left_out, ticks=_ticks(axis, look), limits=limits)


def numbers(frames: tuple[Frame, ...], look: Look, window: Window) -> tuple[Number, ...]:
    """Return one number a column, as the panel's reducer makes it."""
    found = []
    for frame in frames:
        values = np.where(np.isfinite(frame.values), frame.values, np.nan)
        present = np.isfinite(values).any(axis=0)
        low, high = (np.nanmin(values), np.nanmax(values)) if present.any() else (0.0, 1.0)
        span = (low - 1.0, high + 1.0) if low == high else (low, high)
        paths = drawing.paths(frame.times, values, window, span, _PLOT)
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
    """Return at most seven round times (UTC) within the window; with their day where it spans several."""
    return drawing.time_ticks(window, steps=6, form="%d %b %H:%M" if window.duration > _DAYS else "%H:%M")


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


def _lines(frame: Frame, look: Look, window: Window, axis: Axis) -> list[Drawn]:
    paths = drawing.paths(frame.times, frame.values, window, (axis.bottom, axis.top), _PLOT)
    lasts = [reduced(frame.values[:, column], "lastNotNull") for column in range(len(paths))]
    return [
        Drawn(name=name, path=path, last=look.words(last))
        for name, path, last in zip(frame.names, paths, lasts, strict=True)
    ]


def _axis(values: FloatMatrix, look: Look) -> Axis:
    """Return the value axis: from the panel's own bounds where it sets them."""
    rounded = drawing.step_for(_STEPS.get(look.unit, "ratio"), values)
    return drawing.axis(float(values.min()), float(values.max()), rounded=rounded, least=look.low, most=look.high)


def _ticks(axis: Axis, look: Look) -> tuple[Tick, ...]:
    """Return ticks at the multiples of the step, counted from zero: a bound of the panel's own is rarely one."""
    first = math.ceil(axis.bottom / axis.step - ROUNDING)
    last = math.floor(axis.top / axis.step + ROUNDING)
    return axis.ticks((n * axis.step for n in range(first, last + 1)), look.words)
