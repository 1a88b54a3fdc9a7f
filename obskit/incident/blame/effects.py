"""How far each column of a matrix moved when the incident began: the whole matrix at once.

One row a column here, single precision: at ten thousand columns the memory's bandwidth is the limit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from obskit.model import Metrics

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

#: Quartiles and deciles of a normal distribution lie so many standard deviations apart.
_QUARTILES, DECILES = 1.349, 2.563
#: Noise is at least this share of the level, and of the highest level ever: a flat line that moves by a
#: hundredth has not moved. Of a success ratio: half a percent of the requests, as much as lax objectives allow.
LEVEL_FLOOR, TOP_FLOOR, _FAILURE_FLOOR = 0.05, 0.01, 0.005
#: What was always zero moves by so many deviations when it is no longer.
FROM_ZERO: Final = 20.0
#: Samples before the onset that make half a baseline: two points tell nothing, thirty tell almost all.
_HALF_TRUST: Final = 3.0
#: What a family of columns does in calm times: this quantile of its moves in deviations, and of its ratios.
_USUAL_MOVE, _USUAL_RATIO = 0.9, 0.95
#: Ratios are told apart from this on: a twentieth.
_LEAST_RATIO: Final = 0.05
#: An alert comes late, as its condition has to hold for minutes, and clocks differ a little: the onset is
#: looked for this long before what is said, and after; at least so many points.
_LATE_NS, _EARLY_NS = 480_000_000_000, 120_000_000_000
_LATE_POINTS, _EARLY_POINTS = 2, 2
#: What is counted and not sampled is cut in two, before and since, this often within that time.
_CUT_NS: Final = 30_000_000_000
#: Fewest points of a baseline and of an incident.
_FEWEST_BEFORE, _FEWEST_AFTER = 4, 2
#: Beyond so many deviations a point weighs no more in finding the onset.
_CLIP: Final = 8.0
#: A cut counts in earnest once it explains so many squared deviations: a step of seven of them for one point.
_TELLING_GAIN: Final = 50.0
#: Most columns that vote, those that moved most: an incident shows in few, and every one costs its points.
_MOST_VOTERS: Final = 1024


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Effects:
    """What the columns did, one entry a column.

    Attributes:
        row: Index of the first point of the incident, the same for all columns.
        cut: Index of the first point since which each column shows most: ``row``, or that of what was said.
        moved: Signed robust deviations from the baseline's level to the incident's; 0 where nothing is known.
        evidence: How surprising that is, logarithmic so that no column drowns the others: the move has to stand
            out of the column's own noise, and its ratio out of what the same metric does elsewhere in calm times.
    """

    row: int
    cut: Ints
    moved: Floats
    evidence: Floats


def effects(metrics: Metrics, *, noticed_ns: int, families: Sequence[str], rare: Mask, success: Mask) -> Effects:
    """Measure how far each column moved.

    The onset is estimated, and what is said of it may be nearer the truth: where the two differ, the evidence
    is the mean of both, and the move is that of the one which shows more.

    Args:
        metrics: Any columns in any unit.
        noticed_ns: When the incident was noticed, good to minutes.
        families: The metric of each column, equal for the same metric of different services.
        rare: Columns of events that a median does not see (errors): their means are compared.
        success: Columns that are at their best at the top; what they lack of it is looked at. They are rare too.
    """
    values = _single(metrics.values)
    _born(values, rare & ~success)
    best = np.zeros(len(values), np.float32)
    if success.any():
        best[success] = _top(values[success])
        values[success] = best[success, None] - values[success]
    _, family = np.unique(np.array(families, dtype=str), return_inverse=True)
    times = metrics.times.astype("datetime64[ns]").astype(np.int64)
    row = _onset(values, family, times, noticed_ns)
    said = int(np.searchsorted(times, noticed_ns))
    cuts = {row, said} if _FEWEST_BEFORE <= said <= len(times) - _FEWEST_AFTER else {row}
    tried = np.array(sorted(cuts), np.int64)
    found = [_at(values, cut, family, rare, best) for cut in tried.tolist()]
    evidence = np.mean([e for _, e in found], axis=0)
    strongest = np.argmax([e for _, e in found], axis=0)
    moved = np.array([m for m, _ in found])[strongest, np.arange(len(values))]
    return Effects(
        row=row, cut=tried[strongest], moved=np.where(success, -moved, moved), evidence=evidence.astype(np.float32)
    )


def cuts_around(noticed_ns: int) -> Ints:
    """Return the times at which what is counted is cut in two, around when the incident was noticed.

    Args:
        noticed_ns: Nanoseconds since the epoch.

    Returns:
        Shape (n,), nanoseconds, ascending.
    """
    return noticed_ns + np.arange(-_LATE_NS, _EARLY_NS + 1, _CUT_NS)


def _at(values: Floats, row: int, family: Ints, rare: Mask, best: Floats) -> tuple[Floats, Floats]:
    """Return how far each column moved if the incident began at *row*, and the evidence of it; shape (N,) each."""
    before, after = values[:, :row], values[:, row:]
    if not len(values) or not before.shape[1] or not after.shape[1]:
        return np.zeros(len(values), np.float32), np.zeros(len(values), np.float32)
    ordered = np.sort(before, axis=1)
    count = _count(ordered)
    middle = _quantile(ordered, count, 0.5)
    if rare.any():
        middle[rare] = _mean(before[rare])
    level = _level(after, rare)
    floor = np.fmax(LEVEL_FLOOR * np.abs(middle), TOP_FLOOR * np.fmax(np.abs(ordered[:, 0]), _last(ordered, count)))
    floor = np.fmax(floor, _FAILURE_FLOOR * best)
    floor = np.where(floor > 0, floor, np.abs(level) / FROM_ZERO)
    noise = np.fmax(_noise(ordered, count), floor)
    calm = _calm(before, after.shape[1], rare)
    with np.errstate(divide="ignore", invalid="ignore"):
        moved = _known((level - middle) / noise)
        usual = _of_family(_known(np.abs(calm - middle[:, None]) / noise[:, None]), family, _USUAL_MOVE)
        ratio = _known(np.abs(_log(level, floor) - _log(middle, floor)))
        ratios = _known(np.abs(_log(calm, floor[:, None]) - _log(middle, floor)[:, None]))
    by_noise = np.log1p(np.abs(moved) / (1 + usual))
    by_ratio = np.log1p(ratio / (_LEAST_RATIO + _of_family(ratios, family, _USUAL_RATIO)))
    trust = count / (count + _HALF_TRUST)
    return moved, (trust * np.minimum(by_noise, by_ratio)).astype(np.float32)


def _single(matrix: npt.NDArray[np.float64]) -> Floats:
    """Return one row a column in shares of its largest absolute sample, NaN for what is not finite.

    A unit says nothing here, and single precision holds no byte counts squared, nor 1e39.
    """
    values = matrix.T
    known = np.isfinite(values)
    top = np.max(np.abs(values), axis=1, initial=0.0, where=known, keepdims=True)
    # A power of two shifts the exponent and rounds nothing: equal columns stay equal. It may itself be out of range.
    scaled = np.ldexp(values, -np.frexp(top)[1])
    single = np.ascontiguousarray(scaled, dtype=np.float32)
    single[~known] = np.nan
    return single


def _born(values: Floats, counters: Mask) -> None:
    """Write zeros before the first sample of counters of errors: they are born with the first error."""
    rows = np.flatnonzero(counters & ~np.isfinite(values[:, :1]).all(axis=1))
    known = np.isfinite(values[rows])
    before = np.maximum.accumulate(known, axis=1) == 0
    values[rows] = np.where(before & known.any(axis=1, keepdims=True), 0.0, values[rows])


def _known(values: npt.NDArray[np.floating]) -> Floats:
    known: Floats = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0).astype(np.float32)
    return known


def _log(values: Floats, floor: Floats) -> Floats:
    """Return the logarithm of each value's distance from zero, in floors and with the sign of the value.

    Differences are log-ratios between values of one sign; from one sign to the other the way leads over zero.
    """
    logarithm: Floats = np.sign(values) * np.log1p(np.abs(values) / floor)
    return logarithm


def _top(values: Floats) -> Floats:
    """Return each row's largest sample, 0 where there is none."""
    top: Floats = np.where(np.isfinite(values), values, 0.0).max(axis=1, initial=0.0)
    return top


def _count(ordered: Floats) -> Ints:
    """Return how many samples each ascending row has (its NaNs come last)."""
    if not ordered.shape[1] or not np.isnan(ordered[:, -1]).any():
        return np.full(len(ordered), ordered.shape[1], np.int64)
    count: Ints = np.isfinite(ordered).sum(axis=1)
    return count


def _last(ordered: Floats, count: Ints) -> Floats:
    return np.abs(ordered[np.arange(len(ordered)), np.maximum(count - 1, 0)])


def _quantile(ordered: Floats, count: Ints, q: float) -> Floats:
    """Return one quantile of each ascending row, interpolated; NaN for an empty row."""
    rows, last = np.arange(len(ordered)), np.maximum(count - 1, 0)
    place = q * last
    low = place.astype(np.int64)
    below, above = ordered[rows, low], ordered[rows, np.minimum(low + 1, last)]
    return (below + (place - low).astype(np.float32) * (above - below)).astype(np.float32)


def _noise(ordered: Floats, count: Ints) -> Floats:
    """Return between two robust deviations: quartiles miss rare moves, deciles see an earlier incident as noise."""
    q10, q25, q75, q90 = (_quantile(ordered, count, q) for q in (0.1, 0.25, 0.75, 0.9))
    inner, outer = (q75 - q25) / _QUARTILES, (q90 - q10) / DECILES
    noise: Floats = np.sqrt(np.fmax(inner, 0) * np.fmax(inner, outer))
    return noise


def _mean(values: Floats) -> Floats:
    known = np.isfinite(values)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean: Floats = (np.where(known, values, 0).sum(axis=1) / known.sum(axis=1)).astype(np.float32)
    return mean


def _level(values: Floats, rare: Mask) -> Floats:
    ordered = np.sort(values, axis=1)
    level = _quantile(ordered, _count(ordered), 0.5)
    if rare.any():
        level[rare] = _mean(values[rare])
    return level


def _calm(before: Floats, length: int, rare: Mask) -> Floats:
    """Return the levels of each column in stretches of the baseline as long as the incident; shape (N, stretches)."""
    width = max(1, min(length, max(2, before.shape[1] // 4)))
    stretches = before.shape[1] // width
    blocks = before[:, before.shape[1] - stretches * width :].reshape(len(before) * stretches, width)
    return _level(blocks, np.repeat(rare, stretches)).reshape(len(before), stretches)


def _of_family(calm: Floats, family: Ints, q: float) -> Floats:
    """Return a quantile of the calm moves of each column's family, all of its columns and stretches together."""
    width = calm.shape[1]
    flat, group = calm.ravel(), np.repeat(family, width)
    order = np.argsort(flat)
    # Short integers are sorted by their bytes, which is the fastest way to group.
    order = order[np.argsort(group[order].astype(np.uint16 if len(calm) < 65_536 else np.int64), kind="stable")]
    ordered = flat[order]
    count = np.bincount(family) * width
    first = np.concatenate([[0], np.cumsum(count)[:-1]])
    place = q * np.maximum(count - 1, 0)
    low = first + place.astype(np.int64)
    high = np.minimum(low + 1, first + count - 1)
    share = (place - place.astype(np.int64)).astype(np.float32)
    usual: Floats = (ordered[low] + share * (ordered[high] - ordered[low]))[family]
    return usual


def _onset(values: Floats, family: Ints, times: Ints, noticed: int) -> int:
    """Return the index at which the matrix as a whole changed, near the time that was given.

    Each column votes for the cuts that split it in two levels, with the logarithm of what a cut explains, in
    deviations that are clipped: no column decides alone, and what a cut of noise explains hardly counts.
    """
    said = int(np.searchsorted(times, noticed))
    points = len(times)
    first = min(int(np.searchsorted(times, noticed - _LATE_NS)), said - _LATE_POINTS)
    last = max(int(np.searchsorted(times, noticed + _EARLY_NS, side="right")), said + _EARLY_POINTS)
    first, last = max(first, _FEWEST_BEFORE), min(last, points - _FEWEST_AFTER)
    if first >= last or not len(values):
        return min(max(said, 1), points)
    head = values[:, :first]
    ordered = np.sort(head, axis=1)
    count = _count(ordered)
    middle = _quantile(ordered, count, 0.5)
    noise = np.fmax(_noise(ordered, count), np.fmax(LEVEL_FLOOR * np.abs(middle), TOP_FLOOR * _last(ordered, count)))
    if len(values) > _MOST_VOTERS:
        with np.errstate(divide="ignore", invalid="ignore"):
            moved = np.nan_to_num(np.abs(_mean(values[:, first:]) - middle) / noise, nan=0.0, posinf=0.0)
        voters = np.sort(np.argpartition(-moved, _MOST_VOTERS)[:_MOST_VOTERS])
        values, middle, noise, family = values[voters], middle[voters], noise[voters], family[voters]
    with np.errstate(divide="ignore", invalid="ignore"):
        scores = (values - middle[:, None]) / noise[:, None]
    np.clip(scores, -_CLIP, _CLIP, out=scores)
    known = np.isfinite(scores)
    scores[~known] = 0.0
    sums, n = (np.cumsum(a, axis=1, dtype=np.float32) for a in (scores, known))
    total, n_all = sums[:, -1:], n[:, -1:]
    sums, n = sums[:, first - 1 : last], n[:, first - 1 : last]
    with np.errstate(divide="ignore", invalid="ignore"):
        gain = (sums - n * (total / n_all)) ** 2 * (n_all / (n * (n_all - n)))
    votes = np.log1p(np.nan_to_num(gain, nan=0.0, posinf=0.0) / _TELLING_GAIN)
    votes = np.maximum(votes - _medians(votes, family), 0.0)
    strength = (votes**2).sum(axis=0)
    # Where nothing votes, nothing is better than what was said.
    return first + int(np.argmax(strength)) if strength.max() > 0 else min(max(said, first), last)


def _medians(votes: Floats, family: Ints) -> Floats:
    """Return the median vote of each column's family: what a metric does everywhere is load, or the time of day."""
    order = np.argsort(family, kind="stable")
    edges = np.searchsorted(family[order], np.arange(family.max() + 2))
    result = np.zeros_like(votes)
    for first, last in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        if last - first > 2:
            result[order[first:last]] = np.median(votes[order[first:last]], axis=0)
    return result
