"""Lines, numbers and how they look."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from obskit.ascode.preview.chart import HEIGHT, MOST_LINES, WIDTH, chart, numbers, reduced, time_ticks
from obskit.ascode.preview.data import Value
from obskit.ascode.preview.look import css_colour, legend, look_of, words
from tests.ascode.preview.examples import THRESHOLDS, WINDOW, frame


def look(unit: str = "s", **defaults: object) -> dict[str, object]:
    """Return a panel with this unit and further defaults."""
    return {"fieldConfig": {"defaults": {"unit": unit, **defaults}}}


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (0.0042, "s", "4.2 ms"),
        (0.00042, "s", "420 µs"),
        (90, "s", "1.5 min"),
        (7200, "s", "2 hours"),
        (250, "ms", "0.25 s"),
        (0.123, "percentunit", "12.3 %"),
        (12.3, "percent", "12.3 %"),
        (2**30, "bytes", "1 GiB"),
        (2**20, "binBps", "1 MiB/s"),
        (1234.5, "short", "1.23 K"),
        (5e6, "none", "5 Mil"),
        (12, "reqps", "12 req/s"),
        (12, "count:/s", "12 /s"),
        (12, "suffix: pods", "12 pods"),
        (12, "prefix:#", "#12"),
        (12, "nonsense", "12 nonsense"),
        (1769828400000, "dateTimeAsIso", "2026-01-31 03:00:00"),
        (math.nan, "s", "no data"),
    ],
)
def test_a_value_is_said_in_its_unit(value: float, unit: str, said: str) -> None:
    """Grafana's ids become words; what is not known stands behind the number, as in Grafana."""
    assert words(value, unit) == said


def test_thresholds_colour_and_cross_the_chart_only_where_grafana_draws_them() -> None:
    """Lines where the style says so; one beyond the axis is in the legend alone."""
    styled = look(thresholds=THRESHOLDS, custom={"thresholdsStyle": {"mode": "line"}})
    drawn = chart((frame("a"),), look_of(styled), WINDOW)
    plain = chart((frame("a"),), look_of(look(thresholds=THRESHOLDS)), WINDOW)

    assert drawn is not None
    assert [(limit.at, limit.label, limit.colour) for limit in drawn.limits] == [
        (50.0, "0.5 s", "var(--orange)"),
        (None, "2 s", "#ff0000"),
    ]
    assert plain is not None
    assert plain.limits == ()
    assert [look_of(styled).colour(v) for v in (0.1, 0.5, 3)] == ["var(--green)", "var(--orange)", "#ff0000"]


@pytest.mark.parametrize("name", ["red;background:url(//x)", "#12345", "expression(1)", "", None, 5, "javascript:x"])
def test_a_colour_is_ours_or_six_digits(name: object) -> None:
    """No text of a dashboard enters a style."""
    assert css_colour(name) == ""
    assert css_colour("semi-dark-red") == "var(--red)"


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(
                    ["defaults", "thresholds", "steps", "value", "color", "mappings", "options", "type", "custom"]
                ),
                inner,
            )
        ),
    )
)
def test_a_malformed_configuration_is_no_configuration(found: object) -> None:
    """Whatever stands there, the panel is drawn."""
    read = look_of({"fieldConfig": found, "options": found})
    drawn = chart((frame("a", points=20),), replace(read, low=math.nan, high=math.nan), WINDOW)

    assert drawn is not None


def test_a_mapping_speaks_for_a_number() -> None:
    """A value's or a range's own text and colour go before unit and threshold."""
    mappings = [
        {"type": "value", "options": {"1": {"text": "up", "color": "green"}, "x": {"text": "no"}}},
        {"type": "range", "options": {"from": 5, "to": None, "result": {"text": "many"}}},
    ]
    read = look_of(look(mappings=mappings, thresholds=THRESHOLDS))

    assert (read.words(1), read.colour(1)) == ("up", "var(--green)")
    assert (read.words(7), read.colour(7)) == ("many", "#ff0000")
    assert read.words(2) == "2 s"


def test_a_legend_is_filled_from_labels_and_variables() -> None:
    """A label's own text is not looked through; a missing label is nothing."""
    values = {"service": Value(texts=("shop",))}

    assert legend("p95 {{task}} $service {{none}}", {"task": "$service"}, values) == "p95 $service shop"
    assert legend("__auto", {"a": "b"}, {}) == ""


def test_a_panel_draws_the_twelve_lines_that_reach_highest() -> None:
    """What is left out is counted, over all targets; a spike is among what is drawn."""
    low, high = frame("low", 10, top=0.1), frame("high", 5)
    drawn = chart((low, high), look_of(look()), WINDOW)

    assert drawn is not None
    assert (len(drawn.lines), drawn.left_out) == (MOST_LINES, 3)
    assert [line.name for line in drawn.lines][-5:] == [f"high {i}" for i in range(5)]


def test_a_long_line_is_thinned_and_keeps_its_peak() -> None:
    """A day of seconds becomes at most 500 points; one sample's peak reaches the top."""
    long = frame("a", 1, points=86_400)
    long.values[:] = 0.1
    long.values[50_000] = 1.0
    drawn = chart((long,), look_of(look()), WINDOW)

    assert drawn is not None
    path = drawn.lines[0].path
    assert len(re.findall("[ML]", path)) <= 502
    assert " 0L" in path
    points = [tuple(map(int, p.split())) for p in re.findall(r"[ML](\d+ \d+)", path)]
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points)


def test_a_line_breaks_at_a_hole_and_a_lone_sample_is_a_dot() -> None:
    """No sample is no zero."""
    holed = frame("a", 1, points=9)
    holed.values[:, 0] = [1, 1, np.nan, 1, np.nan, np.inf, 1, 1, 1]
    drawn = chart((holed,), look_of(look()), WINDOW)

    assert drawn is not None
    assert drawn.lines[0].path.count("M") == 3
    assert drawn.lines[0].path.count("h0") == 1


def test_nothing_finite_is_no_chart() -> None:
    """A panel whose columns hold nothing but NaN and infinities has no axis to draw."""
    void = frame("a", 2)
    void.values[:] = np.nan
    void.values[3] = np.inf

    assert chart((void,), look_of(look()), WINDOW) is None
    assert [n.words for n in numbers((void,), look_of(look(noValue="none yet")), WINDOW)] == ["none yet"] * 2
    assert chart((), look_of(look()), WINDOW) is None


@given(
    st.lists(st.floats(-1e300, 1e300) | st.just(math.nan), min_size=1, max_size=30),
    st.sampled_from(["s", "bytes", "short"]),
)
def test_any_numbers_have_an_axis(values: list[float], unit: str) -> None:
    """Ticks lie on the axis, in order, and every drawn point is on the plot."""
    one = replace(frame("a", 1, points=len(values)), values=np.array(values)[:, None])
    drawn = chart((one,), look_of(look(unit)), WINDOW)

    if drawn is None:
        assert all(map(math.isnan, values))
        return
    places = [tick.at for tick in drawn.ticks]
    assert places == sorted(places, reverse=True)
    assert all(-0.01 <= place <= 100.01 for place in places)
    assert all(0 <= int(y) <= HEIGHT for y in re.findall(r"[ML]-?\d+ (-?\d+)", drawn.lines[0].path))


def test_the_panels_own_bounds_hold() -> None:
    """An axis that the panel bounds does not follow the data."""
    drawn = chart((frame("a", top=0.2),), look_of(look("percentunit", min=0, max=1)), WINDOW)

    assert drawn is not None
    assert [t.label for t in drawn.ticks] == ["0 %", "50 %", "100 %"]
    assert [t.at for t in drawn.ticks] == [100.0, 50.0, 0.0]


@pytest.mark.parametrize(
    ("unit", "levels", "labels"),
    [
        ("short", [3.0], ["2", "3", "4"]),
        ("", [2.0, math.nan, 3.0], ["0", "1", "2", "3"]),
        ("none", [2.5, 3.0], ["2.4", "2.6", "2.8", "3"]),
        ("bool", [0.0, 1.0], ["False", "True"]),
        ("s", [3.0], ["2.6 s", "2.8 s", "3 s", "3.2 s", "3.4 s"]),
        ("binBps", [0.0, 3 * 2.0**20], ["0 B/s", "1 MiB/s", "2 MiB/s", "3 MiB/s"]),
    ],
)
def test_ticks_are_of_the_panels_unit(unit: str, levels: list[float], labels: list[str]) -> None:
    """Bare whole numbers are counts, and there are no 2.6 running tasks; bytes are round in powers of 1024."""
    one = replace(frame("a", 1, points=9), values=np.resize(levels, 9)[:, None])
    drawn = chart((one,), look_of(look(unit)), WINDOW)

    assert drawn is not None
    assert [tick.label for tick in drawn.ticks] == labels


def test_a_number_is_reduced_as_the_panel_says() -> None:
    """The last number by default; others by name; a name that is not known is the default."""
    column = np.array([math.nan, 3.0, 1.0, 2.0, math.nan])
    names = ("lastNotNull", "firstNotNull", "mean", "max", "min", "sum", "delta")

    assert [reduced(column, how) for how in names] == [2, 3, 2, 3, 1, 6, 2]
    assert math.isnan(reduced(column, "last"))


def test_the_time_axis_has_round_times_and_days_where_needed() -> None:
    """At most seven ticks; a week names its days."""
    week = replace(WINDOW, end=WINDOW.start + timedelta(days=7))

    assert [t.label for t in time_ticks(WINDOW)] == ["03:00", "03:10", "03:20", "03:30", "03:40", "03:50", "04:00"]
    assert time_ticks(week)[0].label == "02 Feb 00:00"
    assert len(time_ticks(week)) <= 7
