"""Plots: UTC, a unit that a person reads, the window shaded, the onset marked, and hostile labels as they are."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.dates import num2date
from matplotlib.figure import Figure

import obskit
from obskit.analysis.axes import value_axis
from obskit.analysis.plots import metrics_figure
from obskit.errors import ObskitError, UsageError
from obskit.extras import to_install
from obskit.model import Metrics, Series, Unit, Window
from tests.support.hostile import HOSTILE

ROOT = Path(__file__).resolve().parents[2]
BEGIN = datetime(2026, 1, 31, 3, tzinfo=UTC)
WINDOW = Window(start=BEGIN + timedelta(minutes=10), end=BEGIN + timedelta(minutes=20))


@pytest.fixture(scope="module")
def incident() -> obskit.Incident:
    """The incident that ships with obskit."""
    return obskit.demo()


def _metrics(*columns: Series, high: float = 1.0) -> Metrics:
    times = np.datetime64("2026-01-31T03:00", "ns") + np.arange(81) * np.timedelta64(15, "s")
    values = np.linspace(0, high, 81)[:, None] * np.ones(len(columns))
    return Metrics(times=times, values=values, series=columns)


def test_time_is_utc_the_window_is_shaded_and_the_onset_marked() -> None:
    """Whatever the machine's zone is."""
    onset = BEGIN + timedelta(minutes=12)
    figure = _metrics(Series(signal="x", unit="count")).plot(window=WINDOW, onset=onset)
    (axes,) = figure.axes
    shaded = axes.patches[0].get_window_extent().transformed(axes.transData.inverted())
    marks = [line for line in axes.lines if np.size(line.get_xdata()) == 2]

    assert axes.get_xlabel() == "time (UTC), 2026-01-31"
    assert abs(num2date(shaded.x0) - WINDOW.start) < timedelta(seconds=1)
    assert abs(num2date(shaded.x1) - WINDOW.end) < timedelta(seconds=1)
    assert [num2date(np.asarray(line.get_xdata())[0]) for line in marks] == [onset]
    assert num2date(np.asarray(axes.lines[0].get_xdata(orig=False))[0]) == BEGIN


@pytest.mark.parametrize(
    ("unit", "high", "label", "tick"),
    [
        ("seconds", 0.08, "seconds", "50 ms"),
        ("bytes", 3 * 2**30, "bytes", "2 GiB"),
        ("ratio", 1.0, "percent", "50 %"),
        ("per_second", 10.0, "per second", "5/s"),
        ("bytes_per_second", 30 * 2**20, "bytes per second", "20 MiB/s"),
        ("count", 4.0, "count", "2"),
    ],
)
def test_the_unit_is_on_the_axis_and_in_its_ticks(unit: Unit, high: float, label: str, tick: str) -> None:
    """Base units are written as a person reads them, at round places."""
    figure = _metrics(Series(signal="x", unit=unit), high=high).plot()
    figure.canvas.draw()
    (axes,) = figure.axes

    assert axes.get_ylabel() == label
    assert tick in [text.get_text() for text in axes.get_yticklabels()]


def test_one_axes_a_signal_and_a_line_a_column() -> None:
    """Lines are named by what tells them apart, axes by what they have in common; a legend counts what it omits."""
    tasks = [Series(signal="a", unit="count", service="shop", task=f"t{n}") for n in range(11)]
    figure = _metrics(*tasks, Series(signal="b", unit="ratio")).plot()
    first, second = figure.axes

    assert [len(axes.lines) for axes in figure.axes] == [11, 1]
    assert _named(first) == [*(f"t{n}" for n in range(8)), "and 3 more"]
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["a: shop", "b"]
    assert second.get_legend() is None


def _named(axes: Axes) -> list[str]:
    """Return what a legend says."""
    legend = axes.get_legend()
    assert legend is not None
    return [text.get_text() for text in legend.get_texts()]


def test_a_legend_lies_beside_its_lines() -> None:
    """Whatever it says: at night the peak that it covers is the one that counts."""
    long = [Series(signal="a", unit="count", service="shop", task=f"t{n}", labels=(("path", "x" * 99),)) for n in "12"]
    peers = [Series(signal="b", unit="ratio", service="shop", labels=(("peer", "y" * 90 + n),)) for n in "12"]
    figure = _metrics(*long, *peers).plot()
    figure.draw_without_rendering()

    for axes in figure.axes:
        legend, lines = axes.get_legend(), axes.get_window_extent()
        assert legend is not None
        assert lines.x1 <= legend.get_window_extent().x0
        assert legend.get_window_extent().x1 <= figure.bbox.x1
        assert lines.width > figure.bbox.width / 2


def test_one_line_needs_no_legend() -> None:
    """The title says what it is, and whose where the figure is about somebody else."""
    mine = Series(signal="http_requests", unit="per_second", service="shop")
    peers = Series(signal="x", unit="count", service="orders", labels=(("peer", "shop"),))
    figures = [metrics_figure(_metrics(mine, peers), whose=whose) for whose in ("", "shop")]

    assert [axes.get_legend() for figure in figures for axes in figure.axes] == [None] * 4
    assert [[axes.get_title(loc="left") for axes in figure.axes] for figure in figures] == [
        ["requests: shop", "x: orders, peer=shop"],
        ["requests", "x: orders, peer=shop"],
    ]


def test_the_whole_stands_out_from_its_tasks() -> None:
    """It is named first and drawn as the thickest line, below the tasks' that it would cover."""
    tasks = [Series(signal="a", unit="count", service="shop", task=f"t{n}") for n in range(11)]
    (axes,) = _metrics(*tasks, Series(signal="a", unit="count", service="shop")).plot().axes
    whole, *others = axes.lines

    assert _named(axes)[:2] == ["all tasks", "t0"]
    assert whole.get_linewidth() > 2 * max(line.get_linewidth() for line in others)


@pytest.mark.parametrize(
    ("length", "ticks"),
    [
        (1200, ["03:00", "03:05", "03:10", "03:15", "03:20"]),
        (540, ["03:00", "03:02", "03:04", "03:06", "03:08"]),
        (120, ["03:00:00", "03:00:30", "03:01:00", "03:01:30", "03:02:00"]),
        (36 * 3600, ["01-31 06:00", "01-31 12:00", "01-31 18:00", "02-01 00:00", "02-01 06:00", "02-01 12:00"]),
        (8 * 86_400, ["2026-02-01", "2026-02-03", "2026-02-05", "2026-02-07"]),
    ],
)
def test_all_ticks_of_a_time_axis_are_written_alike(length: int, ticks: list[str]) -> None:
    """No half a minute beside a clock time; at whole steps, and neither too few nor too many."""
    times = np.datetime64("2026-01-31T03:00", "ns") + np.arange(2) * np.timedelta64(length, "s")
    metrics = Metrics(times=times, values=np.zeros((2, 1)), series=(Series(signal="x", unit="count"),))
    figure = metrics.plot()
    figure.draw_without_rendering()
    shown = [text.get_text() for text in figure.axes[0].get_xticklabels()]

    assert [text for text in shown if text in ticks] == ticks
    assert {len(text) for text in shown} == {len(ticks[0])}
    assert len(shown) <= 11


@pytest.mark.parametrize("value", [1.0, np.nan])
def test_an_axis_shows_what_was_asked_for_whatever_was_seen(value: float) -> None:
    """One sample is no reason for four years of time, and none is said in words: an empty picture could be zero."""
    (axes,) = (
        Metrics(
            times=np.array(["2026-01-31T03:00"], "datetime64[ns]"),
            values=np.array([[value]]),
            series=(Series(signal="x", unit="count"),),
        )
        .plot()
        .axes
    )
    low, high = (num2date(edge) for edge in axes.get_xlim())

    assert low < BEGIN < high
    assert high - low <= timedelta(minutes=1)
    assert [text.get_text() for text in axes.texts] == ([] if np.isfinite(value) else ["no data"])


def test_an_axis_begins_with_the_first_sample_or_the_window() -> None:
    """A recording that has no calm stretch before it leaves no half of the picture empty."""
    metrics = _metrics(Series(signal="x", unit="count"))
    late = Metrics(times=metrics.times, values=metrics.values.copy(), series=metrics.series)
    late.values[:60] = np.nan
    plots = late.plot(), late.plot(window=WINDOW)
    starts = [num2date(figure.axes[0].get_xlim()[0]) - BEGIN for figure in plots]

    assert timedelta(minutes=14) < starts[0] < timedelta(minutes=15)
    assert timedelta(minutes=9) < starts[1] < timedelta(minutes=10)


def test_a_day_that_ends_within_the_plot_is_told() -> None:
    """The label says both days, whatever of them is data and whatever the window."""
    metrics = _metrics(Series(signal="x", unit="count"))
    figure = metrics.plot(window=Window(start=BEGIN - timedelta(hours=4), end=BEGIN + timedelta(minutes=5)))

    assert figure.axes[0].get_xlabel() == "time (UTC), 2026-01-30 to 2026-01-31"


@pytest.fixture(scope="module")
def axes() -> Axes:
    """Axes to be dressed again and again."""
    return Figure().subplots()


@given(counts=st.lists(st.integers(0, 10**9), min_size=1, max_size=5))
def test_what_is_counted_in_whole_numbers_has_whole_ticks(axes: Axes, counts: list[int]) -> None:
    """There are no 2.6 running tasks."""
    value_axis(axes, np.array(counts, np.float64)[:, None], "count")
    ticks = np.asarray(axes.get_yticks())

    assert 2 <= len(ticks) <= 7
    assert ticks[0] <= min(counts)
    assert ticks[-1] >= max(counts)
    assert np.array_equal(ticks, np.rint(ticks))


def test_a_count_that_is_a_mean_keeps_its_fractions() -> None:
    """A query's numbers have the unit count where nobody says more, and may lie between nothing and one."""
    (axes,) = _metrics(Series(signal="x", unit="count"), high=0.03).plot().axes

    assert len(axes.get_yticks()) > 3


def test_a_sample_without_neighbours_is_seen() -> None:
    """A line of one point has no length."""
    values = np.array([[1.0], [np.nan], [2.0], [np.nan], [3.0], [4.0]])
    times = np.datetime64("2026-01-31T03:00", "ns") + np.arange(6) * np.timedelta64(15, "s")
    figure = Metrics(times=times, values=values, series=(Series(signal="x", unit="count"),)).plot()

    assert figure.axes[0].lines[0].get_markevery() == [0, 2]


@pytest.mark.parametrize("text", [HOSTILE, "$x^{", "_hidden", r"\frac{", "{}", "a$b$c"])
def test_a_hostile_label_is_drawn_as_it_is(text: str) -> None:
    """No label is a formula, none hides its line, none stops the drawing."""
    one = Series(signal=text, unit="seconds", service=text, task=text, labels=((text, text),))
    figure = _metrics(one, one).plot()
    legend = figure.axes[0].get_legend()

    assert figure._repr_png_().startswith(b"\x89PNG")  # type: ignore[attr-defined]
    assert legend is not None
    assert len(legend.get_texts()) == 2


def test_an_incident_is_plotted_by_one_call(incident: obskit.Incident) -> None:
    """Those signals that tell most, or the ones that are named; of the service, its tasks where wanted."""
    chosen = incident.plot()
    named = incident.plot(["http_latency_p95", "db_pool_used_ratio"])
    of_tasks = incident.plot(["db_pool_used_ratio"], tasks=True)

    assert len(chosen.axes) == 6
    assert [axes.get_title(loc="left") for axes in named.axes] == [
        obskit.signals()["http_latency_p95"].title,
        obskit.signals()["db_pool_used_ratio"].title,
    ]
    assert len(of_tasks.axes[0].lines) > len(named.axes[1].lines)


def test_what_was_not_seen_or_is_too_much_is_said(incident: obskit.Incident) -> None:
    """With the nearest name, or a way to less."""
    many = [Series(signal=f"s{n}", unit="count") for n in range(13)]

    with pytest.raises(UsageError, match="'http_latency' was not seen") as near:
        incident.plot(["http_latency"])
    assert "http_latency_p95" in near.value.hint
    with pytest.raises(UsageError, match="nothing to draw"):
        Metrics.empty().plot()
    with pytest.raises(UsageError, match="13 signals are too many"):
        _metrics(*many).plot()
    with pytest.raises(UsageError, match="no unit 'percent'"):
        _metrics(Series(signal="x", unit="percent")).plot()  # type: ignore[arg-type]


def test_one_name_is_one_signal(incident: obskit.Incident) -> None:
    """A text is not read letter by letter."""
    assert len(incident.plot("http_latency_p95").axes) == 1


@pytest.mark.parametrize("year", [1, 9999])
def test_a_window_that_no_axis_holds_is_refused(year: int) -> None:
    """In words, not by matplotlib's ticks."""
    far = BEGIN.replace(year=year)

    with pytest.raises(UsageError, match="before 2000 or after 2198"):
        _metrics(Series(signal="x", unit="count")).plot(window=Window(start=far, end=far + timedelta(hours=1)))
    with pytest.raises(UsageError, match="before 2000 or after 2198"):
        _metrics(Series(signal="x", unit="count")).plot(onset=far)


def test_drawing_leaves_nothing_open(incident: obskit.Incident) -> None:
    """A hundred plots in a loop are not kept by pyplot."""
    import matplotlib.pyplot as plt

    incident.plot(["http_latency_p95"])

    assert plt.get_fignums() == []


def test_without_matplotlib_a_plot_says_what_to_install() -> None:
    """Everything else works without it."""
    code = """
import sys
sys.modules["matplotlib"] = None
import obskit
incident = obskit.demo()
print(incident.diagnosis.verdict, len(incident._repr_html_()) > 100)
for draw in (incident.plot, incident.metrics.where([0]).plot):
    try:
        draw()
    except obskit.ObskitError as error:
        print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT, timeout=120
    )

    assert done.stdout.splitlines() == [
        "cause_found True",
        *["a plot needs matplotlib, which is not installed", f"  try: {to_install('notebooks')}"] * 2,
    ]
    assert issubclass(UsageError, ObskitError)
