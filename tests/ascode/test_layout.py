"""Where panels go."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from obskit.ascode.layout import COLUMNS, Place, Size, place

SIZES = st.lists(st.builds(Size, width=st.integers(1, COLUMNS), height=st.integers(1, 20)), max_size=30)


def _overlap(a: Place, b: Place) -> bool:
    return a.x < b.x + b.w and b.x < a.x + a.w and a.y < b.y + b.h and b.y < a.y + a.h


@given(SIZES, st.integers(0, 100))
def test_no_panel_lies_over_another_or_leaves_the_grid(sizes: list[Size], top: int) -> None:
    """Grafana would push them apart, and show it as a change of somebody's."""
    places, below = place(sizes, top)

    assert len(places) == len(sizes)
    assert not any(_overlap(a, b) for a, b in combinations(places, 2))
    assert all(p.x >= 0 and p.x + p.w <= COLUMNS and top <= p.y and p.y + p.h <= below for p in places)


@given(st.lists(st.builds(Size, width=st.integers(1, COLUMNS), height=st.integers(1, 9)), min_size=1, max_size=20))
def test_every_line_ends_at_the_right_edge(sizes: list[Size]) -> None:
    """No ragged edge: the last panel of each line touches it."""
    places, _ = place(sizes, 0)
    lines = {p.y: 0 for p in places}
    for p in places:
        lines[p.y] = max(lines[p.y], p.x + p.w)

    assert set(lines.values()) == {COLUMNS}


def test_panels_keep_their_order() -> None:
    """Left to right, then down: as the definition says them."""
    places, below = place([Size(width=8, height=8)] * 4, 1)

    assert [(p.x, p.y, p.w) for p in places] == [(0, 1, 8), (8, 1, 8), (16, 1, 8), (0, 9, 24)]
    assert below == 17
