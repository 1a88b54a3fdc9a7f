"""Services and series ranked by statistics alone: what the order depends on, and what it does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from obskit.incident.blame.ranking import rank_suspects
from obskit.incident.blame.scene import PARTS
from obskit.model import Series
from tests.support.blame import (
    AT,
    MIXED,
    NOTICED,
    POINTS,
    Matrix,
    matrix_of,
    names,
    rollout,
    scene,
    scene_of,
    series_of,
    services,
    tasks_of,
)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(-20, 40), min_size=len(MIXED), max_size=len(MIXED)))
def test_the_unit_of_a_column_does_not_matter(powers: list[int]) -> None:
    """Seconds or milliseconds, bytes or gibibytes: scaling any column leaves the order as it is."""
    one = scene(*MIXED)
    other = scene_of(one.metrics.values * 2.0 ** np.array(powers), one.metrics.series)
    first, second = rank_suspects(one), rank_suspects(other)

    assert services(second) == services(first)
    assert names(second, other) == names(first, one)


def test_milliseconds_rank_as_seconds() -> None:
    """A factor that single precision cannot hold does not matter either."""
    one = scene(*MIXED)
    other = scene_of(one.metrics.values * np.array([1e3, 0.1, 7.0, 1e-3, 3e9, 0.3, 60.0, 1e-9]), one.metrics.series)

    assert services(rank_suspects(other)) == services(rank_suspects(one))


@settings(max_examples=30, deadline=None)
@given(st.permutations(range(len(MIXED))))
def test_the_order_of_columns_does_not_matter(order: list[int]) -> None:
    """Who answers first is not more suspect."""
    one = scene(*MIXED)
    one.metrics.values[:, 5:] = 3.0  # equals are ordered by what they are
    other = scene_of(one.metrics.values[:, order], [one.metrics.series[i] for i in order])
    first, second = rank_suspects(one), rank_suspects(other)

    assert second.suspects == first.suspects
    assert names(second, other) == names(first, one)


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(["latency", "cpu", "memory", "errors", "requests", "strange"]),
    st.floats(5.0, 1e6),
    st.sampled_from([0.0, 1e-12, 5.0, 1e12, float("nan")]),
    st.integers(0, 50),
)
def test_what_did_not_move_is_never_above_what_did(metric: str, move: float, flat: float, seed: int) -> None:
    """Constant columns and columns without samples carry no evidence."""
    columns = (("a-flat", metric, 0.0), ("moved", metric, move), ("z-flat", metric, 0.0))
    values = matrix_of(columns, seed=seed)
    values[:, [0, 2]] = flat
    given_ = scene_of(values, series_of(columns))
    found = rank_suspects(given_)

    assert services(found)[0] == "moved"
    assert names(found, given_)[0] == f"{metric}{{moved}}"
    assert [s.score for s in found.suspects[1:]] == [0.0, 0.0]


def test_the_same_scene_gives_the_same_ranking() -> None:
    """Nothing is left to chance."""
    first, second = rank_suspects(scene(*MIXED)), rank_suspects(scene(*MIXED))

    assert first.suspects == second.suspects
    assert first.columns.tolist() == second.columns.tolist()


def test_a_matrix_alone_is_enough() -> None:
    """Without calls, lines, events and an alert the largest move leads, and it says by what."""
    found = rank_suspects(scene(*MIXED))
    first = found.suspects[0]

    assert first.service == "cart"
    assert set(first.parts) <= set(PARTS) - {"logs", "change", "path"}
    assert first.score == pytest.approx(sum(first.parts.values()))
    assert first.series[0] == "cpu{cart}"


@pytest.mark.parametrize(
    "values",
    [np.empty((0, 0)), np.empty((POINTS, 0)), np.full((1, 2), 3.0), np.full((3, 2), np.nan), np.zeros((2, 2))],
    ids=["nothing", "no columns", "one point", "no samples", "two points"],
)
def test_hardly_any_matrix_is_no_error(values: Matrix) -> None:
    """What cannot be ranked is returned without evidence."""
    columns = series_of([("a", "cpu", 0.0), ("b", "cpu", 0.0)][: values.shape[1]])
    found = rank_suspects(scene_of(values, columns))

    assert all(s.score == 0 for s in found.suspects)
    assert sorted(found.columns.tolist()) == list(range(values.shape[1]))


@pytest.mark.parametrize("late", [-120, -60, 0, 60, 300, 480])
def test_an_alert_may_come_late_or_early(late: int) -> None:
    """The onset is found near the time that is given; what moved then leads all the same."""
    given_ = replace(scene(*MIXED), noticed=NOTICED + timedelta(seconds=late))
    found = rank_suspects(given_)

    assert found.onset == NOTICED
    assert services(found)[0] == "cart"


@settings(max_examples=30, deadline=None)
@given(st.sampled_from([1e-30, 1e-3, 1e3, 1e30]), st.integers(0, 50))
def test_a_matrix_of_any_scale_ranks_as_at_scale_one(factor: float, seed: int) -> None:
    """All columns at once, so far from one that their squares leave single precision."""
    one = scene(*MIXED, seed=seed)
    other = scene_of(one.metrics.values * factor, one.metrics.series)
    first, second = rank_suspects(one), rank_suspects(other)

    assert services(second) == services(first)
    assert names(second, other) == names(first, one)
    assert [s.score for s in second.suspects] == pytest.approx([s.score for s in first.suspects], abs=0.01)


@pytest.mark.parametrize("factor", [1e-30, 1e30])
def test_tasks_of_any_scale_are_compared_as_at_scale_one(factor: float) -> None:
    """A new task's contrast with its elders has no unit either."""
    values, series = tasks_of(a=100.0, b=60.0)
    events = (*rollout("a", AT - 2, "a-3"), *rollout("b", AT - 2, "b-3"))
    one, other = (rank_suspects(replace(scene_of(v, series), events=events)) for v in (values, values * factor))

    assert services(other) == services(one) == ["b", "a"]
    assert [s.score for s in other.suspects] == pytest.approx([s.score for s in one.suspects], abs=0.01)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.sampled_from([0.0, 3.0, -1e30, 1e-30, float("nan"), float("inf")]), min_size=1, max_size=6),
    st.sampled_from([1e-30, 1.0, 1e30]),
    st.integers(0, 50),
)
def test_columns_without_a_change_leave_the_others_scores_alone(levels: list[float], factor: float, seed: int) -> None:
    """Constant columns, and those without a sample, are no evidence for or against anyone."""
    values = matrix_of(MIXED, seed=seed) * factor
    flat = tuple(Series(signal=f"flat_{i}", unit="count", service="z-flat") for i in range(len(levels)))
    alone = rank_suspects(scene_of(values, series_of(MIXED)))
    both = np.column_stack([values, np.full((POINTS, len(levels)), levels)])
    found = rank_suspects(scene_of(both, (*series_of(MIXED), *flat)))

    assert [(s.service, s.score) for s in found.suspects if s.service != "z-flat"] == [
        (s.service, s.score) for s in alone.suspects
    ]
    assert all(s.score == 0 for s in found.suspects if s.service == "z-flat")


@settings(max_examples=30, deadline=None)
@given(st.integers(0, POINTS - 2), st.integers(1, POINTS))
def test_times_that_do_not_ascend_are_refused(at: int, back: int) -> None:
    """The error says which point, and its time and the one before; nothing is sorted in silence."""
    one = scene(*MIXED)
    times = one.metrics.times.copy()
    times[at + 1] = times[at] - back * np.timedelta64(60, "s")
    wrong = replace(one, metrics=replace(one.metrics, times=times))

    with pytest.raises(ValueError, match=rf"do not ascend: point {at + 1} is of 2026-01-.*, point {at} of 2026-01-31T"):
        rank_suspects(wrong)


def test_a_point_without_a_time_is_refused() -> None:
    """Nothing says where it belongs."""
    one = scene(*MIXED)
    times = one.metrics.times.copy()
    times[7] = np.datetime64("NaT")

    with pytest.raises(ValueError, match="point 7 is of NaT"):
        rank_suspects(replace(one, metrics=replace(one.metrics, times=times)))


def test_two_points_of_one_time_are_put_up_with() -> None:
    """Two grids that were joined may share a point; nothing is out of order."""
    one = scene(*MIXED)
    times = one.metrics.times.copy()
    times[5] = times[4]

    assert services(rank_suspects(replace(one, metrics=replace(one.metrics, times=times))))[0] == "cart"
