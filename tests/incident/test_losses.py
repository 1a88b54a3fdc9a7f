"""Counting requests that failed: integrals that never invent what was not measured."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from obskit.ascode.alerts import Slo
from obskit.ascode.alerts.load import load
from obskit.ascode.alerts.rule import seconds as seconds_of
from obskit.errors import UsageError
from obskit.incident.losses import Loss, Objective, count, spans
from obskit.model import FloatMatrix, TimeArray, Window, nanoseconds

BEGIN = datetime(2026, 1, 31, 3, 0, tzinfo=UTC)
#: Rates as they come, and what a broken exporter or a hostile bundle sends.
RATE = st.one_of(
    st.floats(0, 1e6),
    st.sampled_from([float("nan"), float("inf"), -float("inf"), -1.0, 0.0, 1e308]),
    st.floats(0, 1e-300),
)


def grid(points: int, step: float = 15, first: float = 15) -> TimeArray:
    """Return points on a grid that begins some seconds after `BEGIN`."""
    seconds = first + step * np.arange(points)
    return (np.datetime64(nanoseconds(BEGIN), "ns") + (seconds * 1e9).astype("timedelta64[ns]")).astype(
        "datetime64[ns]"
    )


def stretch(start: float, end: float) -> Window:
    """Return a stretch by seconds after `BEGIN`."""
    return Window(start=BEGIN + timedelta(seconds=start), end=BEGIN + timedelta(seconds=end))


def counted(requests: FloatMatrix, failed: FloatMatrix, part: Window, times: TimeArray) -> Loss:
    """Count columns over a part of a grid."""
    return count(requests, failed, spans(times, part), part)


@st.composite
def answers(draw: st.DrawFn) -> tuple[FloatMatrix, FloatMatrix, TimeArray, Window]:
    """Draw requests, failures, a grid with holes, and a stretch that need not meet it."""
    points, columns = draw(st.integers(0, 12)), draw(st.integers(0, 3))
    shape = (points, columns)
    kept = sorted(draw(st.sets(st.integers(0, 40), min_size=points, max_size=points)))
    times = grid(41)[kept]
    start = draw(st.integers(-60, 700))
    part = stretch(start, start + draw(st.integers(0, 700)))
    return draw(arrays(np.float64, shape, elements=RATE)), draw(arrays(np.float64, shape, elements=RATE)), times, part


@given(answers())
def test_failures_lie_between_nothing_and_all_that_is_known(
    drawn: tuple[FloatMatrix, FloatMatrix, TimeArray, Window],
) -> None:
    """Whatever was answered: 0 <= failed <= known <= requests, and no more time than there is."""
    requests, failed, times, part = drawn
    found = counted(requests, failed, part, times)

    assert 0 <= found.failed <= found.known <= found.requests < float("inf")
    assert 0 <= found.measured <= found.counted <= found.seconds
    assert not found.share < 0
    assert not found.share > 1


@given(answers(), st.data())
def test_what_is_missing_adds_nothing(
    drawn: tuple[FloatMatrix, FloatMatrix, TimeArray, Window], data: st.DataObject
) -> None:
    """To lose samples makes no number larger, and to lose a point of the grid counts as to lose its samples."""
    requests, failed, times, part = drawn
    if not len(times):
        return
    lost = data.draw(st.integers(0, len(times) - 1))
    full = counted(requests, failed, part, times)
    holed = requests.copy()
    holed[lost] = np.nan
    less = counted(holed, failed, part, times)

    assert less.requests <= full.requests * (1 + 1e-9)
    assert less.failed <= full.failed * (1 + 1e-9)
    assert less.measured <= full.measured * (1 + 1e-9)


@given(answers())
def test_points_never_stand_for_more_than_the_stretch(
    drawn: tuple[FloatMatrix, FloatMatrix, TimeArray, Window],
) -> None:
    """The time of all points together is at most the stretch's, and none of it is negative."""
    _, _, times, part = drawn
    seconds = spans(times, part)

    assert (seconds >= 0).all()
    assert seconds.sum() <= part.duration.total_seconds() + 1e-6


def test_a_missing_sample_is_not_a_calm_one() -> None:
    """Half of the stretch without samples: the other half is told, as the least that it can be."""
    requests = np.array([[10.0], [10.0], [np.nan], [np.nan]])
    found = counted(requests, np.full((4, 1), 5.0), stretch(0, 60), grid(4))

    assert (found.requests, found.known, found.failed) == (300, 300, 150)
    assert (found.seconds, found.measured, found.share) == (60, 30, 0.5)
    assert not found.complete


def test_requests_of_unknown_outcome_are_no_good_ones() -> None:
    """Where the share that failed is missing, its requests count as requests and as nothing else."""
    found = counted(np.full((4, 1), 10.0), np.array([[5.0], [5.0], [np.nan], [np.nan]]), stretch(0, 60), grid(4))

    assert (found.requests, found.known, found.failed, found.share) == (600, 300, 150, 0.5)
    assert (found.counted, found.measured) == (60, 30)
    assert not found.complete


def test_a_stretch_that_is_measured_to_its_ends_is_complete() -> None:
    """Its edges need not meet the grid: a step at each is no gap."""
    times = grid(40)
    found = counted(np.full((40, 1), 10.0), np.full((40, 1), 1.0), stretch(7, 590), times)

    assert found.complete
    assert found.requests == pytest.approx(5830)


def test_a_hole_in_the_grid_is_not_bridged() -> None:
    """The point after a hole stands for its own step alone."""
    times = np.delete(grid(8), [3, 4])
    seconds = spans(times, stretch(0, 120))

    assert seconds.tolist() == [15] * 6


def test_edges_are_cut_to_the_stretch() -> None:
    """A step that begins before the stretch counts with what lies inside."""
    assert spans(grid(4), stretch(20, 50)).tolist() == [0, 10, 15, 5]


def test_the_budget_is_the_workbooks() -> None:
    """Source: Site Reliability Workbook, chapter 5: at a burn rate of 14.4 an hour takes 2 % of 30 days' budget."""
    loss = Loss(requests=1e6, known=1e6, failed=14_400, seconds=3600, measured=3600)

    assert loss.burn_rate(Objective()) == pytest.approx(14.4)
    assert loss.spent(Objective()) == pytest.approx(0.02)


def test_without_requests_there_is_no_share() -> None:
    """Nothing of nothing is no number, and no budget is said to be spent."""
    loss = counted(np.zeros((4, 1)), np.zeros((4, 1)), stretch(0, 60), grid(4))

    assert (loss.requests, loss.failed) == (0, 0)
    assert np.isnan([loss.share, loss.burn_rate(Objective()), loss.spent(Objective())]).all()


@pytest.mark.parametrize(
    "percent", ["abc", "", "0", "0.0", "100", "-1", "nan", "inf", "1e-999999999", "99.9 ", "9٩", "99.99999999", 99.9]
)
def test_what_is_no_objective_is_refused(percent: str) -> None:
    """Where it is made, not where its budget is divided by; a float is none, for it would not be exact."""
    with pytest.raises(UsageError, match="is no objective") as refused:
        Objective(percent=percent)

    assert "99.9" in refused.value.hint


@pytest.mark.parametrize(
    ("percent", "meant"),
    [("0.999", "99.9"), ("0.9995", "99.95"), ("0.5", "50"), ("0.99", "99"), ("1", ""), ("49.9", ""), ("0.1", "")],
)
def test_a_share_is_not_taken_for_a_percentage(percent: str, meant: str) -> None:
    """Who writes 0.999 means three nines; a promise that most requests may break is none."""
    with pytest.raises(UsageError, match="is no objective") as refused:
        Objective(percent=percent)

    assert refused.value.hint == (f"did you mean {meant}?" if meant else "three nines are usual: 99.9")


@pytest.mark.parametrize("period", [timedelta(0), timedelta(days=-1)])
def test_a_budget_lasts_for_some_time(period: timedelta) -> None:
    """Of no time there is no share."""
    with pytest.raises(UsageError, match="no period"):
        Objective(period=period)


@given(st.from_regex(r"[0-9]{1,2}(\.[0-9]{1,6})?", fullmatch=True))
def test_whatever_is_accepted_has_a_budget(percent: str) -> None:
    """More than nothing, less than all: it can be divided by."""
    try:
        budget = Objective(percent=percent).budget
    except UsageError:
        assert float(percent) < 50
    else:
        assert 0 < budget <= 0.5


def test_the_objective_is_the_one_that_the_alert_rules_promise() -> None:
    """A draft and an alert speak of one promise: three nines over 30 days."""
    files, wrong = load(Path(__file__).parents[2] / "alerts")
    slos = [slo for file in files for slo in file.slos if isinstance(slo, Slo) and slo.name == "availability"]

    assert wrong == ()
    assert [(slo.objective, float(seconds_of(slo.period))) for slo in slos] == [
        (Objective().percent, Objective().period.total_seconds())
    ]
    assert Objective().budget == float(slos[0].budget)
