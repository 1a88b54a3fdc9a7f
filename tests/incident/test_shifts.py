"""Which columns of counts are new, surged or vanished."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from obskit.incident import shifts
from obskit.incident.shifts import Bar, find_shifts

BARS = (Bar(1e-4, 0.95, 3, 3.0, 8.0), Bar(1.0, 0.75, 1, 3.0, 2.0), Bar(0.01, 0.95, 1, 3.0, 3.0))


def column(bins: int) -> st.SearchStrategy[np.ndarray]:
    """Return counts of a column that is there for a part of the time, more or less evenly."""
    parts = st.tuples(st.integers(0, bins - 1), st.integers(1, bins), st.integers(1, 40))
    noise = arrays.arrays(np.float64, bins, elements=st.sampled_from([0.0, 0.0, 1.0, 2.0, 30.0]))

    def made(part: tuple[int, int, int], noise: np.ndarray) -> np.ndarray:
        counts = noise.copy()
        counts[part[0] : part[0] + part[1]] += part[2]
        if not counts.any():
            counts[0] = 1.0
        return counts

    return st.builds(made, parts, noise | st.just(np.zeros(bins)))


@given(st.integers(2, 60).flatmap(lambda bins: st.lists(column(bins), min_size=1, max_size=4)), st.sampled_from(BARS))
def test_a_column_that_is_not_looked_at_has_not_changed(columns: list[np.ndarray], bar: Bar) -> None:
    """What is asked of all columns at once leaves none out in which a close look finds a change."""
    counts = np.stack(columns, axis=1)
    volume = np.full_like(counts, 50.0)
    for i, shift in enumerate(find_shifts(counts, volume, [bar] * len(columns))):
        seen = (counts[:, i], volume[:, i], bar)
        alone = shifts._surged(*seen) or shifts._new(*seen) or shifts._vanished(*seen)
        assert (shift.change, shift.first) == ((alone.change, alone.first) if alone else ("steady", 0))
