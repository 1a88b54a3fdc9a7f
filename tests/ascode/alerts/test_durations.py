"""Durations are read as Prometheus reads them, in one place."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obskit.ascode.alerts.rule import SECONDS_OF, is_duration, seconds
from obskit.errors import UsageError

PARTS = st.lists(
    st.tuples(st.integers(0, 10**6), st.sampled_from(list(SECONDS_OF))), min_size=1, unique_by=lambda p: p[1]
)


@given(PARTS)
def test_a_duration_is_the_sum_of_its_parts(parts: list[tuple[int, str]]) -> None:
    """In whatever order they stand; Prometheus reads it only when the larger unit comes first."""
    order = [list(SECONDS_OF).index(unit) for _, unit in parts]
    text = "".join(f"{number}{unit}" for number, unit in parts)

    assert seconds(text) == sum(number * SECONDS_OF[unit] for number, unit in parts)
    assert is_duration(text) is (order == sorted(order))


@pytest.mark.parametrize(
    ("text", "value"), [("1m", "60"), ("1ms", "0.001"), ("1h30m", "5400"), ("1d1ms", "86400.001"), ("1y", "31536000")]
)
def test_units_are_worth_what_they_are_in_prometheus(text: str, value: str) -> None:
    """Minutes and milliseconds are told apart, and nothing is rounded."""
    assert seconds(text) == Decimal(value)


@pytest.mark.parametrize("text", ["", "5", "m", "5 m", "1.5m", "-5m", "5M", "5m ", "5min", "٥m", "5m\n", None, 5])
def test_what_prometheus_does_not_read_is_refused(text: object) -> None:
    """It would refuse the whole file of rules."""
    with pytest.raises(UsageError, match="is no duration"):
        seconds(text)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["1m1h", "1m1m", "1ms1s", ""])
def test_units_stand_from_the_largest_to_the_smallest_each_once(text: str) -> None:
    """Prometheus reads them in no other order."""
    assert not is_duration(text)


@given(st.text() | st.from_regex(r"([0-9]{1,3}(ms|[smhdwy])){1,4}"))
def test_any_text_is_a_duration_or_refused(text: str) -> None:
    """And what Prometheus reads has a length."""
    try:
        found = seconds(text)
    except UsageError:
        assert not is_duration(text)
        return
    assert found >= 0
