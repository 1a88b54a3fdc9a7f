"""Selectors, filters and grids are what Loki understands, whatever the names and lines hold."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from obskit.catalogue._logql import ERRORS, TIMEOUTS
from obskit.model import Window, nanoseconds, utc
from obskit.sources.loki import logql_string
from obskit.sources.loki_query import DULL, INTERESTING, Scope, grid_for
from tests.standins.loki_logql import Parser
from tests.standins.loki_server import SECOND


@given(st.text())
def test_a_quoted_text_is_read_back_as_it_was(text: str) -> None:
    """Whatever a label holds, its quoted form is one LogQL string that means the same."""
    query = Parser("{a=" + logql_string(text) + ', b="x"}').query()

    assert query.matchers[0][2] == text


def test_a_text_that_no_encoding_can_hold_is_replaced() -> None:
    """A lone surrogate becomes U+FFFD; control characters are escaped."""
    assert logql_string("\ud800") == '"\ufffd"'
    assert logql_string('a"\\\n\x00') == r'"a\"\\\u000a\u0000"'


@given(st.lists(st.text(min_size=1), min_size=2, max_size=5, unique=True), st.text())
def test_a_selector_of_several_services_matches_them_only(names: list[str], other: str) -> None:
    """Names are literal in an alternation, whatever regular expressions they look like."""
    query = Parser(Scope(service_label="service").selector(names)).query()

    assert all(query.selects({"service": name}) for name in names)
    assert query.selects({"service": other}) == (other in names)


@pytest.mark.parametrize(
    ("filters", "line", "kept"),
    [
        (ERRORS, "ERROR something", True),
        (ERRORS, "java.lang.NullPointerException: x", True),
        (ERRORS, "Traceback (most recent call last):", True),
        (ERRORS, "batch done, 0 errors", False),
        (ERRORS, "batch done, 10 errors", True),
        (ERRORS, "no errors found", False),
        (ERRORS, '{"msg": "ok", "error": null}', False),
        (ERRORS, '{"msg": "no", "error": "refused"}', True),
        (ERRORS, "total_errors=0 total=5", False),
        (ERRORS, "errors=05", True),
        (ERRORS, "GET /products 200", False),
        (TIMEOUTS, "database timeout after 3 s", True),
        (TIMEOUTS, "request Timed Out", True),
        (TIMEOUTS, "timeline loaded", False),
        (INTERESTING, "FATAL: too many clients already", True),
        (INTERESTING, "No space left on device", True),
        (INTERESTING, "GET /products 200", False),
        (DULL, "GET /products 200", True),
        (DULL, "connection reset by peer", False),
    ],
)
def test_a_filter_keeps_what_it_names(filters: str, line: str, kept: bool) -> None:
    """The filters find words of failure, and pass over lines that say there was none."""
    query = Parser('{a="b"} ' + filters).query()

    assert all(bool(keeps([line])[0]) for keeps in query.filters) == kept


@settings(max_examples=50)
@given(st.integers(1_500_000_000 * SECOND, 1_900_000_000 * SECOND), st.integers(1, 40 * 86_400))
def test_the_grid_covers_the_window_and_stays_small(at: int, seconds: int) -> None:
    """Any window fits in at most some 240 buckets of at least ten seconds, at multiples of their length."""
    start = utc(at)
    window = Window(start=start, end=start + timedelta(seconds=seconds))
    grid = grid_for(window)

    assert grid.step >= 10
    assert len(grid.edges) <= 243
    assert grid.edges[0] < nanoseconds(window.start) < nanoseconds(window.end) <= grid.edges[-1] + 1
    assert not (grid.edges % (grid.step * SECOND)).any()
    assert grid.inside.sum() >= len(grid.edges) - 3
