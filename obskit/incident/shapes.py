"""What shape a change has: a lasting shift, a spike that returned, a steady ramp.

Everything here works on many series at once, one row a series. A row is cut into at most four
levels; one of them is its calm reference; what lies far from it is trouble.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from obskit.incident.levels import GATE, LEAST, SEGMENTS, Calm, Levels, Rules, cut, reference
from obskit.incident.stats import (
    Floats,
    Ints,
    Mask,
    Split,
    climb,
    counted,
    first_true,
    last_true,
    log_p,
    median,
    rank_correlation,
    ranks,
    spread,
    winsorised,
)
from obskit.model import FloatMatrix

#: Fewest points of a calm part: fewer are a moment of anything.
FEWEST_CALM = 10
#: A stretch of n points needs (1 + 2 / n) times the gate: the median of few is uncertain.
SHORT_STRETCH = 2.0
#: No score is larger: what was constant has no noise to be measured in.
MOST_SCORE = 1000.0
#: Where no other signal changed at the same moment, a change must be so far beyond the noise alone:
#: a column with a long memory wanders by 4 deviations now and then.
ALONE_GATE = 6.0
#: A stretch that returned and took no more than this share of the points is a spike.
SHORT_SHARE = 0.25
#: A change is abrupt when most of it happens within this share of the points (but see the rate
#: window: at least four points). A rhythm of half the data's length is slower.
ABRUPT_SHARE, MOST_OF_IT = 0.05, 0.6
#: A lasting change may take this long for most of it if nothing else in the series moves as fast,
#: and if it is clear.
GRADUAL_SHARE, CLEAR = 0.25, 8.0
FEWEST_ABRUPT = 4
#: A spike must stand out more than a level, in logarithms too, and by so much from all other points.
SPIKE_GATE, SPIKE_LOG_GATE, SPIKE_RECORD = 8.0, 6.0, 4.0
#: A sample that stands alone is often an artefact (scrape hiccup) or one rare event.
LONE_SPIKE_FLOORS, LONE_SPIKE_RECORD = 3.0, 8.0
#: How far a point is from the calm level, in its noise, when trouble has reached it.
BAND = 2.5
#: Rank correlation with time from which on a climb is steady, and its fewest points.
STEADY, LEAST_CLIMB = 0.9, 10


@dataclass(slots=True, eq=False)
class Shapes:
    """The answer, one entry a row; written into only by this module.

    Attributes:
        kind: ``""``, ``shift``, ``spike`` or ``ramp``.
        at: Index of the first troubled point, -1 where there is none.
        end: Index of the first calm point after it, -1 when it lasts.
        before, after, peak: Levels in the signal's unit.
        score: Effect size in robust deviations.
        log_p: Logarithm of the p-value.
        sign: 1 for up, -1 for down.
        whole: True for a ramp that has no calm part before it.
        alone: True where the change is so far beyond the noise that it needs no company.
    """

    kind: np.ndarray[tuple[int], np.dtype[np.str_]]
    at: Ints
    end: Ints
    before: Floats
    after: Floats
    peak: Floats
    score: Floats
    log_p: Floats
    sign: Ints
    whole: Mask
    alone: Mask

    @classmethod
    def empty(cls, rows: int) -> Shapes:
        """Return the shapes of rows in which nothing was found."""
        nothing = np.full(rows, -1, np.int64)
        nan, zero = np.full(rows, np.nan), np.zeros(rows)
        return cls(
            np.full(rows, "", "<U8"), nothing.copy(), nothing.copy(), nan.copy(), nan.copy(), nan.copy(),
            zero.copy(), zero.copy(), np.zeros(rows, np.int64), np.zeros(rows, bool), np.ones(rows, bool),
        )  # fmt: skip

    def put(self, rows: Ints, other: Shapes, chosen: Ints | None = None) -> None:
        """Write the entries of *other* (those *chosen*, all by default) into these rows."""
        for f in fields(self):
            entries = getattr(other, f.name)
            getattr(self, f.name)[rows] = entries if chosen is None else entries[chosen]


def shapes_of(values: FloatMatrix, scores: FloatMatrix, split: Split, rules: Rules, start: int) -> Shapes:
    """Find what each row did.

    Args:
        values: Shape (M, T), NaN where there is no sample.
        scores: Shape (M, T), from `stats.winsorised`.
        split, rules: Of the same rows; the best split of all samples, and what the signals say.
        start: Index of the window's first point; what ended before it is not told.
    """
    valid = np.isfinite(values)
    levels = cut(values, scores, valid, split)
    calm = reference(values, valid, levels, rules)
    found = _shifts(values, levels, calm, rules, start)
    _whole_ramps(found, values, valid, rules)
    _spikes(found, values, calm, rules, start)
    found.score = np.minimum(found.score, MOST_SCORE)
    return found


def _shifts(values: FloatMatrix, levels: Levels, calm: Calm, rules: Rules, start: int) -> Shapes:
    """Find the stretch of segments after the calm one that lies far from it."""
    far = (levels.median - calm.level[:, None]) / calm.unit[:, None]
    later = (np.arange(SEGMENTS) > calm.segment[:, None]) & (levels.count >= LEAST)
    far = np.where(later, far, 0.0)
    larger = np.where(far.max(axis=1) >= -far.min(axis=1), 1, -1)
    sign = np.where(rules.bad == 0, larger, rules.bad)
    first, stop = _stretch(far * sign[:, None] >= GATE, levels, start)
    # an improvement is told when it began inside the window and lasts
    better_first, better_stop = _stretch(far * -sign[:, None] >= GATE, levels, start)
    better = (first < 0) & (better_first >= 0) & (better_stop == SEGMENTS) & (rules.bad != 0)
    better &= levels.bounds[np.arange(len(far)), np.maximum(better_first, 0)] >= start
    sign = np.where(better, -sign, sign)
    first, stop = np.where(better, better_first, first), np.where(better, better_stop, stop)
    found = Shapes.empty(len(values))
    rows = np.flatnonzero(first >= 0)
    if len(rows):
        some, told = _measured(
            values[rows], levels.take(rows), calm.take(rows), rules.take(rows), (sign[rows], first[rows], stop[rows])
        )
        found.put(rows[told], some, told)
    return found


def _stretch(troubled: Mask, levels: Levels, start: int) -> tuple[Ints, Ints]:
    """Return the first and one past the last segment of the first troubled stretch that reaches the window."""
    rows = len(troubled)
    first, stop = np.full(rows, -1), np.full(rows, SEGMENTS)
    done = np.zeros(rows, bool)
    for j in range(SEGMENTS):
        there = (levels.count[:, j] > 0) & ~done
        opens = there & troubled[:, j] & (first < 0)
        first[opens] = j
        closes = there & ~troubled[:, j] & (first >= 0)
        over = closes & (levels.bounds[:, j] <= start)
        first[over] = -1
        kept = closes & ~over
        stop[kept] = j
        done |= kept
    return first, stop


def _measured(
    x: FloatMatrix, levels: Levels, calm: Calm, rules: Rules, where: tuple[Ints, Ints, Ints]
) -> tuple[Shapes, Ints]:
    """Return onset, end, levels and score of troubled stretches, and which of them to tell.

    Args:
        x: Shape (M, T).
        levels, calm, rules: Of the same rows.
        where: Sign of the change, its first segment, and one past its last; shape (M,) each.
    """
    sign, first, stop = where
    ok, row, place = np.isfinite(x), np.arange(len(x)), np.arange(x.shape[1])
    begin, finish = levels.bounds[row, first], levels.bounds[row, stop]
    inside = ok & (place >= begin[:, None]) & (place < finish[:, None])
    change = np.abs(median(x, inside) - calm.level)
    outside = ok & ((x - calm.level[:, None]) * sign[:, None] > np.fmax(BAND * calm.noise, 0.1 * change)[:, None])
    onset = _walk_back(outside, ok, begin)
    end = last_true(outside & (place < finish[:, None])) + 1
    returned = (stop < SEGMENTS) & (finish < x.shape[1])
    end = np.where(returned, np.where(end > onset, end, finish), -1)
    inside = ok & (place >= onset[:, None]) & (place < np.where(end >= 0, end, x.shape[1])[:, None])
    after, count = median(x, inside), np.maximum(inside.sum(axis=1), 1)
    score = (after - calm.level) * sign / calm.unit
    ramp, top = _climbing(x, inside, calm.level, sign)
    ramp &= (end < 0) & (sign * rules.bad >= 0) & ~rules.rate
    change = np.abs(after - calm.level)
    told = (score >= GATE * (1 + SHORT_STRETCH / count)) & (change >= rules.floor * (1 - 1e-9))
    abrupt, gradual = _manner(x, onset, end, after - calm.level)
    told &= calm.samples >= FEWEST_CALM
    told &= ramp | abrupt | (gradual & (score >= CLEAR))
    alone = change >= ALONE_GATE * (1 + SHORT_STRETCH / count) * calm.wild
    short = (end >= 0) & (count <= SHORT_SHARE * ok.sum(axis=1))
    told &= ~short | (score >= SPIKE_GATE)
    kind = np.where(ramp, "ramp", np.where(short, "spike", "shift"))
    certainty = np.minimum(levels.log_p[row, first], np.where(stop < SEGMENTS, levels.log_p[row, stop], 0.0))
    certainty = np.minimum(certainty, _jump_certainty(x, levels, calm, onset, sign))
    worst = np.where(inside, x * sign[:, None], -np.inf).max(axis=1) * sign
    some = Shapes(
        kind.astype("<U8"), onset, end, calm.level, np.where(ramp, top, after), worst,
        score, certainty, sign, np.zeros(len(x), bool), alone,
    )  # fmt: skip
    return some, np.flatnonzero(told)


def _walk_back(outside: Mask, valid: Mask, begin: Ints) -> Ints:
    """Return the first point of the uninterrupted trouble that holds, or follows, *begin*."""
    place = np.arange(outside.shape[1])
    first = first_true(outside & (place >= begin[:, None]))
    first = np.where(first < outside.shape[1], first, begin)
    calm_before = last_true(valid & ~outside & (place < first[:, None]))
    return first_true(valid & (place > calm_before[:, None]))


def _jumps(values: FloatMatrix, width: int) -> FloatMatrix:
    """Return, for each point, the mean of the *width* points from it on less that of those before.

    Shape (M, T); 0 where either side has no sample.
    """
    ok = np.isfinite(values)
    pad = ((0, 0), (width, width))
    sums = np.cumsum(np.pad(np.where(ok, values, 0.0), pad), axis=1)
    count = np.cumsum(np.pad(ok, pad), axis=1, dtype=np.float64)
    sums, count = (np.pad(a, ((0, 0), (1, 0))) for a in (sums, count))
    points = values.shape[1]
    left, here, right = (slice(k, k + points) for k in (0, width, 2 * width))
    after, before = count[:, right] - count[:, here], count[:, here] - count[:, left]
    with np.errstate(divide="ignore", invalid="ignore"):
        jump = (sums[:, right] - sums[:, here]) / after - (sums[:, here] - sums[:, left]) / before
    return np.where((after > 0) & (before > 0), jump, 0.0)


def _jump(x: FloatMatrix, onset: Ints, width: int, *, skip: int = 0) -> Floats:
    """Return the median of the *width* samples from the onset on (after *skip*) less that of those before.

    Samples, not places: in a sparse row the neighbours may be some steps away. 0 where a side is empty.
    """
    ok = np.isfinite(x)
    number = np.cumsum(ok, axis=1)
    passed = np.where(ok & (np.arange(x.shape[1]) < onset[:, None]), number, 0).max(axis=1)[:, None]
    after = ok & (number > passed + skip) & (number <= passed + skip + width)
    before = ok & (number <= passed) & (number > passed - width)
    return np.nan_to_num(median(x, after) - median(x, before))


def _jump_certainty(x: FloatMatrix, levels: Levels, calm: Calm, onset: Ints, sign: Ints) -> Floats:
    """Return the logarithm of the p-value of the jump at the onset among the jumps of the calm part.

    A calm part that drifts, or a short one of a smoothed rate, counts as few independent points
    and no cut of it is certain; but how far it moves in a few points it does tell.
    """
    row, place, width = np.arange(len(x)), np.arange(x.shape[1]), FEWEST_ABRUPT
    jumps = _jumps(x, width)
    begin = levels.bounds[row, calm.segment] + width
    stop = np.minimum(levels.bounds[row, calm.segment + 1], onset) - width
    usual = np.isfinite(x) & (place >= begin[:, None]) & (place <= stop[:, None])
    _, noise, _, count = spread(jumps, usual)
    # medians here, so that one far point is no jump; a smoothed rate is half way up after a point
    jump = _jump(x, onset, width, skip=1) * sign
    # jumps whose points overlap are not independent
    freedom = np.maximum(count / (2 * width), 1.0)
    t = np.maximum(jump, 0.0) / np.fmax(noise, calm.unit / 4)
    tries = np.full(len(x), x.shape[1] / (2 * width))
    certainty = log_p(t * t / (t * t + freedom), freedom + 2, np.zeros(len(x)), tries)
    return np.where(count >= width, certainty, 0.0)


def _manner(x: FloatMatrix, onset: Ints, end: Ints, change: Floats) -> tuple[Mask, Mask]:
    """Say which changes happen abruptly, and which gradually but faster than anything else there.

    The rest goes on all along, as rhythms and drifts do.
    """
    ok, place, points = np.isfinite(x), np.arange(x.shape[1]), x.shape[1]

    width = max(FEWEST_ABRUPT, round(ABRUPT_SHARE * points))
    slow = max(FEWEST_ABRUPT, round(GRADUAL_SHARE * points))
    scores, _ = winsorised(x)  # one far point is no movement
    speed = np.abs(_jumps(np.where(ok, scores, np.nan), width))
    rising = (place >= onset[:, None] - width) & (place < onset[:, None] + slow)
    fastest, elsewhere = np.where(rising, speed, 0.0).max(axis=1), np.where(rising, 0.0, speed).max(axis=1)
    gradual = (end < 0) & (_jump(x, onset, slow) / change >= MOST_OF_IT) & (elsewhere <= 0.5 * fastest)
    return _jump(x, onset, width) / change >= MOST_OF_IT, gradual


def _quarters(values: FloatMatrix, inside: Mask) -> Floats:
    """Return the medians of the four quarters of each row's stretch, shape (M, 4)."""
    passed = np.cumsum(inside, axis=1)
    count = passed[:, -1:]
    parts = [inside & (passed * 4 > count * q) & (passed * 4 <= count * (q + 1)) for q in range(4)]
    return np.column_stack([median(values, part) for part in parts])


def _steady(values: FloatMatrix, inside: Mask, sign: Ints) -> tuple[Mask, Floats]:
    """Say whether each stretch climbs steadily in its direction, and give its quarters' medians."""
    quarters = _quarters(values, inside)
    correlation, _ = climb(ranks(values, inside), inside)
    rise = (quarters[:, 3] - quarters[:, 0]) * sign
    steps = np.diff(quarters, axis=1) * sign[:, None]
    steady = (correlation * sign >= STEADY) & (rise > 0) & (steps >= 0.1 * rise[:, None]).all(axis=1)
    return steady & (inside.sum(axis=1) >= LEAST_CLIMB), quarters


def _climbing(x: FloatMatrix, inside: Mask, level: Floats, sign: Ints) -> tuple[Mask, Floats]:
    """Say whether each stretch climbs steadily away from the calm level, and where to."""
    steady, quarters = _steady(x, inside, sign)
    height = np.abs(quarters - level[:, None])
    return steady & (height[:, 0] <= 0.5 * height[:, 3]), quarters[:, 3]


def _whole_ramps(found: Shapes, values: FloatMatrix, valid: Mask, rules: Rules) -> None:
    """Find rows that climb from their first sample to their last: a leak that nobody saw begin."""
    rows = np.flatnonzero(rules.stock & (counted(valid) >= LEAST_CLIMB))
    rows = rows[np.abs(rank_correlation(values[rows], valid[rows])) >= STEADY - 1e-6]
    if not len(rows):
        return
    x, ok, some = values[rows], valid[rows], rules.take(rows)
    order = ranks(x, ok)
    r, rho = climb(order, ok)
    sign = np.where(some.bad == 0, np.where(r >= 0, 1, -1), some.bad)
    steady, quarters = _steady(x, ok, sign)
    count = ok.sum(axis=1)
    rise = (quarters[:, 3] - quarters[:, 0]) * sign * 4 / 3  # quarters' middles are 3/4 of the way apart
    slope_free = x - np.where(ok, np.cumsum(ok, axis=1), 0) * (rise * sign / np.maximum(count, 1))[:, None]
    base = quarters[:, 0] - sign * rise / 8
    base = np.clip(base, np.where(ok, x, np.inf).min(axis=1), np.where(ok, x, -np.inf).max(axis=1))
    noise = spread(slope_free, ok).noise
    score = rise / np.fmax(some.unit(base, noise, count), 1e-12)
    # what is left beside a line always has memory (no climb is quite straight): it is capped
    certainty = log_p(
        r * r, count.astype(np.float64), np.minimum(np.nan_to_num(rho, nan=0.5), 0.7), np.full(len(x), 2.0)
    )
    worst = np.where(ok, x * sign[:, None], -np.inf).max(axis=1) * sign
    keep = np.flatnonzero(steady & (score >= GATE) & (rise >= some.floor))
    ramps = Shapes(
        np.full(len(x), "ramp", "<U8"), first_true(ok), np.full(len(x), -1), base, quarters[:, 3], worst,
        score, certainty, sign, np.ones(len(x), bool), np.ones(len(x), bool),
    )  # fmt: skip
    found.put(rows[keep], ramps, keep)


def _spikes(found: Shapes, values: FloatMatrix, calm: Calm, rules: Rules, start: int) -> None:
    """Find short excursions in the bad direction where nothing larger was found."""
    enough = counted(np.isfinite(values)) >= LEAST_CLIMB
    top, height = _farthest(values, calm.level, rules.bad, start)
    high = (height >= SPIKE_GATE * calm.unit) & (height >= rules.floor)
    rows = np.flatnonzero((found.kind == "") & enough & high)
    if not len(rows):
        return
    x, some, calm, top, height = values[rows], rules.take(rows), calm.take(rows), top[rows], height[rows]
    ok, row, place, level = np.isfinite(x), np.arange(len(x)), np.arange(x.shape[1]), calm.level
    away, peak = _away(x, level, some.bad), x[row, top]
    outside = ok & (away > np.fmax(BAND * calm.noise, 0.25 * height)[:, None])
    onset = np.minimum(_walk_back(outside, ok, top), top)
    back = first_true(ok & ~outside & (place > top[:, None]))
    inside = outside & (place >= onset[:, None]) & (place < back[:, None])
    # a rate smears one event over its window: neighbours are part of the same spike
    aside = (place < onset[:, None] - FEWEST_ABRUPT) | (place >= back[:, None] + FEWEST_ABRUPT)
    record = height / np.fmax(np.where(aside, away, 0.0).max(axis=1, initial=0.0), 1e-300)
    alone = inside.sum(axis=1) == 1
    score = height / calm.unit
    told = (score >= SPIKE_GATE) & (height >= np.where(alone, LONE_SPIKE_FLOORS, 1.0) * some.floor)
    told &= (record >= np.where(alone, LONE_SPIKE_RECORD, SPIKE_RECORD)) & (_log_score(x, ok, peak) >= SPIKE_LOG_GATE)
    # tails of latencies and counts are no lighter than exponential
    certainty = np.minimum(np.log(np.maximum(ok.sum(axis=1), 1)) - score, 0.0)
    spikes = Shapes(
        np.full(len(x), "spike", "<U8"), onset, np.where(back < x.shape[1], back, -1), level, median(x, inside), peak,
        score, certainty, np.where(peak >= level, 1, -1), np.zeros(len(x), bool), np.ones(len(x), bool),
    )  # fmt: skip
    keep = np.flatnonzero(told)
    found.put(rows[keep], spikes, keep)


def _away(x: FloatMatrix, level: Floats, bad: Ints) -> FloatMatrix:
    """Return how far each sample lies from the level in the bad direction; 0 where there is none."""
    away = np.where(np.isfinite(x), x - level[:, None], 0.0)
    return np.where(bad[:, None] == 0, np.abs(away), away * bad[:, None])


def _farthest(x: FloatMatrix, level: Floats, bad: Ints, start: int) -> tuple[Ints, Floats]:
    """Return where each row is farthest from its level since *start*, and how far that is."""
    away = _away(x, level, bad)
    away[:, :start] = 0.0
    top = np.argmax(away, axis=1)
    return top, away[np.arange(len(x)), top]


def _log_score(x: FloatMatrix, ok: Mask, peak: Floats) -> Floats:
    """Return how far each peak lies out in logarithms; infinite for rows that are not positive throughout.

    Latencies are lognormal: what is far out in seconds may be usual in orders of magnitude.
    """
    positive = np.where(ok, x, 1.0).min(axis=1) > 0
    logs = np.log(np.where(ok & positive[:, None], x, 1.0))
    usual = spread(logs, ok)
    away = np.abs(np.log(np.where(positive, peak, 1.0)) - usual.level)
    return np.where(positive, away / np.fmax(usual.noise, 1e-9), np.inf)
