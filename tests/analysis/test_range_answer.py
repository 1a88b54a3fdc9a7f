"""Prometheus' range answers, read from bytes and written for other tools."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from obskit.errors import UsageError
from obskit.model import Metrics, Series

START, STEP = datetime(2026, 1, 31, 3, tzinfo=UTC), timedelta(seconds=15)
SHAPES = arrays.array_shapes(min_dims=2, max_dims=2, max_side=6)
NUMBERS = st.floats(allow_infinity=False, allow_nan=True, width=64)


def metrics_of(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Metrics:
    """Return a matrix whose columns are tasks of one service."""
    times = np.datetime64(START.replace(tzinfo=None), "ns") + np.arange(len(values)) * np.timedelta64(15, "s")
    columns = tuple(
        Series(signal="http_requests", unit="per_second", service="shop", task=f"t{i}", labels=(("route", '/a"b'),))
        for i in range(values.shape[1])
    )
    return Metrics(times=times, values=values, series=columns)


def read(body: bytes, points: int) -> Metrics:
    """Read an answer on the grid of `metrics_of`."""
    return Metrics.from_prometheus(
        body, start=START, end=START + (points - 1) * STEP, step=STEP, query="rate(x[1m])", unit="per_second"
    )


@given(arrays.arrays(np.float64, SHAPES, elements=NUMBERS))
def test_what_is_written_is_read_again(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> None:
    """Every number to its last bit, every label; a column without a sample is no series."""
    asked = metrics_of(values)
    seen = np.flatnonzero(np.isfinite(values).any(axis=0)).tolist()
    found = read(asked.to_prometheus(), len(values))

    assert np.array_equal(found.values, values[:, seen], equal_nan=True)
    assert np.array_equal(found.times, asked.times)
    assert [(s.signal, s.service, s.task, s.labels) for s in found.series] == [
        (s.signal, s.service, s.task, s.labels) for s in asked.where(seen).series
    ]
    assert {(s.unit, s.query) for s in found.series} <= {("per_second", "rate(x[1m])")}


def test_no_sample_is_no_point() -> None:
    """Other tools read what a server would have sent: nothing is filled in, numbers are texts."""
    body = json.loads(metrics_of(np.array([[1.5], [np.nan], [2.0]])).to_prometheus())
    (row,) = body["data"]["result"]
    begin = START.timestamp()

    assert body["status"] == "success"
    assert row["metric"] == {"__name__": "http_requests", "service": "shop", "task_id": "t0", "route": '/a"b'}
    assert row["values"] == [[begin, "1.5"], [begin + 30, "2.0"]]


def answer(*columns: dict[float, str] | list[tuple[float, str]]) -> bytes:
    """Return a body with these points, seconds after the begin."""
    rows = [
        {
            "metric": {"__name__": "up", "n": str(n)},
            "values": [[START.timestamp() + at, said] for at, said in (one.items() if isinstance(one, dict) else one)],
        }
        for n, one in enumerate(columns)
    ]
    return json.dumps({"status": "success", "data": {"resultType": "matrix", "result": rows}}).encode()


def test_series_with_holes_and_of_several_steps_share_the_finest_grid() -> None:
    """Prometheus leaves out what it has not, and a tool that joins two answers knows two steps: NaN, nothing moved."""
    every_minute, with_a_hole, late = {0.0: "1", 60.0: "2"}, {0.0: "3", 30.0: "4", 75.0: "5"}, {60.001: "6", 75.0: "7"}
    found = read(answer(every_minute, with_a_hole, late), 6)
    nan = np.nan

    assert np.array_equal(
        found.values.T, [[1, nan, nan, nan, 2, nan], [3, nan, 4, nan, nan, 5], [nan] * 4 + [6, 7]], equal_nan=True
    )


@pytest.mark.parametrize(
    ("columns", "count", "own"),
    [
        # a finer answer: of two points a step the first would be lost
        ([{0: "1", 5: "2", 10: "3", 15: "4"}], 2, "03:00:00Z to 2026-01-31T03:00:15Z, every 5 s"),
        # a server that moves what is asked to multiples of the step
        ([{-7: "1", 8: "2", 23: "3"}], 3, "02:59:53Z to 2026-01-31T03:00:23Z, every 15 s"),
        # another day
        ([{86_400: "1"}, {0: "1"}], 1, "2026-01-31T03:00:00Z to 2026-02-01T03:00:00Z, every 86400 s"),
        # samples as they were scraped, of an instant query
        ([{0.1: "1", 15.25: "2", 30.402: "3"}], 3, "03:00:00.100Z to 2026-01-31T03:00:30.402Z, every 0.002 s"),
        ([{1e300: "1"}], 1, "2191-10-"),
    ],
)
def test_an_answer_to_another_request_is_refused(columns: list[dict[float, str]], count: int, own: str) -> None:
    """Nothing is lost or moved in silence; the error tells what the answer itself looks like."""
    with pytest.raises(UsageError, match=f"^{count} points? of the answer lies? elsewhere") as error:
        read(answer(*columns), 3)
    assert own in str(error.value)
    assert "2026-01-31T03:00:00Z to 2026-01-31T03:00:30Z, every 15 s" in str(error.value)


def test_a_seam_that_agrees_is_read() -> None:
    """Two answers that were joined both have the point at which they meet."""
    found = read(answer([(0, "1"), (15, "2"), (15, "2.0"), (30, "NaN"), (30, "NaN"), (45, "4")]), 4)

    assert np.array_equal(found.values.T, [[1, 2, np.nan, 4]], equal_nan=True)


def test_a_seam_that_disagrees_is_refused() -> None:
    """Which of two numbers is right nobody knows: the error shows the first such place."""
    fine, other = [(0.0, "1"), (15.0, "2")], [(30.0, "5"), (15.0, "3"), (15.0, "4"), (30.001, "6"), (30.0, "6.0")]
    with pytest.raises(UsageError, match=r"^2 points of the answer are contradicted by another of their ser") as error:
        read(answer(fine, other), 3)
    assert "up{n=1} at 2026-01-31T03:00:15Z: 3 and 4" in str(error.value)


def test_a_series_without_points_hides_no_contradiction() -> None:
    """A tool that joins answers may leave one empty."""
    with pytest.raises(UsageError, match="contradicted") as error:
        read(answer({}, [(0, "1"), (0, "+Inf")]), 3)
    assert "up{n=1} at 2026-01-31T03:00:00Z: 1 and inf" in str(error.value)


@pytest.mark.parametrize(
    ("points", "words"),
    [
        ([(5.0, "1")], "1 point of the answer lies elsewhere"),
        ([(0.0, "1"), (0.0, "NaN")], "1 point of the answer is contradicted"),
    ],
)
def test_one_point_is_one(points: list[tuple[float, str]], words: str) -> None:
    """A sentence is right for a single one as well."""
    with pytest.raises(UsageError, match=f"^{words}"):
        read(answer(points), 3)


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"status":"error"}', b'{"status":"success","data":{}}'])
def test_what_is_no_answer_is_said(body: bytes) -> None:
    """A saved login page is no empty answer."""
    with pytest.raises(UsageError, match="no range answer"):
        read(body, 4)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"start": START.replace(tzinfo=None)}, "does not say in which zone"),
        ({"end": 1_700_000_000}, "is no time"),
        ({"start": START.replace(year=1)}, "before 2000"),
        ({"step": 15}, "is no duration"),
        ({"start": START.replace(year=2001)}, "makes no sense"),
        ({"unit": "percent"}, "no unit 'percent'"),
    ],
)
def test_what_was_asked_is_read_as_everywhere(wrong: dict[str, Any], words: str) -> None:
    """Before the body is."""
    asked: dict[str, Any] = {"start": START, "end": START + STEP, "step": STEP, **wrong}
    with pytest.raises(UsageError, match=words):
        Metrics.from_prometheus(metrics_of(np.ones((2, 1))).to_prometheus(), **asked)


@pytest.mark.parametrize("step", [timedelta(0), -STEP])
def test_a_step_that_leads_nowhere_is_refused(step: timedelta) -> None:
    """It would make no grid."""
    with pytest.raises(UsageError, match="makes no sense"):
        Metrics.from_prometheus(Metrics.empty().to_prometheus(), start=START, end=START, step=step)
