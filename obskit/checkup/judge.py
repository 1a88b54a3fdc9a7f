"""The arithmetic of a round: pure functions of numbers and thresholds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from obskit.checkup.words import State
from obskit.model import Signal, Threshold

Floats = npt.NDArray[np.float64]

#: Steps without a sample that do not break a stretch: a restart of the exporter or of Prometheus.
BRIDGED_STEPS = 3
#: A line is not drawn further ahead than this many times what it was drawn through: node-mixin
#: looks 24 hours ahead from six (NodeFilesystemSpaceFillingUp).
AHEAD_TIMES = 4
#: Less than an hour of growth is a batch job or a test.
LEAST_SECONDS = 3600.0
#: What grew by less than a hundredth does not fill anything soon.
LEAST_GROWTH = 0.01
#: Share of the variance that the line must explain: logs that are rotated fill nothing.
LEAST_FIT = 0.8


@dataclass(frozen=True, slots=True)
class Since:
    """From when on a level is exceeded.

    Attributes:
        at: Epoch seconds.
        longer: It was so already at the first point that was looked at.
    """

    at: float
    longer: bool


def beyond(value: float, threshold: Threshold | None, *, below: bool) -> bool:
    """Say whether the value has reached the threshold: the level itself is bad."""
    return threshold is not None and (value <= threshold.value if below else value >= threshold.value)


def state_of(value: float, signal: Signal) -> State:
    """Return ``bad``, ``look`` or ``ok``, by the signal's thresholds."""
    below = signal.bad == "down"
    if beyond(value, signal.crit, below=below):
        return "bad"
    return "look" if beyond(value, signal.warn, below=below) else "ok"


def threshold_of(state: State, signal: Signal) -> Threshold | None:
    """Return the threshold that a state goes by; of a healthy value the one that it would meet first."""
    return signal.crit if state == "bad" else signal.warn or signal.crit


def worst_first(values: Sequence[float], *, below: bool) -> list[int]:
    """Return the positions of the values, worst first; equal ones as they come."""
    return sorted(range(len(values)), key=lambda i: values[i] if below else -values[i])


def since(times: Floats, values: Floats, level: float, *, below: bool, step: float, start: float) -> Since | None:
    """Return from when on the values are beyond a level without a break, up to the last of them.

    Args:
        times: Shape (T,), epoch seconds, ascending.
        values: Shape (T,); NaN is no sample.
        level: Beyond or at which it is bad.
        below: Whether less is bad.
        step: Distance of two points, seconds. Up to `BRIDGED_STEPS` points may be missing in a stretch.
        start: The first moment that was asked about.

    Returns:
        None when the last sample is not beyond the level.
    """
    known = np.isfinite(values)
    times, values = times[known], values[known]
    is_bad = values <= level if below else values >= level
    if not len(times) or not is_bad[-1]:
        return None
    breaks = np.flatnonzero(~is_bad)
    first = int(breaks[-1]) + 1 if len(breaks) else 0
    holes = np.flatnonzero(np.diff(times[first:]) > (BRIDGED_STEPS + 1.5) * step)
    first += int(holes[-1]) + 1 if len(holes) else 0
    return Since(float(times[first]), longer=bool(times[first] < start + step))


def full_in(times: Floats, values: Floats) -> float:
    """Return in how many seconds after the last point a share reaches 1 at its rate; infinity when not.

    A straight line by least squares. It counts only where it fits, where the share grew enough to
    tell, and no further ahead than `AHEAD_TIMES` what was seen.

    Args:
        times: Shape (T,), seconds, ascending.
        values: Shape (T,), shares; NaN is no sample.
    """
    known = np.isfinite(values)
    times, values = times[known], values[known]
    if len(times) < 3 or times[-1] - times[0] < LEAST_SECONDS:
        return math.inf
    if values[-1] >= 1:
        return 0.0
    span = float(times[-1] - times[0])
    off, level = times - times.mean(), values - values.mean()
    slope = float(off @ level / (off @ off))
    total = float(level @ level)
    if slope * span < LEAST_GROWTH or slope * slope * float(off @ off) < LEAST_FIT * total:
        return math.inf
    ahead = (1.0 - float(values[-1])) / slope
    return ahead if ahead <= AHEAD_TIMES * span else math.inf
