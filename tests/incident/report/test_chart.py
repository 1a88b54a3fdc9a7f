"""Charts: what is drawn is what was measured, and what is missing is a gap."""

import re
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from obskit.incident.report import _chart
from obskit.incident.report._lanes import axis, calm_stretches, rows
from obskit.model import Diagnosis, FloatMatrix, Metrics, Series, Unit
from tests.support.diagnosis_example import ONSET, WINDOW, example

POINTS = 241


def with_columns(*columns: FloatMatrix, unit: Unit = "count", tasks: bool = True) -> Diagnosis:
    """Return the example with one signal of these columns, over the window and its baseline."""
    times = example().metrics.times[: len(columns[0])]
    series = tuple(
        Series(signal="depth", unit=unit, service="demo-app", task=f"t{i}" * tasks) for i in range(len(columns))
    )
    metrics = Metrics(times=times, values=np.column_stack(columns), series=series)
    return replace(example(), metrics=metrics)


def only_chart(diagnosis: Diagnosis) -> _chart.Chart:
    """Return the one chart of a diagnosis."""
    (chart,) = _chart.charts(diagnosis, WINDOW.with_baseline())
    return chart


def test_a_line_breaks_where_samples_are_missing() -> None:
    """NaN is a gap, never zero or a bridge; a sample without neighbours is a dot."""
    column = np.full(POINTS, 5.0)
    column[10:20] = np.nan
    column[30:33] = [np.nan, 7.0, np.nan]
    path = only_chart(with_columns(column, tasks=False)).line

    assert path.count("M") == 3 + 1
    assert path.count("h0") == 1
    assert len(re.findall(r"[ML]\d+ \d+", path)) == POINTS - 12


def test_infinity_is_no_sample() -> None:
    """An infinite quantile cannot be drawn and does not bend the scale."""
    column = np.full(POINTS, 5.0)
    column[7] = np.inf
    chart = only_chart(with_columns(column, tasks=False))

    assert chart.line.count("M") == 2
    assert chart.highest == "5"


def test_many_tasks_are_few_lines_and_the_rest_is_counted() -> None:
    """Of a hundred tasks the farthest are drawn, the odd one among them, and the others are said."""
    columns = [np.full(POINTS, 10.0 + 0.01 * i) for i in range(100)]
    columns[42] = np.full(POINTS, 99.0)
    chart = only_chart(with_columns(*columns))

    assert (len(chart.tasks), chart.tasks_left_out) == (10, 90)
    assert chart.line_name == "mean of 100 tasks"
    assert any(re.match(r"M0 [0-4]L", path) for path in chart.tasks)


def test_without_a_column_of_its_own_a_service_is_the_mean_of_its_tasks() -> None:
    """A task that is gone does not count, and the caption says what the line is."""
    gone = np.full(POINTS, np.nan)
    gone[:5] = 9.0
    chart = only_chart(with_columns(np.full(POINTS, 2.0), np.full(POINTS, 4.0), gone))

    assert (chart.last, chart.highest, chart.line_name) == ("3", "5", "mean of 3 tasks")
    assert len(chart.tasks) == 3


def test_the_column_of_the_service_is_the_strong_line() -> None:
    """Where the investigation combined the tasks already, that column is drawn, once."""
    diagnosis = with_columns(np.full(POINTS, 6.0), np.full(POINTS, 2.0), np.full(POINTS, 4.0))
    own = replace(diagnosis.metrics.series[0], task="")
    metrics = replace(diagnosis.metrics, series=(own, *diagnosis.metrics.series[1:]))
    chart = only_chart(replace(diagnosis, metrics=metrics, facts={"title.depth": "queue depth"}))

    assert (chart.last, chart.line_name, chart.title) == ("6", "service", "queue depth")
    assert len(chart.tasks) == 2


def test_the_usual_range_comes_from_before_the_onset() -> None:
    """Median ± 3.5 robust deviations of the calm stretch, never below zero for what cannot be."""
    calm = np.resize([9.0, 10.0, 11.0], POINTS)
    column = np.where(example().metrics.times >= np.datetime64(ONSET.replace(tzinfo=None), "ns"), 500.0, calm)
    spread = 3.5 * 1.4826

    assert f"{10 - spread:.3g} to {10 + spread:.3g}" == only_chart(with_columns(column, tasks=False)).usual
    early = replace(with_columns(column, tasks=False), onset=WINDOW.baseline().start + timedelta(minutes=1))
    assert only_chart(early).band is None


@pytest.mark.parametrize("unit", ["seconds", "bytes", "ratio", "per_second", "count"])
@pytest.mark.parametrize("scale", [1e-6, 1.0, 3.7e9])
@pytest.mark.parametrize("shape", [[1.0], [0.0], [-4.0, 2.0], [1000.0, 1001.0], [0.0, 1.0]])
def test_ticks_are_few_and_hold_the_line(unit: Unit, scale: float, shape: list[float]) -> None:
    """Two to seven ticks from top to bottom, and every point lies between them."""
    axis = _chart._axis(scale * np.resize(shape, (20, 1)), unit)
    ticks = _chart._ticks(axis, unit)

    assert axis.bottom <= scale * min(shape) <= scale * max(shape) <= axis.top
    assert axis.bottom < axis.top
    assert 2 <= len(ticks) <= 7
    assert (ticks[0].at, ticks[-1].at) == (100.0, 0.0)


@pytest.mark.parametrize(
    ("unit", "levels", "labels"),
    [
        ("count", [3.0, 3.0], ["2", "3", "4"]),
        ("count", [2.0, 3.0], ["0", "1", "2", "3"]),
        ("count", [0.5, 0.6], ["0.5", "0.55", "0.6"]),
        ("bytes_per_second", [0.0, 3 * 2.0**20], ["0 B/s", "1 MiB/s", "2 MiB/s", "3 MiB/s"]),
    ],
)
def test_ticks_are_of_their_unit(unit: Unit, levels: list[float], labels: list[str]) -> None:
    """There are no 2.6 running tasks, and bytes of a second are round in powers of 1024 as bytes are."""
    chart = only_chart(with_columns(np.resize(levels, POINTS), unit=unit, tasks=False))

    assert [tick.label for tick in chart.ticks] == labels


def test_nothing_to_draw_draws_nothing() -> None:
    """A signal without a sample, and a diagnosis without series, have no chart."""
    assert _chart.charts(with_columns(np.full(POINTS, np.nan)), WINDOW) == []
    assert _chart.charts(replace(example(), metrics=Metrics.empty()), WINDOW) == []


def test_tasks_have_lifetimes() -> None:
    """A replaced task ends, its successor begins, the third one is there throughout."""
    ends = {(start, end) for *_, start, end in _chart.lifetimes(example().metrics)}

    assert {(True, False), (False, True), (True, True)} == ends


def _sampled(*minutes: tuple[float, float]) -> Diagnosis:
    """Return the example with one series that has samples from minute to minute after its onset, and nothing else."""
    times = example().metrics.times
    after = (times - np.datetime64(ONSET.replace(tzinfo=None), "ns")) / np.timedelta64(60, "s")
    there = np.zeros(len(times), bool)
    for first, last in minutes:
        there |= (first <= after) & (after <= last)
    return replace(with_columns(np.where(there, 5.0, np.nan), tasks=False), timeline=())


def test_the_time_axis_begins_with_what_was_recorded() -> None:
    """Minutes of which nothing is known are not drawn: they read as calm ones."""
    late = axis(_sampled((-2, 60)))
    early = replace(example().timeline[0], onset=ONSET - timedelta(minutes=4))

    assert late.start == ONSET - timedelta(minutes=2)
    assert late.end == WINDOW.end
    assert axis(replace(_sampled((-2, 60)), timeline=(early,))).start == early.onset
    assert axis(replace(_sampled((-2, 60)), onset=None)).start == late.start
    assert axis(replace(_sampled(), onset=None)) == WINDOW.with_baseline()
    last = (WINDOW.end - ONSET) / timedelta(minutes=1)
    assert axis(replace(_sampled((last, last)), onset=None)).duration == WINDOW.step
    assert axis(_sampled((last, last))).start == ONSET


def test_only_what_was_sampled_is_called_calm() -> None:
    """Before the first sample and within a gap nobody knows; a chart's usual range begins with its line."""
    diagnosis = _sampled((-12, -8), (-4, 60))
    window = replace(WINDOW, start=ONSET - timedelta(minutes=20), end=ONSET + timedelta(minutes=20))

    assert calm_stretches(diagnosis, window) == ((20.0, 10.0), (40.0, 10.0))
    assert calm_stretches(replace(diagnosis, metrics=Metrics.empty()), window) == ()
    (chart,) = _chart.charts(diagnosis, window)
    assert chart.band is not None
    assert chart.band[0] == pytest.approx(0.2 * _chart.WIDTH)


def test_the_lanes_lie_on_one_axis() -> None:
    """Each pillar has its heading, bars stay within the axis, and an event is a moment."""
    laid = rows(example(), WINDOW.with_baseline())

    assert [row.pillar for row in laid if row.finding is None] == ["metrics", "logs", "events"]
    assert all(row.start >= 0 and row.start + row.length <= 100.001 for row in laid)
    assert {0.0} == {row.length for row in laid if row.finding and row.pillar == "events"}
    assert sorted(row.down for row in laid) == [row.down for row in laid]
