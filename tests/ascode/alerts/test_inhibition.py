"""What silences what never goes in a circle, and uses almost all that triage knows."""

from __future__ import annotations

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from obskit.ascode.alerts.inhibition import order, silenced
from obskit.incident.causes import all_causes


def test_few_of_what_triage_knows_is_left_out() -> None:
    """Two that bring each other about silence neither; of the rest almost all is used."""
    known = {cause.id: set(cause.brings_about) for cause in all_causes()}
    used = silenced()
    one_way = {(a, b) for a in known for b in known[a] if a not in known[b]}
    kept = {(a, b) for a in used for b in used[a]}

    assert kept <= one_way
    assert len(kept) > 0.9 * len(one_way)
    assert ("lock_contention", "db_pool_exhausted") in kept
    assert ("traffic_surge", "cpu_saturation") in kept


@given(st.dictionaries(st.sampled_from("abcdefgh"), st.frozensets(st.sampled_from("abcdefgh")), min_size=1))
def test_whatever_brings_about_what_no_circle_is_left(edges: dict[str, frozenset[str]]) -> None:
    """However knotted the knowledge becomes."""
    found = silenced(edges)

    assert circle({one: set(others) for one, others in found.items()}) == ()
    assert sorted(order({one: edges[one] for one in edges})) == sorted(edges)


def test_the_order_has_no_choice_in_what_it_is_given() -> None:
    """The same file whatever the order of files is."""
    chain = {"a": frozenset("b"), "b": frozenset("c"), "c": frozenset("")}

    assert {order({one: chain[one] for one in mixed}) for mixed in permutations(chain)} == {("a", "b", "c")}


def circle(edges: dict[str, set[str]]) -> tuple[str, ...]:
    """Return what is on or behind a circle: what remains when all that points nowhere is taken away."""
    left = {one: set(others) for one, others in edges.items()}
    while ends := [one for one, others in left.items() if not any(other in left for other in others)]:
        for one in ends:
            del left[one]
    return tuple(sorted(left))
