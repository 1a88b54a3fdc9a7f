"""What an analyst hands over: read in one way everywhere, and refused in words where it cannot be meant."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from obskit.analysis.arguments import duration_of, moment_of, number_of, several, unit_of
from obskit.errors import UsageError

NOW = datetime(2026, 1, 31, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("time", "words"),
    [
        (datetime(2026, 1, 31, 3), "does not say in which zone"),
        (datetime(1, 1, 1, tzinfo=UTC), "before 2000"),
        (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5))), "before 2000"),
        (datetime.max.replace(tzinfo=timezone(timedelta(hours=-5))), "after 2198"),
        ("0001-01-01T00:00+05:00", "no time that obskit can read"),
        (1_700_000_000, "is no time"),
        (None, "is no time"),
        (pd.NaT, "is no time"),
        (np.datetime64("2026-01-31"), "is no time"),
        ("garbage", "no time that obskit can read"),
    ],
)
def test_what_is_no_time_is_refused_in_words(time: object, words: str) -> None:
    """The same bounds for texts and datetimes; a zone is never guessed."""
    with pytest.raises(UsageError, match=words):
        moment_of(time, now=NOW)


@given(st.datetimes(timezones=st.sampled_from([UTC, *(timezone(timedelta(hours=h)) for h in (-12, 5, 14))])))
def test_a_datetime_is_read_or_refused(time: datetime) -> None:
    """Never an overflow; what is read is the same moment in UTC."""
    try:
        found = moment_of(time, now=NOW)
    except UsageError:
        return
    assert found == time
    assert found.utcoffset() == timedelta(0)


def test_a_timestamp_keeps_its_nanoseconds() -> None:
    """Times of a frame's index are given as they are."""
    stamp = pd.Timestamp("2026-01-31T04:00:00.000000007+01:00")

    assert pd.Timestamp(moment_of(stamp, now=NOW)).nanosecond == 7


@pytest.mark.parametrize("length", [30, None, pd.NaT, "soon", 1.5])
def test_what_is_no_duration_is_refused_in_words(length: object) -> None:
    """A bare number does not say of what."""
    with pytest.raises(UsageError, match="is no duration"):
        duration_of(length)


def test_a_duration_is_a_text_or_a_timedelta() -> None:
    """Also one of pandas."""
    assert [duration_of(one) for one in ("1h30m", timedelta(minutes=90), pd.Timedelta("90min"))] == [
        timedelta(minutes=90)
    ] * 3


@pytest.mark.parametrize("value", [float("nan"), float("inf"), None, "5", True])
def test_what_is_no_number_is_refused_in_words(value: object) -> None:
    """By the name of what was asked for."""
    with pytest.raises(UsageError, match="a limit of"):
        number_of(value, "limit")


def test_numbers_of_numpy_are_numbers() -> None:
    """They come out of frames."""
    assert [number_of(one, "limit") for one in (np.int64(3), np.float32(0.5), 2)] == [3.0, 0.5, 2.0]


def test_a_unit_that_is_none_is_told_with_all_that_are() -> None:
    """A percentage is a ratio here."""
    assert unit_of("ratio") == "ratio"
    with pytest.raises(UsageError, match="no unit 'percent'") as wrong:
        unit_of("percent")
    assert "ratio" in wrong.value.hint


def test_one_is_several() -> None:
    """A text is not read by letters; a generator is read once."""
    assert several("http_requests") == ("http_requests",)
    assert several(Path("ev.json")) == (Path("ev.json"),)
    assert several(NOW) == (NOW,)
    assert several(str(n) for n in range(2)) == ("0", "1")
    assert several(()) == ()
