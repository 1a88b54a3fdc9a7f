"""Robust statistics over many series at once: one row a series, NaN where there is no sample."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from obskit.model import FloatMatrix

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

#: Makes a median absolute deviation, and a 10-90 % range, a standard deviation under normality.
MAD_TO_SIGMA, DECILES_TO_SIGMA = 1.4826, 1 / 2.5631
#: Beyond so many robust deviations a point weighs no more: one huge sample moves no split.
WINSOR = 4.0
#: Fewest points that tell how strongly neighbours depend on each other.
FEWEST_FOR_MEMORY = 8

#: Symptoms of one fault show within so many seconds of each other, or four steps if those are longer.
TOGETHER_SECONDS = 60.0
#: An onset alone is an incident's from this vote on: 1 + log of a score of 8 over a gate of 4.
LONE_VOTE = float(np.log1p(2.0))


class Spread(NamedTuple):
    """Where each row's samples lie; shape (M,) each.

    Attributes:
        level: Median.
        noise: Robust standard deviation.
        tails: A quarter of the range that holds 96 % of the samples: a standard deviation under
            normality, and more where a row moves rarely and far.
        samples: Number of samples.
    """

    level: Floats
    noise: Floats
    tails: Floats
    samples: Ints


class Split(NamedTuple):
    """The best place to cut each row in two levels.

    Attributes:
        at: Shape (M,), index of the first point of the second level; -1 where no cut is possible.
        share: Shape (M,), the share of the variance that the two levels explain, 0 to 1.
    """

    at: Ints
    share: Floats


def counted(mask: Mask) -> Ints:
    """Return how many are True in each row, shape (M,); half the time of ``mask.sum(axis=1)``."""
    return np.asarray(np.add.reduce(mask.view(np.uint8), axis=1, dtype=np.uint32), np.int64)


def quantile_of_sorted(ordered: FloatMatrix, count: Ints, q: float) -> Floats:
    """Return one quantile of each row, interpolated; NaN for an empty row.

    Args:
        ordered: Shape (M, T), each row ascending with its NaNs last (``np.sort`` does so).
        count: Shape (M,), how many of a row's values are not NaN.
        q: 0 to 1.
    """
    if not ordered.size:
        return np.full(len(ordered), np.nan)
    rows = np.arange(len(ordered))
    place = q * np.maximum(count - 1, 0)
    low = place.astype(np.int64)
    high = np.minimum(low + 1, np.maximum(count - 1, 0))
    below, above = ordered[rows, low], ordered[rows, high]
    return np.where(above == below, below, below + (place - low) * (above - below))


def median(values: FloatMatrix, where: Mask | None = None) -> Floats:
    """Return the median of each row's samples; NaN where there is none.

    Args:
        values: Shape (M, T).
        where: Shape (M, T), the samples to look at; all by default.
    """
    ordered = values.copy() if where is None else np.where(where, values, np.nan)
    ordered.sort(axis=1)
    return quantile_of_sorted(ordered, counted(np.isfinite(ordered)), 0.5)


def spread(values: FloatMatrix, where: Mask) -> Spread:
    """Return where each row's samples lie.

    The noise is the larger of the scaled MAD and the scaled 10-90 % range: a column that
    is zero most of the time has no MAD, and yet it moves.

    Args:
        values: Shape (M, T).
        where: Shape (M, T), the samples to look at.
    """
    ordered = np.where(where, values, np.nan)
    ordered.sort(axis=1)
    count = counted(np.isfinite(ordered))
    middle = quantile_of_sorted(ordered, count, 0.5)
    q02, q10, q90, q98 = (quantile_of_sorted(ordered, count, q) for q in (0.02, 0.1, 0.9, 0.98))
    mad = median(np.abs(ordered - middle[:, None]))
    return Spread(middle, np.fmax(mad * MAD_TO_SIGMA, (q90 - q10) * DECILES_TO_SIGMA), (q98 - q02) / 4, count)


def winsorised(values: FloatMatrix) -> tuple[FloatMatrix, Floats]:
    """Return each row in robust deviations from its median, clipped at `WINSOR`, and its farthest point.

    NaN becomes 0 in the first; the second, shape (M,), is not clipped.

    A row's unit never collapses: it is at least a small share of the range of its core, or of
    all, so that a constant row with one step is a step of `WINSOR`.
    """
    ordered = np.sort(values, axis=1)
    count = counted(np.isfinite(ordered))
    middle = quantile_of_sorted(ordered, count, 0.5)
    core = quantile_of_sorted(ordered, count, 0.95) - quantile_of_sorted(ordered, count, 0.05)
    whole = quantile_of_sorted(ordered, count, 1.0) - quantile_of_sorted(ordered, count, 0.0)
    centred = values - middle[:, None]
    unit = np.fmax(median(np.abs(centred)) * MAD_TO_SIGMA, core / 20)
    unit = np.where(unit > 0, unit, whole / 100)
    with np.errstate(divide="ignore", invalid="ignore"):
        centred /= np.where(unit > 0, unit, np.inf)[:, None]
    np.nan_to_num(centred, copy=False, nan=0.0)
    farthest = np.fmax(centred.max(axis=1, initial=0.0), -centred.min(axis=1, initial=0.0))
    return np.clip(centred, -WINSOR, WINSOR, out=centred), farthest


def best_split(scores: FloatMatrix, inside: Mask, least: int) -> Split:
    """Cut each row where two levels explain most of it (standardised CUSUM).

    Args:
        scores: Shape (M, T), from `winsorised`.
        inside: Shape (M, T), the samples to look at.
        least: Fewest samples on either side of a cut.

    Source: Hawkins (1977), testing a sequence of observations for a shift in location.
    """
    chosen = np.where(inside, scores, 0.0)
    # sums of small integers are four times as fast as of floats, and the same
    count = np.cumsum(inside, axis=1, dtype=np.int32).astype(np.float64)
    sums = np.cumsum(chosen, axis=1)
    n, total = count[:, -1:], sums[:, -1:]
    with np.errstate(divide="ignore", invalid="ignore"):
        total_variation = np.einsum("ij,ij->i", chosen, chosen) - (total * total / n)[:, 0]
        gain = sums - count * (total / n)
        gain *= gain
        gain /= count * (n - count) / n
        gain[(count < least) | (n - count < least) | ~inside] = -1.0
        at = np.argmax(gain, axis=1)
        best = gain[np.arange(len(gain)), at]
        share = np.where((best > 0) & (total_variation > 1e-9), best / total_variation, 0.0)
    return Split(np.where(share > 0, at + 1, -1), np.clip(share, 0.0, 1.0))


def memory(residuals: FloatMatrix, where: Mask) -> Floats:
    """Return each row's lag-1 autocorrelation, 0 to 0.95, corrected upwards for short rows.

    Short rows underestimate it (Kendall, 1954: by (1 + 3 rho) / n); half a standard error on
    top keeps the tests that rest on it honest. NaN for fewer than `FEWEST_FOR_MEMORY` samples.

    Args:
        residuals: Shape (M, T), with mean 0 over the samples of *where*.
        where: Shape (M, T).
    """
    r = np.where(where, residuals, 0.0)
    n = where.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = np.einsum("ij,ij->i", r, r) / n
        pairs = (where[:, 1:] & where[:, :-1]).sum(axis=1)
        rho = np.einsum("ij,ij->i", r[:, 1:], r[:, :-1]) / pairs / variance
        rho = np.clip(np.where(variance > 0, rho, 0.0), 0.0, 0.95)
        rho = rho + (1 + 3 * rho) / n + 0.5 * np.sqrt((1 - rho * rho) / n)
    return np.where((n >= FEWEST_FOR_MEMORY) & (pairs > 0), np.clip(rho, 0.0, 0.95), np.nan)


def log_p(share: Floats, count: Floats, rho: Floats, tries: Floats) -> Floats:
    """Return the logarithm of the p-value of an explained share of variance.

    Args:
        share: Shape (M,), R squared.
        count: Shape (M,), number of samples.
        rho: Shape (M,), lag-1 autocorrelation: n samples count as n (1 - rho) / (1 + rho).
        tries: Shape (M,), among how many places the best was chosen (Bonferroni).

    Source: Wallace (1959) for the tail of Student's t; Mills' ratio for that of the normal.
    """
    freedom = np.maximum(count * (1 - rho) / (1 + rho) - 2, 1.0)
    ratio = (8 * freedom + 1) / (8 * freedom + 3)
    z = np.maximum(ratio * np.sqrt(-freedom * np.log1p(-np.minimum(share, 1 - 1e-12))), 1e-9)
    tail = np.log(2) - z * z / 2 - 0.5 * np.log(2 * np.pi) - np.log(np.maximum(z, 0.8))
    corrected: Floats = np.minimum(tail + np.log(np.maximum(tries, 1.0)), 0.0)
    return corrected


def discoveries(log_ps: Floats, rate: float) -> Mask:
    """Say which hypotheses to reject so that at most *rate* of the rejected are true.

    Args:
        log_ps: Shape (M,), logarithms of p-values of all that were tested.
        rate: The false discovery rate, 0 to 1.

    Source: Benjamini and Hochberg (1995).
    """
    count = len(log_ps)
    if not count:
        return np.zeros(0, bool)
    order = np.sort(log_ps)
    passed = np.flatnonzero(order <= np.log(rate * np.arange(1, count + 1) / count))
    return log_ps <= (order[passed[-1]] if len(passed) else -np.inf)


def climb(scores: FloatMatrix, where: Mask) -> tuple[Floats, Floats]:
    """Return how well a straight line fits each row: signed correlation with time, memory of the rest.

    Args:
        scores: Shape (M, T).
        where: Shape (M, T), the samples to look at.
    """
    n = np.maximum(where.sum(axis=1), 1)[:, None]
    time = np.where(where, np.arange(scores.shape[1], dtype=np.float64), 0.0)
    time = np.where(where, time - time.sum(axis=1, keepdims=True) / n, 0.0)
    y = np.where(where, scores, 0.0)
    y = np.where(where, y - y.sum(axis=1, keepdims=True) / n, 0.0)
    tt, yy, ty = (np.einsum("ij,ij->i", a, b) for a, b in ((time, time), (y, y), (time, y)))
    with np.errstate(divide="ignore", invalid="ignore"):
        r = np.where((tt > 0) & (yy > 1e-12), ty / np.sqrt(tt * yy), 0.0)
        slope = np.where(tt > 0, ty / tt, 0.0)
    return np.clip(r, -1, 1), memory(y - slope[:, None] * time, where)


def ranks(values: FloatMatrix, where: Mask) -> FloatMatrix:
    """Return the rank of each sample among its row's samples of *where* (ties share their mean), else 0."""
    chosen = np.where(where, values, np.nan)
    order = np.argsort(chosen, axis=1, kind="stable")
    ordered = np.take_along_axis(chosen, order, axis=1)
    place = np.broadcast_to(np.arange(values.shape[1], dtype=np.float64), values.shape)
    new = np.ones(values.shape, bool)
    new[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    first = np.maximum.accumulate(np.where(new, place, 0.0), axis=1)
    ends = np.ones(values.shape, bool)
    ends[:, :-1] = new[:, 1:]
    last = np.minimum.accumulate(np.where(ends, place, np.inf)[:, ::-1], axis=1)[:, ::-1]
    result = np.zeros(values.shape)
    np.put_along_axis(result, order, (first + last) / 2 + 1, axis=1)
    return np.where(where, result, 0.0)


def rank_correlation(values: FloatMatrix, where: Mask) -> Floats:
    """Return each row's rank correlation with time (Spearman's), shape (M,); 0 where there is none.

    Values and places are sorted in one key, so values that agree in all but the last bits of
    their mantissa (as many as the number of points takes) count as tied: as a first look it is
    five times as fast as `climb` of `ranks`.

    Args:
        values: Shape (M, T).
        where: Shape (M, T), the samples to look at.
    """
    rows, points = values.shape
    if not values.size:
        return np.zeros(rows)
    low = (1 << (points - 1).bit_length()) - 1
    # IEEE 754: as integers floats keep their order, but for negative ones, whose bits count down
    keys = (np.where(where, values, np.nan) + 0.0).view(np.int64)
    keys ^= (keys >> 63) & np.int64(2**63 - 1)
    keys &= ~low
    keys |= np.arange(points)
    keys.sort(axis=1)
    time = (keys & low).astype(np.float64)
    keys &= ~low
    count = counted(where)[:, None]
    there = np.arange(points) < count  # NaN sorts last
    new = np.ones(keys.shape, bool)
    new[:, 1:] = keys[:, 1:] != keys[:, :-1]
    ends = np.ones(keys.shape, bool)
    ends[:, :-1] = new[:, 1:]
    place = np.arange(points, dtype=np.int32)
    first = np.maximum.accumulate(np.where(new, place, 0), axis=1)
    last = np.minimum.accumulate(np.where(ends, place, points)[:, ::-1], axis=1)[:, ::-1]
    rank, count = (first + last) / 2, np.maximum(count, 1)
    # to the mean place of as many samples, which ranks have even where some are tied
    rank = np.where(there, rank - (count - 1) / 2, 0.0)
    time = np.where(there, time - np.where(there, time, 0.0).sum(axis=1, keepdims=True) / count, 0.0)
    tt, rr, tr = (np.einsum("ij,ij->i", a, b) for a, b in ((time, time), (rank, rank), (time, rank)))
    scale = np.sqrt(tt * rr)
    return np.asarray(np.divide(tr, scale, out=np.zeros(rows), where=scale > 0), np.float64)


def first_true(mask: Mask) -> Ints:
    """Return the index of each row's first True; the number of columns where there is none."""
    if not mask.shape[1]:
        return np.zeros(len(mask), np.int64)
    at = np.argmax(mask, axis=1)
    found: Ints = np.where(mask[np.arange(len(mask)), at], at, mask.shape[1])
    return found


def last_true(mask: Mask) -> Ints:
    """Return the index of each row's last True; -1 where there is none."""
    found: Ints = mask.shape[1] - 1 - first_true(mask[:, ::-1])
    return found


def longest_step(mask: Mask) -> Ints:
    """Return the largest distance between neighbouring Trues of each row, shape (M,); at least 1."""
    place = np.arange(mask.shape[1])
    previous = np.maximum.accumulate(np.where(mask, place, -1), axis=1)[:, :-1]
    steps = np.where(mask[:, 1:] & (previous >= 0), place[1:] - previous, 1)
    return np.asarray(steps.max(axis=1, initial=1), np.int64)


def gathering(at: Ints, vote: Floats, group: Ints, seconds: Floats) -> int | None:
    """Return the index from which on onsets gather, or None when they are too few and too weak.

    Each signal of an entity has one vote, which grows slowly with its score. The first stretch
    that gathers half as many votes as the densest is the incident's beginning; in it, the first
    onset that is strong, or that another signal follows within half a stretch: one column's
    early cut does not decide.

    Args:
        at: Shape (R,), index of each onset.
        vote: Shape (R,), what it weighs.
        group: Shape (R,), whose votes are not added up: one signal of one entity.
        seconds: Shape (T,), the time of each index.
    """
    moments = np.unique(at)
    _, group = np.unique(group, return_inverse=True)
    votes = np.zeros((len(moments), int(group.max()) + 1))
    np.maximum.at(votes, (np.searchsorted(moments, at), group), vote)
    when = seconds[moments]
    width = max(TOGETHER_SECONDS, 4 * float(np.median(np.diff(seconds))) if len(seconds) > 1 else 0.0)
    stops = np.searchsorted(when, when + width, side="right")
    # distinct onsets are few, however many columns there are
    density = np.array([votes[i:stop].max(axis=0).sum() for i, stop in enumerate(stops)])
    begin = int(np.argmax(density >= 0.5 * density.max()))
    soon = np.searchsorted(when, when + width / 2, side="right")
    for i in range(begin, int(stops[begin])):
        if (votes[i : soon[i]] > 0).any(axis=0).sum() >= 2 or votes[i].max() >= LONE_VOTE:
            return int(moments[i])
    return None
