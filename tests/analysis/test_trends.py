"""Forecasts: the line, its doubt, what is said plainly, and what looking back says of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats  # type: ignore[import-untyped,unused-ignore]

from obskit.analysis.trends import POINTS, backtest, forecast
from obskit.errors import UsageError
from obskit.model import FloatMatrix

START = pd.Timestamp("2026-01-31T00:00Z")


def minutes(**columns: object) -> pd.DataFrame:
    """Return series of a sample a minute."""
    frame = pd.DataFrame(columns, dtype=np.float64)
    return frame.set_index(pd.date_range(START, periods=len(frame), freq="min", name="time"))


def said(frame: pd.DataFrame, name: str, limit: float = 1.0, **asked: Any) -> Any:
    """Return what is said of one series, by name."""
    return forecast(frame, limit, **asked).loc[name]


def noise(count: int, size: float = 0.01) -> FloatMatrix:
    """Return the same noise each time."""
    return np.random.default_rng(1).normal(0, size, count)


def test_a_straight_line_is_carried_on_to_its_limit() -> None:
    """Half full after fifty minutes, at a hundredth a minute: full in fifty more, whichever way one asks."""
    row = said(minutes(disk=np.arange(51) / 100), "disk", 1.0)

    assert row["says"] == "rising"
    assert row[["left", "soonest", "latest"]].tolist() == [pd.Timedelta("50min")] * 3
    assert row["at"] == START + pd.Timedelta("100min")
    assert row["slope"] == pytest.approx(0.6)
    assert row["reach"] == pytest.approx(1.0, abs=0.05)


def test_the_slope_is_theil_and_sens() -> None:
    """Of as many samples as points it is scipy's, to the last digit that counts."""
    values = np.arange(POINTS) * 0.01 + noise(POINTS, 0.1)
    row = said(minutes(disk=values), "disk", 9.0)

    assert row["slope"] == pytest.approx(stats.theilslopes(values, np.arange(POINTS) / 60).slope)


def test_wild_samples_move_no_line() -> None:
    """One sample in ten that is far off (a scrape that went wrong) changes little."""
    clean = 0.2 + np.arange(60) / 200
    wild = np.where(np.arange(60) % 10 == 5, 40.0, clean)
    rows = forecast(minutes(clean=clean, wild=np.where(np.arange(60) % 60 == 20, 40.0, clean)), 1.0)

    assert rows.loc["wild", "slope"] == pytest.approx(rows.loc["clean", "slope"], rel=0.05)
    assert said(minutes(wild=wild), "wild", 100.0)["level"] < 1.0


def test_the_range_holds_the_line_and_grows_with_unevenness() -> None:
    """What climbs in fits and starts is known less well than what climbs evenly."""
    even = np.arange(60) / 100
    uneven = np.floor(np.arange(60) / 15) * 0.15
    rows = forecast(minutes(even=even, uneven=uneven), 2.0)
    width = rows["latest"] - rows["soonest"]

    assert (rows["soonest"] <= rows["left"]).all()
    assert width["uneven"] > width["even"]


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (0.5 + noise(60), "not rising"),
        (0.5 - np.arange(60) / 200, "not rising"),
        (np.full(60, 0.5), "not rising"),
        (np.where(np.arange(60) < 30, 0.2, 0.2 + (np.arange(60) - 30) / 100), "rising lately"),
        (np.where(np.arange(60) < 52, 0.2, 0.2 + (np.arange(60) - 52) / 100), "not rising"),
        (np.where(np.arange(60) < 42, 0.2 + noise(60, 0.001), 0.2 + (np.arange(60) - 42) / 100), "rising lately"),
        (np.full(60, 1.0), "at the limit"),
        (np.where(np.arange(60) < 40, np.arange(60) / 100, np.nan), "ended"),
        (np.where(np.arange(60) > 55, 0.5, np.nan), "too few samples"),
        (np.full(60, np.nan), "too few samples"),
    ],
)
def test_what_it_says_in_words(values: FloatMatrix, says: str) -> None:
    """What does not rise is told so, and has no time."""
    row = said(minutes(one=values, clock=np.arange(60)), "one", floor=0.02)

    assert row["says"] == says
    assert pd.isna(row["left"]) == (not says.startswith(("rising", "at")))


def test_a_climb_that_does_not_matter_is_none() -> None:
    """The floor is of the whole climb that was seen."""
    frame = minutes(one=0.5 + np.arange(60) * 1e-5)

    assert forecast(frame, 1.0).loc["one", "says"] == "rising"
    assert forecast(frame, 1.0, floor=0.01).loc["one", "says"] == "not rising"


def test_only_the_past_that_is_asked_for_counts() -> None:
    """`until` hides what came later, `last` what came earlier."""
    frame = minutes(one=np.concatenate([np.full(60, 0.2), 0.2 + np.arange(60) / 100, np.full(60, 0.8)]))
    row = said(frame, "one", last="50m", until=START + pd.Timedelta("119min"))

    assert row["slope"] == pytest.approx(0.6)
    assert forecast(frame, 1.0, last="50m").loc["one", "says"] == "not rising"


def test_a_series_says_the_same_whoever_stands_beside_it() -> None:
    """Series are computed together and know nothing of each other."""
    one, other = 0.2 + np.arange(100) / 500 + noise(100), np.where(np.arange(100) % 3 == 0, np.nan, 0.3)
    together = forecast(minutes(one=one, other=other), 1.0)

    pd.testing.assert_frame_equal(together.loc[["one"]], forecast(minutes(one=one), 1.0))


@given(
    slope=st.floats(1e-4, 1.0),
    start=st.floats(0.0, 10.0),
    count=st.integers(8, 200),
    ahead=st.floats(1.0, 1000.0),
)
def test_any_rising_line_reaches_any_limit_above_it(slope: float, start: float, count: int, ahead: float) -> None:
    """The time is the distance over the slope."""
    values = start + slope * np.arange(count)
    row = said(minutes(one=values), "one", values[-1] + slope * ahead)

    assert row["left"].total_seconds() == pytest.approx(ahead * 60, rel=1e-3, abs=1.0)


def test_looking_back_tells_what_was_left_and_how_far_off_one_was() -> None:
    """A line that goes on as it did was forecast right; each moment knows only its past."""
    frame = minutes(one=np.arange(101) / 100)
    found = backtest(frame, 1.0, [START + pd.Timedelta(m, "min") for m in (40, 70, 100)])

    assert found.index.get_level_values("moment").tolist() == [START + pd.Timedelta(m, "min") for m in (40, 70)]
    assert found["truth"].tolist() == [pd.Timedelta("60min"), pd.Timedelta("30min")]
    assert found["error"].abs().max() <= pd.Timedelta("1s")
    assert found["held"].tolist() == [True, True]


def test_looking_back_says_that_it_was_wrong() -> None:
    """What became faster was told too late; what never came has no truth and is neither held nor missed."""
    faster = np.concatenate([np.arange(60) / 200, 0.3 + np.arange(60) / 20])
    found = backtest(minutes(faster=faster, never=faster / 10), 1.0, [START + pd.Timedelta("59min")])

    assert found.xs("faster", level="series")["error"].tolist()[0] > pd.Timedelta("1h")
    assert found.xs("faster", level="series")["held"].tolist() == [False]
    assert found.xs("never", level="series")["held"].isna().all()


def test_a_moment_between_two_samples_misses_none_of_them() -> None:
    """The next sample is the first that is seen, and both times count from the last one that was known."""
    values = np.where(np.arange(60) == 41, 2.0, np.arange(60) / 100)
    for ahead in ("30s", "60s"):
        found = backtest(minutes(one=values), 0.41, [START + pd.Timedelta("41min") - pd.Timedelta(ahead)])

        assert found["truth"].tolist() == found["left"].tolist() == [pd.Timedelta("1min")]
        assert found["held"].tolist() == [True]


def test_times_are_read_as_everywhere() -> None:
    """Texts are UTC, counted from the frame's end; a single one is one; what is none is refused in words."""
    frame = minutes(one=np.arange(61) / 100)
    half_past = START + pd.Timedelta("30min")

    for text in ("2026-01-31T00:30", "00:30", "-30m"):
        assert said(frame, "one", until=text)["at"] == said(frame, "one", until=half_past)["at"]
        assert backtest(frame, 1.0, text).index.get_level_values("moment").tolist() == [half_past]
    assert len(backtest(frame, 1.0, half_past)) == 1
    for bad in ("garbage", half_past.tz_localize(None), pd.NaT, 30):
        with pytest.raises(UsageError, match=r"time|zone"):
            forecast(frame, 1.0, until=bad)  # type: ignore[arg-type]
        with pytest.raises(UsageError, match=r"time|zone"):
            backtest(frame, 1.0, [bad])  # type: ignore[list-item]


@pytest.mark.parametrize("asked", [{"limit": np.nan}, {"limit": None}, {"limit": 1.0, "floor": np.nan}])
def test_a_limit_that_is_no_number_is_refused(asked: dict[str, Any]) -> None:
    """Nothing rises towards NaN."""
    with pytest.raises(UsageError, match="makes no sense"):
        forecast(minutes(one=np.arange(20)), **asked)


def test_what_cannot_be_forecast_is_refused_in_words() -> None:
    """The index is UTC and ascending, and something lies in the past."""
    frame = minutes(one=np.arange(20))

    with pytest.raises(UsageError, match="ascending UTC index"):
        forecast(frame[::-1], 1.0)
    with pytest.raises(UsageError, match="ascending UTC index"):
        forecast(frame.tz_localize(None), 1.0)
    with pytest.raises(UsageError, match="no past"):
        forecast(frame, 1.0, until=START - pd.Timedelta("1h"))
    with pytest.raises(UsageError, match="no past"):
        forecast(frame[[]], 1.0)
    with pytest.raises(UsageError, match="no numbers"):
        forecast(frame.astype(str) + "x", 1.0)
    with pytest.raises(UsageError, match="is no duration"):
        forecast(frame, 1.0, last=30)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="no moment"):
        backtest(frame, 1.0, [])
