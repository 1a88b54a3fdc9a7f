"""Columns of counts -> which are new, surged or vanished: the splits that two Poisson rates explain best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

#: A surge is at least this many times the rate before (less happens on calm days); twice when all
#: lines of a service are meant, and when more traffic is allowed for.
SURGE_RATIO, RELATIVE_RATIO = 3.0, 2.0
#: A column has vanished when it came this often before and never again.
VANISHED_LINES: Final = 20
#: Columns whose splits are all tried at once: bounds the memory.
_COLUMNS_AT_ONCE: Final = 512
#: Sums in another order differ in their last digits: what comes so close to a bar is looked at.
_ROOM: Final = 1 + 1e-9


@dataclass(frozen=True, slots=True)
class Bar:
    """What a column must show to count as changed."""

    chance: float  #: New: how likely it may be that all its lines came so late by chance.
    share: float  #: New: the share of the time that it may have been there.
    lines: float  #: New or surged: how many lines it needs at least.
    ratio: float  #: Surged: how many times the rate before.
    surprise: float  #: Surged: nats that two rates must explain better than one.


@dataclass(frozen=True, slots=True)
class Shift:
    """How one column of counts changed: between which bins, and lines a bin before and meanwhile."""

    change: Literal["new", "surged", "vanished", "steady"]
    first: int
    last: int  #: Exclusive.
    before: float
    after: float


def find_shifts(counts: Floats, volume: Floats, bars: Sequence[Bar]) -> list[Shift]:
    """Find how each column of counts changed, if at all.

    Args:
        counts: Shape (bins, columns): lines in each bin.
        volume: The same shape: what a bin's traffic was; a rise in step with it is no surge.
        bars: What each column must show.

    Returns:
        One shift a column.
    """
    look = _may_have_changed(counts, bars)
    means = counts.mean(axis=0)
    shifts = []
    for i, bar in enumerate(bars):
        seen = (counts[:, i], volume[:, i], bar)
        shift = (_surged(*seen) or _new(*seen) or _vanished(*seen)) if look[i] else None
        shifts.append(shift or Shift("steady", 0, len(counts), float(means[i]), float(means[i])))
    return shifts


def with_silence(shifts: Sequence[Shift], counts: Floats, whole: Sequence[int]) -> list[Shift]:
    """Return the shifts, of columns that are steady in a whole that has vanished as vanished with it.

    `find_shifts` misses a column only while its whole goes on; where nothing comes any more, none is steady either.

    Args:
        shifts: As `find_shifts` returned them.
        counts: Shape (bins, columns): what it was given.
        whole: For each column the one that counts all that it is a part of.
    """
    ends = [shifts[i] for i in whole]
    return [
        Shift("vanished", end.first, len(counts), float(counts[: end.first, i].mean()), 0.0)
        if shift.change == "steady" and end.change == "vanished"
        else shift
        for i, (shift, end) in enumerate(zip(shifts, ends, strict=True))
    ]


def _may_have_changed(counts: Floats, bars: Sequence[Bar]) -> npt.NDArray[np.bool_]:
    """Return which columns must be looked at one by one, shape (columns,): those that pass what can be asked of all."""
    bins, columns = counts.shape
    if not bins or not columns:
        return np.zeros(columns, bool)
    chance, share, lines, surprise = np.array([(b.chance, b.share, b.lines, b.surprise) for b in bars], float).T
    surprise = surprise + np.log(bins)
    totals = np.cumsum(counts, axis=0)
    gain = np.zeros(columns)
    for i in range(0, columns, _COLUMNS_AT_ONCE):
        some = totals[:, i : i + _COLUMNS_AT_ONCE]
        gains = _gain(some[:-1], some[-1], np.arange(1.0, bins)[:, None], bins)
        gain[i : i + _COLUMNS_AT_ONCE] = gains.max(axis=0, initial=0.0)
    there = counts > 0
    first, last = there.argmax(axis=0), bins - there[::-1].argmax(axis=0)
    occasions = there.sum(axis=0) + np.log(np.maximum(counts, 1.0)).sum(axis=0, where=there)
    late = 1 - first / bins
    new = (first > 0) & (totals[-1] >= lines) & (late <= share) & (late**occasions <= chance * _ROOM)
    enough = (totals[-1] >= VANISHED_LINES) & (first <= bins / 4) & (last < bins)
    missed = (bins - last) / last * occasions
    vanished = enough & (missed * _ROOM >= surprise)
    looked: npt.NDArray[np.bool_] = (gain * _ROOM > surprise) | new | vanished
    return looked


def _gain(before: Floats, total: Floats, at: Floats, end: float) -> Floats:
    """Return by how much two rates explain counts better than one, in nats; 0 where the rate falls."""
    after, left = total - before, end - at
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = [np.where(n > 0, n * np.log(n / e), 0.0) for n, e in ((before, at), (after, left), (total, end))]
        return np.where(after * at > before * left, parts[0] + parts[1] - parts[2], 0.0)


def _split(column: Floats) -> tuple[int, float]:
    """Return the bin from which on the rate is higher, and what that split gains."""
    totals = np.cumsum(column)
    if len(column) < 2 or totals[-1] <= 0:
        return 0, 0.0
    gains = _gain(totals[:-1], totals[-1], np.arange(1.0, len(column)), float(len(column)))
    return int(np.argmax(gains)) + 1, float(gains.max())


def _effective(column: Floats) -> float:
    """Return how many independent lines a column is worth: a burst in one bin is one occasion."""
    return float((1 + np.log(np.maximum(column[column > 0], 1))).sum())


def _until(column: Floats, first: int, surprise: float) -> int:
    """Return the bin from which on a change is over: calm again, and for long enough to be no chance."""
    fall, gain = _split(column[first:][::-1])
    last = len(column) - fall
    lasted = column[first:last]
    burst = max(lasted.sum() / max(_effective(lasted), 1.0), 1.0)
    calm = SURGE_RATIO * column[:first].sum() / max(first, 1)
    return last if fall and gain / burst > surprise and column[last:].mean() <= calm else len(column)


def _new(column: Floats, traffic: Floats, bar: Bar) -> Shift | None:
    first = int(np.argmax(column > 0))
    if not first or column.sum() < bar.lines:
        return None
    share = 1 - first / len(column)
    if traffic[:first].sum() >= VANISHED_LINES:
        share = max(share, float(traffic[first:].sum() / traffic.sum()))
    if share > bar.share or share ** _effective(column) > bar.chance:
        return None
    last = _until(column, first, bar.surprise + float(np.log(len(column))))
    return Shift("new", first, last, 0.0, float(column[first:last].mean()))


def _surged(column: Floats, traffic: Floats, bar: Bar) -> Shift | None:
    surprise = bar.surprise + float(np.log(len(column)))
    first, gain = _split(column)
    if gain <= surprise:
        return None
    last = _until(column, first, surprise)
    first, gain = _split(column[:last])
    while first > 1 and column[first - 1] and np.count_nonzero(column[:first]) * 5 < first:
        first -= 1
    # A slow start is a part of it, a stray line long before is not: the first lines must be news by themselves.
    start = _new(column[:first], traffic[:first], bar) if first else None
    first = start.first if start else first
    before, after = column[:first], column[first:last]
    if not first or after.sum() < bar.lines:
        return None
    spread = before.var() / before.mean() if before.sum() >= VANISHED_LINES else column.sum() / _effective(column)
    calm, busy = float(traffic[:first].sum()), float(traffic[first:last].sum())
    with_traffic = calm >= VANISHED_LINES and after.sum() * calm < RELATIVE_RATIO * before.sum() * busy
    if with_traffic or gain / max(spread, 1.0) <= surprise or after.mean() < bar.ratio * before.mean():
        return None
    return Shift("surged" if before.any() else "new", first, last, float(before.mean()), float(after.mean()))


def _vanished(column: Floats, traffic: Floats, bar: Bar) -> Shift | None:
    present = np.flatnonzero(column)
    first = int(present[-1]) + 1
    enough = min(column.sum(), traffic[first:].sum(), 4 * column[: first // 2].sum()) >= VANISHED_LINES
    missed = min((len(column) - first) / first, float(traffic[first:].sum() / max(traffic[:first].sum(), 1.0)))
    surprising = missed * _effective(column) >= bar.surprise + np.log(len(column))
    # Only what was there all along can be missed, and only while its service still speaks.
    whole = present[0] <= len(column) / 4
    gone = enough and surprising and whole
    return Shift("vanished", first, len(column), float(column[:first].mean()), 0.0) if gone else None
