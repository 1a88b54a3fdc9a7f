"""Replaying a rule over a week, beside one pass over the same matrix: ``pytest tests/bench/bench_replay.py -s``."""

from __future__ import annotations

import time

import numpy as np

from obskit.ascode.alerts.replay import firing

#: Samples a week, and their distance in seconds.
POINTS, STEP = 20_160, 30


def test_a_week_of_two_hundred_series() -> None:
    """Tell how many passes over the matrix a replay costs; a replay of all rules waits for the server anyway."""
    present = np.random.default_rng(7).random((POINTS, 200)) < 0.1
    began = time.perf_counter()
    np.cumsum(present, axis=0)
    one_pass = time.perf_counter() - began
    began = time.perf_counter()
    firing(present, step=STEP, hold=120, keep=300)
    replayed = time.perf_counter() - began

    print(f"\nreplay {replayed:.2f} s, one pass {one_pass:.2f} s: {replayed / one_pass:.1f} passes")  # noqa: T201
