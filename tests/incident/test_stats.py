"""Rules of the statistics under the detector."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from obskit.incident.stats import (
    best_split,
    climb,
    counted,
    discoveries,
    first_true,
    gathering,
    last_true,
    log_p,
    longest_step,
    median,
    memory,
    quantile_of_sorted,
    rank_correlation,
    ranks,
    spread,
    winsorised,
)
from obskit.model import FloatMatrix

RNG_ROWS, RNG_POINTS = 40, 400


def autoregressive(seed: int, phi: float, rows: int = RNG_ROWS, points: int = RNG_POINTS) -> FloatMatrix:
    """Return rows of an AR(1) process after its first 50 points."""
    noise = np.random.default_rng(seed).normal(size=(rows, points + 50))
    made = np.zeros_like(noise)
    for t in range(1, points + 50):
        made[:, t] = phi * made[:, t - 1] + noise[:, t]
    return made[:, 50:]


@pytest.mark.parametrize("q", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_a_quantile_ignores_what_is_missing(q: float) -> None:
    """A row's quantile is that of its samples, as numpy interpolates it."""
    rows = np.random.default_rng(1).normal(size=(5, 31))
    rows[1, ::3] = np.nan
    rows[2, 1:] = np.nan
    ordered = np.sort(rows, axis=1)
    found = quantile_of_sorted(ordered, np.isfinite(ordered).sum(axis=1), q)

    np.testing.assert_allclose(found, np.nanquantile(rows, q, axis=1))


def test_an_empty_row_has_no_median() -> None:
    """No sample gives NaN, never zero; no point at all does so too."""
    assert np.isnan(median(np.full((1, 4), np.nan))[0])
    assert np.isnan(median(np.empty((2, 0)))).all()


def test_a_row_that_is_mostly_zero_has_noise_all_the_same() -> None:
    """One point in six differs: the median absolute deviation is zero, the noise is not."""
    row = np.zeros((1, 60))
    row[0, ::6] = 3.0

    found = spread(row, np.ones(row.shape, bool))

    assert found.level[0] == 0.0
    assert found.noise[0] > 0
    assert found.samples[0] == 60


def test_the_noise_of_a_normal_row_is_its_standard_deviation() -> None:
    """Both estimators are scaled to a normal distribution."""
    rows = np.random.default_rng(2).normal(5, 2, size=(20, 2000))
    found = spread(rows, np.ones(rows.shape, bool))

    np.testing.assert_allclose(found.noise, 2, rtol=0.1)
    np.testing.assert_allclose(found.tails, 2, rtol=0.1)


def test_one_huge_point_weighs_no_more_than_a_far_one() -> None:
    """Scores are clipped; the farthest distance is told beside them."""
    rows = np.random.default_rng(3).normal(size=(1, 100))
    rows[0, 50] = 1e12
    scores, farthest = winsorised(rows)

    assert np.abs(scores).max() == 4.0
    assert farthest[0] > 1e10


def test_a_constant_row_with_one_step_is_scored_as_a_step() -> None:
    """A unit that would be zero is a share of the range; a constant row scores zero."""
    rows = np.zeros((2, 50))
    rows[0, 40:] = 7.0
    scores, _ = winsorised(rows)

    assert (scores[0, 40:] == 4.0).all()
    assert not scores[1].any()


@pytest.mark.parametrize("at", [3, 20, 97])
def test_a_step_is_cut_where_it_is(at: int) -> None:
    """The cut is the first point of the new level, also near the edges."""
    row = np.zeros((1, 100))
    row[0, at:] = 1.0
    split = best_split(row, np.ones(row.shape, bool), 3)

    assert split.at[0] == at
    assert split.share[0] == pytest.approx(1.0)


def test_no_cut_leaves_a_side_shorter_than_asked() -> None:
    """A step two points before the end cannot be cut there when three are the least."""
    row = np.zeros((1, 30))
    row[0, 28:] = 1.0

    assert best_split(row, np.ones(row.shape, bool), 3).at[0] <= 27


def test_a_row_without_variance_or_samples_has_no_cut() -> None:
    """Nothing to explain means no cut, and no warning."""
    rows = np.zeros((2, 20))
    inside = np.ones(rows.shape, bool)
    inside[1] = False
    split = best_split(rows, inside, 3)

    assert split.at.tolist() == [-1, -1]
    assert split.share.tolist() == [0.0, 0.0]


@pytest.mark.parametrize("phi", [0.0, 0.5, 0.8])
def test_memory_is_the_lag_one_autocorrelation_and_rather_too_large(phi: float) -> None:
    """On average over rows it lies above the truth, but near."""
    rows = autoregressive(4, phi)
    found = memory(rows - rows.mean(axis=1, keepdims=True), np.ones(rows.shape, bool))

    assert phi - 0.02 <= found.mean() <= phi + 0.12


def test_a_short_row_tells_nothing_about_memory() -> None:
    """Fewer than eight samples give NaN."""
    assert np.isnan(memory(np.ones((1, 7)), np.ones((1, 7), bool))[0])


@pytest.mark.parametrize(("t", "freedom", "p"), [(2.0, 30, 0.0546), (4.0, 20, 7.1e-4), (6.0, 100, 3.1e-8)])
def test_a_p_value_is_that_of_students_t(t: float, freedom: int, p: float) -> None:
    """For one try, independent points and n - 2 degrees of freedom (tables of the t distribution)."""
    share = np.array([t * t / (t * t + freedom)])
    found = log_p(share, np.array([freedom + 2.0]), np.zeros(1), np.ones(1))

    assert math.exp(found[0]) == pytest.approx(p, rel=0.25)


def test_memory_and_tries_make_a_p_value_larger() -> None:
    """Dependent points count as fewer, and a place chosen among many is less surprising."""
    share, count, one = np.array([0.3]), np.array([100.0]), np.ones(1)
    plain = log_p(share, count, np.zeros(1), one)

    assert log_p(share, count, np.array([0.8]), one)[0] > plain[0]
    assert log_p(share, count, np.zeros(1), one * 100)[0] > plain[0]


def test_discoveries_follow_benjamini_and_hochberg() -> None:
    """The example of 15 p-values of their paper (1995) rejects four at 0.05."""
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344]
    p += [0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0]

    assert discoveries(np.log(p), 0.05).tolist() == [True] * 4 + [False] * 11
    assert discoveries(np.empty(0), 0.05).tolist() == []


def test_ranks_share_ties_and_leave_out_what_is_missing() -> None:
    """Equal samples have their mean rank; what is not asked for has none."""
    row = np.array([[30.0, np.nan, 10.0, 10.0, 20.0]])

    assert ranks(row, np.isfinite(row)).tolist() == [[4.0, 0.0, 1.5, 1.5, 3.0]]


def test_a_straight_line_is_a_perfect_climb() -> None:
    """Its correlation with time is one in the line's direction; a constant has none."""
    rows = np.vstack([np.arange(30.0), -np.arange(30.0), np.ones(30)])
    r, _ = climb(rows, np.ones(rows.shape, bool))

    np.testing.assert_allclose(r, [1, -1, 0], atol=1e-12)


@given(
    st.lists(
        st.lists(st.sampled_from([math.nan, -2.5, -1.0, -0.0, 0.0, 1e-300, 1.0, 3.0, 1e300]), min_size=9, max_size=9),
        min_size=1,
        max_size=5,
    )
)
def test_the_quick_rank_correlation_is_that_of_the_ranks(rows: list[list[float]]) -> None:
    """Ties, signs, zeros of either sign and holes change nothing: it is the correlation of ranks with time."""
    values = np.array(rows)
    inside = np.isfinite(values)
    expected, _ = climb(ranks(values, inside), inside)

    np.testing.assert_allclose(rank_correlation(values, inside), expected, atol=1e-9)


def test_rows_without_points_have_no_rank_correlation() -> None:
    """An empty matrix gives one zero a row."""
    assert rank_correlation(np.empty((2, 0)), np.empty((2, 0), bool)).tolist() == [0.0, 0.0]


def test_counts_and_longest_steps_are_each_rows_own() -> None:
    """The longest step is between neighbours that are there, not to the row's ends; at least one."""
    mask = np.array([[0, 1, 0, 0, 1, 1], [0, 0, 0, 0, 0, 0], [0, 0, 1, 0, 0, 0]], bool)

    assert counted(mask).tolist() == [3, 0, 1]
    assert longest_step(mask).tolist() == [3, 1, 1]


def test_the_first_and_last_true_are_found_or_lie_outside() -> None:
    """Nothing true gives the number of columns, and -1."""
    mask = np.array([[False, True, True, False], [False] * 4])

    assert first_true(mask).tolist() == [1, 4]
    assert last_true(mask).tolist() == [2, -1]
    assert first_true(np.zeros((1, 0), bool)).tolist() == [0]


def gathered(*onsets: tuple[int, float, int]) -> int | None:
    """Return where onsets of (index, vote, group) gather, at 15 s a step over an hour."""
    at, vote, group = zip(*onsets, strict=True)
    return gathering(np.array(at), np.array(vote, float), np.array(group), np.linspace(0, 3585, 240))


def test_onsets_gather_where_most_signals_begin() -> None:
    """A weak onset long before the others does not decide, nor does a late one."""
    assert gathered((20, 0.7, 0), (100, 1.0, 1), (101, 1.0, 2), (102, 1.0, 3), (200, 0.7, 4)) == 100


def test_one_early_cut_does_not_move_the_beginning() -> None:
    """Within a stretch, a weak onset that nobody follows soon is passed over."""
    assert gathered((97, 0.8, 0), (100, 0.9, 1), (100, 0.9, 2), (101, 0.9, 3)) == 100


def test_the_columns_of_one_signal_have_one_vote() -> None:
    """Many weak columns of one group make no incident; a second group does."""
    assert gathered(*((50, 0.7, 0) for _ in range(9))) is None
    assert gathered((50, 0.7, 0), (51, 0.7, 1)) == 50


def test_a_strong_onset_stands_alone() -> None:
    """One clear change is an incident; one faint change is none."""
    assert gathered((50, 1.2, 0)) == 50
    assert gathered((50, 0.9, 0)) is None
