"""From what is typed to a question: windows, and the points that are asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from obskit.analysis.answers import grid_of, window_of
from obskit.errors import UsageError
from obskit.model import Window, nanoseconds

NOW = datetime(2026, 1, 31, 12, 0, 7, tzinfo=UTC)
WINDOW = Window(start=NOW.replace(hour=11, minute=10), end=NOW.replace(hour=11, minute=40))


@given(milliseconds=st.integers(1, 40 * 60_000), start=st.integers(0, 10**7).map(lambda ms: timedelta(milliseconds=ms)))
def test_points_are_multiples_of_the_step_inside_the_window(milliseconds: int, start: timedelta) -> None:
    """All of them, and none outside; refused where there is none, or too many."""
    window = Window(start=NOW + start, end=NOW + start + timedelta(minutes=30))
    first, last = (nanoseconds(edge) for edge in (window.start, window.end))
    step = milliseconds * 1_000_000
    try:
        grid = grid_of(window, timedelta(milliseconds=milliseconds))
    except UsageError:
        assert milliseconds < 1000 or last // step * step < first
        return
    at = grid.times.astype(np.int64)

    assert (at % step == 0).all()
    assert set(np.diff(at)) <= {step}
    assert first <= at[0] < first + step
    assert last - step < at[-1] <= last


@pytest.mark.parametrize("step", ["1h", "1d", "7d"])
def test_a_step_of_which_no_multiple_lies_inside_is_refused(step: str) -> None:
    """A point before the window would answer for another time."""
    with pytest.raises(UsageError, match="no multiple"):
        grid_of(WINDOW, step)


def test_a_step_is_sent_as_it_is_counted() -> None:
    """Prometheus counts in milliseconds: so does the grid, and so does what is sent."""
    grid = grid_of(WINDOW, timedelta(seconds=12.345679))

    assert (grid.step, grid.step_text) == (12.346, "12.346")
    assert grid_of(WINDOW, "15s").step_text == "15"
    assert grid_of(WINDOW, "10m").step_text == "600"


@pytest.mark.parametrize("step", [timedelta(0), timedelta(seconds=-1), timedelta(microseconds=100), "0s"])
def test_a_step_that_is_none_is_refused(step: str | timedelta) -> None:
    """Nothing, backwards, or finer than anybody counts."""
    with pytest.raises(UsageError, match="a step of"):
        grid_of(WINDOW, step)


def test_no_time_at_all_is_not_the_usual_time() -> None:
    """A length of zero is refused as a text is, never taken for "not said"."""
    for nothing in (timedelta(0), "0m"):
        with pytest.raises(UsageError, match="has no length"):
            window_of(nothing, None, None, now=NOW)
        with pytest.raises(UsageError, match="both say where to begin"):
            window_of(nothing, "11:00", None, now=NOW)
    assert window_of("", None, None, now=NOW).duration == timedelta(minutes=30)


@pytest.mark.parametrize(
    ("since", "start", "words"),
    [
        (30, None, "is no duration"),
        ("", 1_700_000_000, "is no time"),
        ("", datetime(1, 1, 1, tzinfo=UTC), "before 2000"),
    ],
)
def test_what_is_no_time_is_refused(since: object, start: object, words: str) -> None:
    """Bare numbers, and years that no server holds."""
    with pytest.raises(UsageError, match=words):
        window_of(since, start, None, now=NOW)  # type: ignore[arg-type]
