"""Lines and axes for SVG: round ticks, places in percent, a matrix of series as paths, whole columns at once.

Reports and previews draw with it; what a chart shows, and in which words, is theirs.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from obskit.model import FloatMatrix, TimeArray, Unit, Window, nanoseconds

#: Steps between ticks of the time axis, in minutes; beyond the last of them whole days.
_TIME_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440)
_DAY = 1440

#: Below this share of the highest value the lowest one is near enough to zero to show zero as well.
_NEAR_ZERO = 0.7

#: An axis of one value reaches this share of it to either side.
_AROUND = 0.1

#: Values nearer to each other than this share of them cannot be told apart on an axis.
_SAME = 1e-12

#: What rounding may add to a multiple of a step, as a share of the step.
ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A label at a place on an axis: *at* in percent from the left or the top."""

    at: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """The value axis of a chart.

    Attributes:
        bottom, top: In the unit of the values, bottom below top.
        step: From tick to tick, in the same unit; a round number.
    """

    bottom: float
    top: float
    step: float

    def down(self, value: float) -> float:
        """Return how far below the top a value lies, in percent of the height; not cut to 0 and 100."""
        return round(100 * (self.top - value) / (self.top - self.bottom), 2)

    def ticks(self, levels: Iterable[float], words: Callable[[float], str]) -> tuple[Tick, ...]:
        """Return ticks at these values, with their labels as *words* writes them."""
        return tuple(Tick(at=self.down(level), label=words(level)) for level in levels)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """The room for lines, in its own coordinates: x to the right, y downwards from 0.

    Attributes:
        width, height: Of the window and of the value axis.
        points: What is longer is thinned to so many points a line; even.
        slack: How far left and right of the window a sample may lie and still be drawn, in coordinates.
    """

    width: int
    height: int
    points: int
    slack: float = 0.0


def share(moment: datetime, window: Window) -> float:
    """Return where in the window a moment lies, in percent, cut to 0 and 100."""
    return round(min(100.0, max(0.0, 100 * ((moment - window.start) / window.duration))), 3)


def time_ticks(window: Window, *, steps: int, form: str = "%H:%M") -> tuple[Tick, ...]:
    """Return round times (UTC) within the window.

    Args:
        window: What the axis covers.
        steps: So many of the distances between ticks the window may hold; there is at most one tick
            more, and none where less than a minute holds no full one.
        form: How a time is written, for ``strftime``.
    """
    minutes = window.duration / timedelta(minutes=1)
    step = next((step for step in _TIME_STEPS if minutes / step <= steps), _DAY * math.ceil(minutes / _DAY / steps))
    width = timedelta(minutes=step)
    midnight = window.start.replace(hour=0, minute=0, second=0, microsecond=0)
    first = midnight + math.ceil((window.start - midnight) / width) * width
    moments = (first + n * width for n in range(steps + 1))
    return tuple(Tick(at=share(m, window), label=m.strftime(form)) for m in moments if m <= window.end)


#: Where an axis ends at the latest: the distance of two values must be a number, and so must the next round one.
_FARTHEST = 1e307


def round_step(rough: float) -> float:
    """Return the next larger round number: 1, 2, 2.5 or 5 times a power of ten.

    Args:
        rough: Above zero.
    """
    rough = max(rough, sys.float_info.min)  # of what is smaller there are no powers of ten
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough * (1 - ROUNDING))


def binary_step(rough: float) -> float:
    """Return the next larger round number of B, KiB, MiB and so on: `round_step` times a power of 1024.

    Args:
        rough: Above zero, in bytes or bytes per second.
    """
    base = 1024.0 ** math.floor(math.log(max(rough, 1.0), 1024))
    return base * round_step(rough / base)


def whole_step(rough: float) -> float:
    """Return the next larger round number that is whole: 1, 2, 5, 10, 20, 25.

    Args:
        rough: Above zero.
    """
    step = round_step(max(rough, 1.0))
    return step if step.is_integer() else round_step(step * 1.01)


def step_for(unit: Unit, values: FloatMatrix) -> Callable[[float], float]:
    """Return what makes a rough step between ticks of values a round one.

    It is `binary_step` for bytes and bytes per second, as they are written in powers of 1024, `whole_step` for a count
    of which every sample is whole (there are no 2.6 running tasks, but a mean of tasks may be 2.6), and `round_step`
    for everything else.

    Args:
        unit: A base unit.
        values: What is drawn, of any shape; what is not finite does not count.
    """
    if unit in ("bytes", "bytes_per_second"):
        return binary_step
    whole = unit == "count" and bool((np.rint(values) == values)[np.isfinite(values)].all())
    return whole_step if whole else round_step


def axis(
    low: float,
    high: float,
    *,
    rounded: Callable[[float], float] = round_step,
    least: float = math.nan,
    most: float = math.nan,
) -> Axis:
    """Return an axis that holds all values, with room for some three to five ticks.

    It ends at multiples of its step, and zero belongs to it unless it is far away. A bound that is given
    is kept, round or not; what lies beyond it is not on the axis.

    Args:
        low, high: The lowest and the highest value, finite.
        rounded: Makes a rough step a round one: `round_step`, `binary_step` or `whole_step`, as `step_for` says.
        least, most: Bounds that do not follow the values; NaN where the values decide.
    """
    low, high = (least if math.isfinite(least) else low), (most if math.isfinite(most) else high)
    low, high = (min(max(value, -_FARTHEST), _FARTHEST) for value in (low, high))
    if not math.isfinite(least) and 0 <= low < _NEAR_ZERO * high:
        low = 0.0
    if high - low <= max(abs(low) * _SAME, abs(high) * _SAME, sys.float_info.min):
        around = abs(low) * _AROUND
        flat = low in (least, 0) or around < _SAME
        low, high = (low, low + max(1.0, around)) if flat else (low - around, low + around)
    step = rounded((high - low) / 3)
    bottom = low if low == least else math.floor(low / step + ROUNDING) * step
    top = high if high == most else math.ceil(high / step - ROUNDING) * step
    return Axis(bottom=bottom, top=top, step=step)


def across(times: TimeArray, window: Window, width: float) -> FloatMatrix:
    """Return the times as coordinates, shape (T,): 0 at the window's start, *width* at its end."""
    start, end = nanoseconds(window.start), nanoseconds(window.end)
    return (times.astype("datetime64[ns]").astype(np.int64) - start) / (end - start) * width


def thin(x: FloatMatrix, values: FloatMatrix, most: int) -> tuple[FloatMatrix, FloatMatrix]:
    """Return at most *most* rows: of each stretch the lowest and the highest value of each column.

    A chart has fewer pixels than a long window has samples, and a peak of one sample must stay visible.

    Args:
        x: Shape (T,), ascending, one step apart.
        values: Shape (T, N), NaN where there is no sample.
        most: Even, at least 2.

    Returns:
        Shapes (t,) and (t, N), t at most *most*; the same arrays where nothing needs to be thinned.
    """
    rows = len(x)
    if rows <= most:
        return x, values
    size = math.ceil(rows / (most // 2))
    stretches, columns = math.ceil(rows / size), values.shape[1]
    padded = np.full((stretches * size, columns), np.nan)
    padded[:rows] = values
    blocks = padded.reshape(stretches, size, columns)
    both = np.stack([np.fmin.reduce(blocks, axis=1), np.fmax.reduce(blocks, axis=1)], axis=1)
    starts, half = x[::size], (x[1] - x[0]) * size / 2
    # The last stretch may be short: its highest value is drawn where the line ends, not beyond it.
    return np.column_stack([starts, np.minimum(starts + half, x[-1])]).ravel(), both.reshape(2 * stretches, columns)


def paths(times: TimeArray, values: FloatMatrix, window: Window, span: tuple[float, float], plot: Plot) -> list[str]:
    """Return one SVG path a column, in whole coordinates: a line breaks where samples are missing.

    Args:
        times: Shape (T,), ascending.
        values: Shape (T, N), finite, or NaN where there is no sample.
        window: What the width of the plot covers; what lies beyond is not drawn.
        span: Values at the bottom and the top of the plot. A line that leaves it goes on for at most
            one height more: the plot's edge cuts it, and coordinates stay small.
        plot: The room for it.
    """
    x, values = thin(across(times, window, plot.width), values, plot.points)
    inside = (x >= -plot.slack) & (x <= plot.width + plot.slack)
    xs = np.char.mod("%d", np.round(x[inside]).astype(np.int64))
    low, high = span
    y = np.clip((high - values[inside]) / (high - low), -1, 2) * plot.height
    present = np.isfinite(y)
    ys = np.char.mod("%d", np.round(np.where(present, y, 0)).astype(np.int64))
    return [_path(xs, ys[:, column], present[:, column]) for column in range(values.shape[1])]


def _path(xs: npt.NDArray[np.str_], ys: npt.NDArray[np.str_], present: npt.NDArray[np.bool_]) -> str:
    before = np.concatenate([[False], present[:-1]])
    after = np.concatenate([present[1:], [False]])
    points = np.char.add(np.char.add(np.char.add(np.where(before, "L", "M"), xs), " "), ys)
    # A sample without neighbours is a line of no length, which round caps show as a dot.
    points = np.char.add(points, np.where(present & ~before & ~after, "h0", ""))
    return "".join(points[present].tolist())
