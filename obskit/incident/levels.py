"""Each series cut into a few levels, and the one of them that is its calm reference.

Many series at once, one row a series; NaN where there is no sample.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from obskit.incident.stats import (
    Floats,
    Ints,
    Mask,
    Split,
    best_split,
    counted,
    last_true,
    log_p,
    median,
    memory,
    spread,
)
from obskit.model import FloatMatrix

#: Robust deviations from which on a change of level is told.
GATE = 4.0
#: A deviation is worth at least this share of the level (a change of 20 % passes the gate; not
#: asked of ratios), and this share of the signal's floor.
LEVEL_SHARE, FLOOR_SHARE = 0.05, 0.2
#: ... and this share of the calm part's tails, for a column that moves rarely.
TAIL_SHARE = 0.4
#: Fewest points of a level; what is shorter is a spike.
LEAST = 3
#: Cuts that are less certain than this are not made (each is tested again with all columns).
CUT_LOG_P = float(np.log(0.05))
#: Short smooth stretches seem to be all memory; no more than this is believed when cutting.
MOST_MEMORY_OF_A_CUT = 0.7
SEGMENTS = 4


@dataclass(frozen=True, slots=True, eq=False)
class Rules:
    """What the signals say about each row.

    Attributes:
        floor: Shape (M,), smallest change that matters.
        bad: Shape (M,), 1 where high is bad, -1 where low is, 0 where either may be.
        relative: Shape (M,), False for ratios: a share of a share says little.
        rate: Shape (M,), True for rates: they follow the day and do not leak.
        stock: Shape (M,), True for what can fill up: bytes, counts, ratios.
    """

    floor: Floats
    bad: Ints
    relative: Mask
    rate: Mask
    stock: Mask

    def take(self, rows: Ints) -> Rules:
        """Return the rules of some rows."""
        return Rules(*(getattr(self, f.name)[rows] for f in fields(self)))

    def unit(self, level: Floats, noise: Floats, count: Ints) -> Floats:
        """Return what one robust deviation is worth, never below the shares of floor and level."""
        least = np.fmax(self.floor * FLOOR_SHARE, np.where(self.relative, LEVEL_SHARE * np.abs(level), 0.0))
        return np.fmax(known(noise, count), least)


def known(noise: Floats, count: Ints) -> Floats:
    """Return noise as one has to take it that was measured on few points: larger by 2 / n."""
    return noise * (1 + 2 / np.maximum(count, 1))


@dataclass(frozen=True, slots=True, eq=False)
class Levels:
    """Each row cut into at most four levels; those that are not there are empty.

    Attributes:
        bounds: Shape (M, 5), segment j is ``[bounds[j], bounds[j + 1])``.
        log_p: Shape (M, 5), how certain each bound is (0 where it is none).
        median, count: Shape (M, 4).
    """

    bounds: Ints
    log_p: Floats
    median: Floats
    count: Ints

    def take(self, rows: Ints) -> Levels:
        """Return the levels of some rows."""
        return Levels(*(getattr(self, f.name)[rows] for f in fields(self)))


@dataclass(frozen=True, slots=True, eq=False)
class Calm:
    """The reference of each row; shape (M,) each.

    Attributes:
        level: Median.
        noise: Robust standard deviation.
        wild: What of a change may be noise at worst: without any floor, with the tails.
        unit: What one robust deviation is worth.
        samples: How many points tell so.
        segment: Which of the levels was chosen.
    """

    level: Floats
    noise: Floats
    wild: Floats
    unit: Floats
    samples: Ints
    segment: Ints

    def take(self, rows: Ints) -> Calm:
        """Return the reference of some rows."""
        return Calm(*(getattr(self, f.name)[rows] for f in fields(self)))


def cut_certainty(scores: FloatMatrix, inside: Mask, split: Split) -> tuple[Ints, Floats]:
    """Return where each row is cut (-1 where it is not) and the logarithm of that cut's p-value.

    Args:
        scores: Shape (M, T), from `stats.winsorised`.
        inside: Shape (M, T), the samples to look at.
        split: Their best split, from `stats.best_split`.

    The autocorrelation is taken from the side that has less of it: trouble has a shape of its
    own, and noise has the same memory on both. Whether to cut is decided with a bounded one: a
    needless cut does no harm, as its certainty is told and judged later.
    """
    early = np.arange(scores.shape[1]) < split.at[:, None]
    sides = []
    for side in (inside & early, inside & ~early):
        count = np.maximum(counted(side), 1)
        mean = np.where(side, scores, 0.0).sum(axis=1) / count
        sides.append(memory(scores - mean[:, None], side))
    rho = np.nan_to_num(np.fmin(*sides), nan=0.5)
    count = counted(inside).astype(np.float64)
    made, certainty = (
        log_p(split.share, count, r, count * (1 - r) / (1 + r)) for r in (np.minimum(rho, MOST_MEMORY_OF_A_CUT), rho)
    )
    at = np.where(made <= CUT_LOG_P, split.at, -1)
    return at, np.where(at >= 0, certainty, 0.0)


def cut(values: FloatMatrix, scores: FloatMatrix, valid: Mask, split: Split) -> Levels:
    """Cut each row at its best place, and each half once more.

    Args:
        values, scores, valid: Shape (M, T); see `stats.winsorised`.
        split: The best split of all samples of each row.
    """
    rows, points = values.shape
    place = np.arange(points)
    middle, p_middle = cut_certainty(scores, valid, split)
    # a bump in the middle explains little with one cut: its edges are looked for all the same
    halfway = np.where(split.at >= 0, split.at, points)
    early = place < halfway[:, None]
    (left, p_left), (right, p_right) = (
        cut_certainty(scores, half, best_split(scores, half, LEAST)) for half in (valid & early, valid & ~early)
    )
    bounds = np.zeros((rows, 5), np.int64)
    bounds[:, 1] = np.maximum(left, 0)
    bounds[:, 2] = np.where((middle < 0) & (left < 0) & (right < 0), points, halfway)
    bounds[:, 3] = np.where(right >= 0, right, points)
    bounds[:, 4] = points
    certainty = np.zeros((rows, 5))
    certainty[:, 1], certainty[:, 2], certainty[:, 3] = p_left, p_middle, p_right
    medians, counts = np.full((rows, SEGMENTS), np.nan), np.zeros((rows, SEGMENTS), np.int64)
    for j in range(SEGMENTS):
        some = np.flatnonzero(bounds[:, j] < bounds[:, j + 1])
        inside = valid[some] & (place >= bounds[some, j, None]) & (place < bounds[some, j + 1, None])
        medians[some, j], counts[some, j] = median(values[some], inside), counted(inside)
    return Levels(bounds, certainty, medians, counts)


def reference(values: FloatMatrix, valid: Mask, levels: Levels, rules: Rules) -> Calm:
    """Choose each row's calm level: the best of its longer segments, not just what came first.

    The last segment is a reference only where it is the only one: a dead service is quiet too.
    Segments that lie near the chosen one join it.
    """
    rows = np.arange(len(values))
    there = levels.count > 0
    last = last_true(there)
    early = there & (np.arange(SEGMENTS) < last[:, None])
    early[rows, np.maximum(last, 0)] |= ~early.any(axis=1)
    longest = np.where(early, levels.count, 0).max(axis=1)
    early &= levels.count >= np.minimum(np.maximum(5, 0.5 * longest), longest)[:, None]
    cost = np.where(rules.bad[:, None] == 0, -levels.count, levels.median * rules.bad[:, None])
    chosen = np.argmin(np.where(early, cost, np.inf), axis=1)
    place = np.arange(values.shape[1])

    def inside(segments: Mask) -> Mask:
        mask = np.zeros(values.shape, bool)
        for j in range(SEGMENTS):
            bounds = levels.bounds
            mask |= segments[:, j, None] & (place >= bounds[:, j, None]) & (place < bounds[:, j + 1, None])
        return valid & mask

    only = np.arange(SEGMENTS) == chosen[:, None]
    level, noise, tails, count = spread(values, inside(only))
    near = np.abs(levels.median - level[:, None]) < (GATE * rules.unit(level, noise, count))[:, None]
    near &= there & (np.arange(SEGMENTS) < last[:, None])
    wider = np.flatnonzero((near & ~only & there).any(axis=1))
    if len(wider):
        joined = inside(near | only)[wider]
        for part, more in zip((level, noise, tails, count), spread(values[wider], joined), strict=True):
            part[wider] = more
    unit = np.fmax(rules.unit(level, noise, count), np.fmax(tails * TAIL_SHARE, 1e-12))
    return Calm(level, noise, np.fmax(known(noise, count), tails), unit, count, chosen)
