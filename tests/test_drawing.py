"""Lines and axes: what is drawn is what was measured, at round places."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from obskit.drawing import (
    Plot,
    across,
    axis,
    binary_step,
    paths,
    round_step,
    share,
    step_for,
    thin,
    time_ticks,
    whole_step,
)
from obskit.model import FloatMatrix, TimeArray, Unit, Window

START = datetime(2026, 1, 31, 3, 0, tzinfo=UTC)
#: A hundred coordinates for a hundred seconds, ten for a value of one.
WINDOW = Window(start=START, end=START + timedelta(seconds=100))
PLOT = Plot(width=100, height=100, points=200)
SPAN = (0.0, 10.0)

#: Measured values: zero, or within what a metric has in one of obskit's units.
moderate = st.just(0.0) | st.floats(1e-9, 1e12) | st.floats(-1e12, -1e-9)


def seconds(*after: float) -> TimeArray:
    """Return times so many seconds after the window's start."""
    start = np.datetime64(START.replace(tzinfo=None), "ns")
    return np.asarray(start + (np.array(after) * 1e9).astype("timedelta64[ns]"))


def column(*values: float) -> FloatMatrix:
    """Return one column."""
    return np.array(values, dtype=float)[:, None]


@pytest.mark.parametrize(("after", "percent"), [(0, 0.0), (25, 25.0), (33.33333, 33.333), (100, 100.0)])
def test_a_moment_has_its_share_of_the_window(after: float, percent: float) -> None:
    """In percent, to a thousandth."""
    assert share(START + timedelta(seconds=after), WINDOW) == percent


@pytest.mark.parametrize(("after", "percent"), [(-1, 0.0), (101, 100.0)])
def test_a_moment_outside_lies_on_the_edge(after: float, percent: float) -> None:
    """A bar that began before the window begins where the window does."""
    assert share(START + timedelta(seconds=after), WINDOW) == percent


@pytest.mark.parametrize("steps", [1, 6, 7])
@pytest.mark.parametrize("minutes", [1, 7, 30, 60, 180, 1440, 20_000])
def test_the_time_axis_has_few_ticks_within_the_window(minutes: int, steps: int) -> None:
    """At least one and at most one more than there are steps, whatever the window; none outside."""
    ticks = time_ticks(Window(start=START - timedelta(minutes=minutes), end=START), steps=steps)

    assert 1 <= len(ticks) <= steps + 1
    assert all(0 <= tick.at <= 100 for tick in ticks)


def test_times_are_round_and_written_as_asked() -> None:
    """Steps are counted from midnight, not from where the window happens to begin."""
    window = Window(start=START + timedelta(minutes=3, seconds=7), end=START + timedelta(hours=2))

    assert [tick.label for tick in time_ticks(window, steps=6)] == ["03:30", "04:00", "04:30", "05:00"]
    assert [tick.label for tick in time_ticks(window, steps=2, form="%d %b %H h")] == ["31 Jan 04 h", "31 Jan 05 h"]


def test_a_window_without_a_full_minute_has_no_tick() -> None:
    """Seconds are not written, so there is nothing to write."""
    window = Window(start=START + timedelta(seconds=1), end=START + timedelta(seconds=50))

    assert time_ticks(window, steps=6) == ()


@pytest.mark.parametrize(
    ("rough", "decimal", "binary"),
    [
        (1, 1, 1),
        (1.01, 2, 2),
        (2.1, 2.5, 2.5),
        (3, 5, 5),
        (7, 10, 10),
        (0.03, 0.05, 0.05),
        (1024, 2000, 1024),
        (1500, 2000, 2048),
        (300_000, 500_000, 500 * 1024),
        (3 * 2**30, 5e9, 5 * 2**30),
    ],
)
def test_a_step_is_the_next_larger_round_number(rough: float, decimal: float, binary: float) -> None:
    """1, 2, 2.5 or 5 times a power of ten; of bytes, times a power of 1024 as well."""
    assert (round_step(rough), binary_step(rough)) == pytest.approx((decimal, binary), rel=1e-12)


@given(st.floats(1e-9, 1e15))
def test_a_step_is_hardly_ever_much_larger(rough: float) -> None:
    """Never below what was asked for, and at most two and a half times that."""
    for step in (round_step(rough), binary_step(rough)):
        assert rough * (1 - 1e-8) <= step <= 2.5 * rough


@pytest.mark.parametrize(
    ("unit", "values", "step"),
    [
        ("bytes", [0, 1500], binary_step),
        ("bytes_per_second", [0, 1500], binary_step),
        ("count", [2, math.nan, 3], whole_step),
        ("count", [2, 2.5, 3], round_step),
        ("count", [2, math.inf], whole_step),
        ("seconds", [2, 3], round_step),
        ("per_second", [2, 3], round_step),
        ("ratio", [0, 1], round_step),
    ],
)
def test_a_step_is_of_its_unit(unit: Unit, values: list[float], step: Callable[[float], float]) -> None:
    """Bytes in powers of 1024, also of a second; whole things in whole numbers, unless what counts them is a mean."""
    assert step_for(unit, column(*values)) is step


@example([0, 7])  # a third of it has no round number but 2.5 above it
@given(st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=5))
def test_what_is_counted_in_whole_numbers_has_whole_ticks(counts: list[int]) -> None:
    """There are no 2.6 running tasks; and there are never many ticks."""
    made = axis(min(counts), max(counts), rounded=step_for("count", column(*counts)))

    assert made.bottom <= min(counts) <= max(counts) <= made.top
    assert all(float(end).is_integer() for end in (made.bottom, made.top, made.step))
    assert 1 <= round((made.top - made.bottom) / made.step) <= 6


@given(st.lists(moderate, min_size=1, max_size=9), st.sampled_from([round_step, binary_step]))
def test_an_axis_holds_its_values_and_ends_at_its_steps(values: list[float], rounded: Callable[[float], float]) -> None:
    """It has a height, a value lies at most a step from its ends, and both ends are multiples of the step."""
    low, high = min(values), max(values)
    # Values that differ in their last digits only leave no room for round steps between them.
    assume(low == high or high - low > 1e-6 * max(abs(low), abs(high)))
    made = axis(low, high, rounded=rounded)
    grain = 1e-6 * made.step

    assert made.bottom - grain <= low <= high <= made.top + grain
    assert made.bottom < made.top
    assert 1 <= round((made.top - made.bottom) / made.step) <= 5
    assert all(abs(end / made.step - round(end / made.step)) < 1e-3 for end in (made.bottom, made.top))


@pytest.mark.parametrize(
    ("low", "high", "bottom", "top"),
    [
        (3, 9, 0, 10),  # zero is near
        (8, 9, 8, 9),  # zero is far
        (-9, -1, -10, 0),
        (0, 0, 0, 1),  # one value: something around it
        (10, 10, 9, 11),
        (-10, -10, -11, -9),
    ],
)
def test_zero_is_on_the_axis_unless_it_is_far(low: float, high: float, bottom: float, top: float) -> None:
    """A line's height means something where it can be compared with zero."""
    made = axis(low, high)

    assert (made.bottom, made.top) == pytest.approx((bottom, top))


def test_a_bound_that_is_given_is_kept() -> None:
    """Round or not, and whatever the values are; the other end still follows them."""
    assert [
        (a.bottom, a.top) for a in (axis(5, 9, least=0.3), axis(5, 9, most=7.7), axis(5, 9, least=1.1, most=2.2))
    ] == [
        (0.3, 10.0),
        (0.0, 7.7),
        (1.1, 2.2),
    ]
    assert axis(-5, -1, least=0.5).bottom == 0.5
    assert axis(-5, -1, least=0.5).top > 0.5


def test_ticks_lie_where_their_values_are() -> None:
    """In percent from the top, labelled as asked; beyond the axis they are beyond 0 and 100."""
    ticks = axis(0, 10).ticks([0, 2.5, 10, 20], "{} s".format)

    assert [(tick.at, tick.label) for tick in ticks] == [
        (100.0, "0 s"),
        (75.0, "2.5 s"),
        (0.0, "10 s"),
        (-100.0, "20 s"),
    ]


def test_times_become_coordinates_of_the_window() -> None:
    """Start and end are the plot's edges; what lies outside lies outside."""
    assert across(seconds(-10, 0, 50, 100), WINDOW, 800).tolist() == [-80.0, 0.0, 400.0, 800.0]


def test_a_peak_of_one_sample_survives_thinning() -> None:
    """A long line becomes the lowest and highest of each stretch, in order of time."""
    values = np.zeros((20_000, 1))
    values[12_345] = 9.0
    x, thinned = thin(np.linspace(0, 800, 20_000), values, 300)

    assert len(x) == len(thinned) <= 300
    assert thinned.max() == 9.0
    assert bool((np.diff(x) >= 0).all())


@given(st.integers(1, 50), st.integers(1, 10), st.integers(0, 3), st.randoms(use_true_random=False))
def test_thinning_keeps_the_extremes_of_each_column(rows: int, pairs: int, columns: int, chance: random.Random) -> None:
    """Never more rows than asked for; columns do not mix, and what is short enough stays as it is."""
    rng = np.random.default_rng(chance.getrandbits(32))
    values = np.where(rng.random((rows, columns)) < 0.3, np.nan, rng.normal(size=(rows, columns)))
    x, thinned = thin(np.arange(rows, dtype=float), values, 2 * pairs)

    assert thinned.shape == (len(x), columns)
    assert len(x) <= 2 * pairs
    np.testing.assert_array_equal(np.fmin.reduce(thinned, axis=0), np.fmin.reduce(values, axis=0))
    np.testing.assert_array_equal(np.fmax.reduce(thinned, axis=0), np.fmax.reduce(values, axis=0))
    if rows <= 2 * pairs:
        np.testing.assert_array_equal(thinned, values)


def test_a_path_goes_through_its_samples() -> None:
    """To the right and, with larger values, upwards; in whole coordinates; one path a column."""
    values = np.column_stack([[0.0, 5.0, 10.0], [1.0, 1.04, 1.06]])

    assert paths(seconds(0, 50, 100), values, WINDOW, SPAN, PLOT) == ["M0 100L50 50L100 0", "M0 90L50 90L100 89"]


def test_a_path_breaks_where_samples_are_missing() -> None:
    """NaN is a gap, never zero or a bridge; a sample without neighbours is a dot, and none is no path."""
    values = np.column_stack([[1, 1, math.nan, 2, math.nan, 3.0], [math.nan] * 6])

    assert paths(seconds(0, 10, 20, 30, 40, 50), values, WINDOW, SPAN, PLOT) == ["M0 90L10 90M30 80h0M50 70h0", ""]


def test_only_the_window_is_drawn_and_a_plot_may_have_slack() -> None:
    """A sample beyond the edge is left out, unless it lies no farther than the slack."""
    times, values = seconds(-2, -0.4, 50, 100.4, 102), column(1, 2, 3, 4, 5)
    loose = Plot(width=100, height=100, points=200, slack=0.5)

    assert paths(times, values, WINDOW, SPAN, PLOT) == ["M50 70h0"]
    assert paths(times, values, WINDOW, SPAN, loose) == ["M0 80L50 70L100 60"]


def test_a_line_that_leaves_the_axis_stays_near() -> None:
    """It is cut by the plot's edge, and one height beyond is far enough."""
    assert paths(seconds(0, 50, 100), column(-1e12, 12, 1e12), WINDOW, SPAN, PLOT) == ["M0 200L50 -20L100 -100"]


def test_a_long_line_has_at_most_its_points() -> None:
    """A plot says how many are worth drawing."""
    times = seconds(*np.linspace(0, 100, 5_000))
    (path,) = paths(times, np.full((5_000, 1), 5.0), WINDOW, SPAN, Plot(width=100, height=100, points=60))

    assert len(re.findall("[ML]", path)) <= 60


def test_no_column_is_no_path() -> None:
    """A target whose lines are all left out draws nothing, however long it is."""
    assert paths(seconds(*range(500)), np.empty((500, 0)), WINDOW, SPAN, PLOT) == []


@example(-1.7e308, 1.7e308, False)
@example(0.0, 5e-324, False)
@given(
    st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False, allow_infinity=False), st.booleans()
)
def test_any_two_values_have_an_axis(one: float, other: float, kept: bool) -> None:
    """Subnormal, huge, equal or equal but for the last bit: there is a step, and both lie on the axis."""
    low, high = sorted((one, other))
    found = axis(low, high, least=low if kept else math.nan)

    assert 0 < found.step < math.inf
    assert -math.inf < found.bottom < found.top < math.inf
    low, high = (min(max(value, -1e307), 1e307) for value in (low, high))  # beyond lies no axis
    hair = max(found.step, abs(low), abs(high)) * 1e-8
    assert found.bottom <= low + hair
    assert found.top >= high - hair


def test_a_peak_of_the_last_sample_stays_within_the_line() -> None:
    """A short last stretch must not carry its highest value beyond the window."""
    values = np.zeros((1001, 1))
    values[-1] = 1.0
    x, thinned = thin(np.arange(1001.0), values, 500)

    assert x.max() == 1000.0
    assert thinned[x <= 1000.0].max() == 1.0
