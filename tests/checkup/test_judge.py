"""The arithmetic of a round: since when, and when it will be full."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from obskit.catalogue import all_signals
from obskit.checkup import judge

STEP = 300.0
LEVELS = st.lists(st.one_of(st.floats(0, 1), st.just(math.nan)), min_size=1, max_size=60)


def grid(points: int) -> judge.Floats:
    """Return seconds from 0 on, five minutes apart."""
    return np.arange(points, dtype=np.float64) * STEP


def since(values: list[float]) -> judge.Since | None:
    """Return since when values on the grid are beyond a half."""
    return judge.since(grid(len(values)), np.array(values), 0.5, below=False, step=STEP, start=0.0)


@given(LEVELS)
def test_since_when_holds_for_all_that_follows_and_not_for_what_was_before(values: list[float]) -> None:
    """Every sample from there on is beyond the level; the one before is not, or there was a long hole."""
    found = since(values)
    known = [(i * STEP, v) for i, v in enumerate(values) if math.isfinite(v)]

    if not known or known[-1][1] < 0.5:
        assert found is None
    else:
        assert found is not None
        assert all(v >= 0.5 for at, v in known if at >= found.at)
        before = [(at, v) for at, v in known if at < found.at]
        assert not before or before[-1][1] < 0.5 or found.at - before[-1][0] > judge.BRIDGED_STEPS * STEP
        assert found.longer is (found.at == 0)


@given(LEVELS)
def test_less_is_bad_is_the_mirror_of_more_is_bad(values: list[float]) -> None:
    """Where less is bad, the mirrored values have the same beginning."""
    times = grid(len(values))
    mirrored = judge.since(times, -np.array(values), -0.5, below=True, step=STEP, start=0.0)

    assert mirrored == since(values)


def test_a_restart_of_the_exporter_does_not_begin_anew_and_a_long_silence_does() -> None:
    """Three missing points are bridged; four are not known to have been bad."""
    assert since([0, 1, *[math.nan] * 3, 1, 1]) == judge.Since(STEP, longer=False)
    assert since([0, 1, *[math.nan] * 4, 1, 1]) == judge.Since(6 * STEP, longer=False)


@given(st.floats(0.1, 0.8), st.floats(0.012, 0.19), st.integers(13, 288))
def test_a_straight_line_is_full_where_it_meets_one(begin: float, growth: float, points: int) -> None:
    """The prediction is the line's own, as long as it is no further ahead than four times what was seen."""
    times = grid(points)
    span = times[-1]
    values = begin + growth * times / span
    due = (1 - values[-1]) / growth * span

    found = judge.full_in(times, values)

    if due <= judge.AHEAD_TIMES * span * 0.999:
        assert found == pytest.approx(due, rel=1e-6)
    elif due > judge.AHEAD_TIMES * span * 1.001:
        assert found == math.inf


@pytest.mark.parametrize(
    "values",
    [
        [0.9] * 50,
        [0.9 - 0.005 * i for i in range(50)],
        [0.5 + 0.4 * (i % 10) / 10 for i in range(50)],
        [math.nan] * 50,
        [0.5, 0.6, 0.7],
        [],
    ],
    ids=["constant", "shrinks", "is rotated", "unknown", "minutes", "nothing"],
)
def test_what_does_not_grow_steadily_is_never_full(values: list[float]) -> None:
    """A level, a decline, a sawtooth and a few minutes predict nothing."""
    assert judge.full_in(grid(len(values)), np.array(values)) == math.inf


@given(st.floats(-1e6, 1e6))
def test_a_level_itself_is_bad(value: float) -> None:
    """What reaches the threshold is as bad as what is beyond it, and critical goes before a look."""
    up, down = all_signals()["node_disk_used_ratio"], all_signals()["slo_budget_remaining"]

    assert judge.state_of(value, up) == ("bad" if value >= 0.97 else "look" if value >= 0.95 else "ok")
    assert judge.state_of(value, down) == ("bad" if value <= 0 else "look" if value <= 0.25 else "ok")
