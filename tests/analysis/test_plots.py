"""Plots: UTC, a unit that a person reads, the window shaded, the onset marked, and hostile labels as they are."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from matplotlib.dates import num2date

import obskit
from obskit.errors import ObskitError, UsageError
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

    assert axes.get_xlabel() == "time (UTC)"
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
    """Lines are named by what tells them apart; a long legend says how many it leaves out."""
    tasks = [Series(signal="a", unit="count", service="shop", task=f"t{n}") for n in range(11)]
    figure = _metrics(*tasks, Series(signal="b", unit="ratio")).plot()
    first, second = figure.axes
    legend = first.get_legend()

    assert [len(axes.lines) for axes in figure.axes] == [11, 1]
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()][:2] == ["shop, t0", "shop, t1"]
    assert legend.get_title().get_text() == "and 3 more"
    assert second.get_legend() is None


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
        *["a plot needs matplotlib, which is not installed", "  try: pip install 'obskit[notebooks]'"] * 2,
    ]
    assert issubclass(UsageError, ObskitError)
