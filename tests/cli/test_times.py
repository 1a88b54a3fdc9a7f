"""Times as people type them."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from obskit.cli.times import duration, moment, window
from obskit.errors import UsageError

NOW = datetime(2026, 1, 31, 3, 12, 30, tzinfo=UTC)

#: Anything, and what is nearly a time: the second finds what the first hardly reaches.
TEXTS = st.one_of(
    st.text(max_size=40),
    st.text("0123456789-:.TZz+smhdw \x00\ud800٣", max_size=24),
    st.builds("{}{}".format, st.integers(0, 10**30), st.sampled_from("smhdw")),
    st.builds("-{}{}".format, st.integers(0, 10**12), st.sampled_from("smhdw")),
    st.datetimes().map(lambda at: at.isoformat() + "+14:00"),
    st.datetimes().map(lambda at: at.isoformat() + "-14:00"),
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("30m", 1800), ("2h", 7200), ("1d", 86_400), ("1w", 604_800), ("1h30m", 5400), ("0.5h", 1800)],
)
def test_a_duration_is_a_sum_of_numbers_with_units(text: str, seconds: float) -> None:
    """Every unit counts, and several add up."""
    assert duration(f" {text} ") == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "30", "m", "30 m", "-30m", "1y", "1h30", "half", "1e3s", "30m\x00", "٣m"])
def test_what_is_no_duration_is_refused_with_examples(text: str) -> None:
    """The error shows how to write one."""
    with pytest.raises(UsageError, match="is no duration") as refused:
        duration(text)
    assert "1h30m" in refused.value.hint


@pytest.mark.parametrize("text", ["9" * 400 + "s", "9" * 30 + "w"])
def test_a_duration_beyond_any_clock_is_refused(text: str) -> None:
    """Too many digits are the user's mistake, and the error stays short."""
    with pytest.raises(UsageError, match="longer than any clock") as refused:
        duration(text)
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("now", "2026-01-31T03:12:30+00:00"),
        ("-30m", "2026-01-31T02:42:30+00:00"),
        ("-1h30m", "2026-01-31T01:42:30+00:00"),
        ("2026-01-31T03:00Z", "2026-01-31T03:00:00+00:00"),
        ("2026-01-31T03:00z", "2026-01-31T03:00:00+00:00"),
        ("2026-01-31T03:00:05.25Z", "2026-01-31T03:00:05.250000+00:00"),
        ("2026-01-31T03:00:05.123456789Z", "2026-01-31T03:00:05.123456+00:00"),
        ("2026-01-31 03:00", "2026-01-31T03:00:00+00:00"),
        ("2026-01-31T04:00+01:00", "2026-01-31T03:00:00+00:00"),
        ("2026-01-30", "2026-01-30T00:00:00+00:00"),
        ("03:00", "2026-01-31T03:00:00+00:00"),
        ("3:00:07", "2026-01-31T03:00:07+00:00"),
        ("04:00", "2026-01-30T04:00:00+00:00"),
        ("1769828400", "2026-01-31T03:00:00+00:00"),
        ("1769828400.5", "2026-01-31T03:00:00.500000+00:00"),
        ("1769828400000", "2026-01-31T03:00:00+00:00"),
    ],
)
def test_every_way_to_write_a_moment(text: str, iso: str) -> None:
    """ISO is UTC unless it says otherwise; a clock time is the last one that has been."""
    assert moment(f" {text} ", now=NOW) == datetime.fromisoformat(iso)


def test_a_clock_time_is_utc_wherever_now_comes_from() -> None:
    """03:00 is 03:00 UTC, even where the caller's now is in another zone."""
    elsewhere = NOW.astimezone(datetime.fromisoformat("2026-01-31T00:00+09:00").tzinfo)

    assert moment("03:00", now=elsewhere) == datetime(2026, 1, 31, 3, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "yesterday", "25:00", "12:60", "2026-13-01", "2026-01-31T", "12345", "٠٣:٠٠"])
def test_what_is_no_moment_is_refused_with_examples(text: str) -> None:
    """The error shows how to write one."""
    with pytest.raises(UsageError, match="is no time that obskit can read") as refused:
        moment(text, now=NOW)
    assert "epoch seconds" in refused.value.hint


@pytest.mark.parametrize(
    "text", ["0001-01-01T00:00:00Z", "1999-12-31", "2199-06-01", "9999-12-31T23:59Z", "-10000w", "100000000"]
)
def test_a_moment_that_no_source_can_have_seen_is_refused(text: str) -> None:
    """A year that is a slip of the finger is named as such, before arithmetic fails on it."""
    with pytest.raises(UsageError, match="before 2000 or after 2198"):
        moment(text, now=NOW)


@pytest.mark.parametrize("text", ["0001-01-01T00:00+14:00", "9999-12-31T23:59-14:00", "-999999999d"])
def test_a_moment_outside_the_calendar_is_refused(text: str) -> None:
    """What overflows in UTC only is refused, too."""
    with pytest.raises(UsageError):
        moment(text, now=NOW)


@given(TEXTS)
@example("-999999999d")
@example("0001-01-01T00:00+14:00")
@example("9" * 400 + "s")
def test_any_text_is_a_time_or_a_usage_error(text: str) -> None:
    """Nothing that can be typed raises anything else; what is read is aware and in UTC."""
    with contextlib.suppress(UsageError):
        assert duration(text) >= timedelta(0)
    with contextlib.suppress(UsageError):
        assert moment(text, now=NOW).tzinfo is UTC


@given(TEXTS, TEXTS, TEXTS, TEXTS)
@example("999999999d", "", "", "")
@example("", "", "", "9999-12-31T23:59Z")
@example("7d", "", "2000-01-01", "")
def test_any_flags_make_a_sound_window_or_a_usage_error(since: str, begin: str, end: str, at: str) -> None:
    """A window that is returned has been: a minute to seven days long, and none of it in the future."""
    for flags in ((since, begin, end, at), (since, "", "", ""), ("", begin, end, ""), (since, "", end, "")):
        with contextlib.suppress(UsageError):
            found = window(since=flags[0], begin=flags[1], end=flags[2], at=flags[3], now=NOW)
            assert found.start < found.end <= NOW
            assert timedelta(minutes=1) <= found.duration <= timedelta(days=7)
            assert found.with_baseline().start < found.start


def _window(*, since: str = "", begin: str = "", end: str = "", at: str = "") -> tuple[str, str]:
    found = window(since=since, begin=begin, end=end, at=at, now=NOW)
    return found.start.strftime("%d %H:%M:%S"), found.end.strftime("%d %H:%M:%S")


def test_every_way_to_write_a_window() -> None:
    """Half an hour by default; --since counts back from --to; --at is thirty minutes before to ten after."""
    assert _window() == ("31 02:42:30", "31 03:12:30")
    assert _window(since="1h") == ("31 02:12:30", "31 03:12:30")
    assert _window(since="1h", end="03:00") == ("31 02:00:00", "31 03:00:00")
    assert _window(begin="02:00") == ("31 02:00:00", "31 03:12:30")
    assert _window(begin="02:00", end="02:40") == ("31 02:00:00", "31 02:40:00")
    assert _window(begin="-1h", end="-10m") == ("31 02:12:30", "31 03:02:30")
    assert _window(at="02:30") == ("31 02:00:00", "31 02:40:00")
    assert _window(at="03:10") == ("31 02:40:00", "31 03:12:30")


def test_a_window_that_ends_in_the_future_ends_now() -> None:
    """The part that has been is looked at."""
    assert _window(begin="03:00", end="2026-01-31T05:00Z") == ("31 03:00:00", "31 03:12:30")


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"at": "03:00", "since": "1h"}, "--at stands alone"),
        ({"at": "03:00", "end": "03:10"}, "--at stands alone"),
        ({"since": "1h", "begin": "02:00"}, "both say where to begin"),
        ({"begin": "03:00", "end": "02:00"}, "ends before it begins"),
        ({"begin": "2026-01-31T04:00Z"}, "lies in the future"),
        ({"at": "2026-01-31T05:00Z"}, "lies in the future"),
        ({"begin": "now"}, "no window: it ends when it begins"),
        ({"begin": "03:00", "end": "03:00"}, "no window: it ends when it begins"),
        ({"since": "30s"}, "shorter than a minute"),
        ({"since": "0s", "end": "03:00"}, "0s is no window"),
        ({"since": "0m"}, "0m is no window"),
        ({"since": "8d"}, "longer than seven days"),
        ({"since": "999999w"}, "longer than seven days"),
        ({"begin": "2020-01-01"}, "longer than seven days"),
    ],
)
def test_a_window_that_makes_no_sense_is_refused_with_the_reason(flags: dict[str, str], words: str) -> None:
    """Contradicting, inverted, future, too short, too long: each has its own words and a way out."""
    with pytest.raises(UsageError, match=words) as refused:
        _window(**flags)
    assert refused.value.hint


@pytest.mark.parametrize(
    ("flags", "begin", "end"),
    [
        ({"since": "400d"}, "2024-12-27T03:12:30Z", "2026-01-31T03:12:30Z"),
        ({"at": "2030-01-01T00:00Z"}, "2029-12-31T23:30:00Z", "2030-01-01T00:10:00Z"),
        ({"begin": "2027-01-01T00:00Z", "end": "2027-01-02T00:00Z"}, "2027-01-01T00:00:00Z", "2027-01-02T00:00:00Z"),
    ],
)
def test_a_refused_window_is_told_as_it_was_asked_for(flags: dict[str, str], begin: str, end: str) -> None:
    """Whoever looks for the slip of the finger finds the dates that were meant, not the nearest that are allowed."""
    with pytest.raises(UsageError) as refused:
        _window(**flags)
    assert (refused.value.where["from"], refused.value.where["to"]) == (begin, end)
