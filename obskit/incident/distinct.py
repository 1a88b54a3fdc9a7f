"""Columns of codes -> their distinct values, without sorting where the codes are dense."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]

#: A table with a place for each possible code is made up to so many places a code: beyond that sorting is cheaper.
_PLACES: Final = 4


class Distinct(NamedTuple):
    """The distinct values of a column.

    Attributes:
        values: Shape (D,), ascending.
        first: Shape (D,), where each stands first.
        inverse: Shape (N,), the position of each code's value in ``values``.
        counts: Shape (D,), how often each occurs.
    """

    values: Ints
    first: Ints
    inverse: Ints
    counts: Ints


def distinct(codes: npt.NDArray[np.integer]) -> Distinct:
    """Return what ``np.unique`` returns, in linear time where codes are dense.

    Args:
        codes: Shape (N,), whole numbers.
    """
    if not len(codes):
        return Distinct(*(np.empty(0, np.int64) for _ in Distinct._fields))
    least, most = int(codes.min()), int(codes.max())
    if most - least >= _PLACES * len(codes):
        return Distinct(*(np.asarray(part, np.int64) for part in np.unique(codes, True, True, True)))
    places = np.asarray(codes, np.int64) - least
    counts = np.bincount(places)
    there = np.flatnonzero(counts)
    first = np.empty(len(counts), np.int64)
    first[places[::-1]] = np.arange(len(codes) - 1, -1, -1)  # of equal codes the one that is written last stays
    number = np.cumsum(counts > 0) - 1
    return Distinct(there + least, first[there], number[places], counts[there])
