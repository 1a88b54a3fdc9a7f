"""The distinct values of columns of codes."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from obskit.incident.distinct import distinct

DENSE = st.lists(st.integers(-1, 30), max_size=200)
SPARSE = st.lists(st.integers(-(2**40), 2**40), max_size=40)


@given(DENSE | SPARSE)
def test_dense_or_not_the_answer_is_that_of_sorting(codes: list[int]) -> None:
    """Values, first places, positions and counts, whatever the codes are."""
    column = np.array(codes, np.int64)
    for got, wanted in zip(distinct(column), np.unique(column, True, True, True), strict=True):
        np.testing.assert_array_equal(got, wanted)
