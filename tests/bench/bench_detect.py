"""How long the detector takes, against a plain robust z-score over the same matrix in the same run.

Run it by hand: ``python tests/bench/bench_detect.py``. Figures are ratios: machines differ.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np

from obskit.incident.detect import detect
from obskit.model import FloatMatrix, Metrics, Series, Signal, Window

POINTS, COLUMNS, STEP = 240, 10_000, timedelta(seconds=15)
END = datetime(2026, 1, 31, 3, 12, tzinfo=UTC)
WINDOW = Window(start=END - STEP * (POINTS // 2 - 1), end=END, step=STEP)


def matrices(random: np.random.Generator) -> dict[str, FloatMatrix]:
    """Return what the detector meets: calm, calm with memory, holes, some trouble, trouble everywhere."""
    calm = random.normal(size=(POINTS, COLUMNS))
    with_memory = np.empty_like(calm)
    with_memory[0] = calm[0]
    for t in range(1, POINTS):
        with_memory[t] = 0.8 * with_memory[t - 1] + calm[t]
    holes = np.where(random.random(calm.shape) < 0.1, np.nan, calm)
    some, everywhere = calm.copy(), calm.copy()
    some[180:, : COLUMNS // 10] += 8
    everywhere[180:] += 8
    return {"calm": calm, "AR(1) 0.8": with_memory, "holes": holes, "a tenth": some, "everywhere": everywhere}


def plain_z_score(values: FloatMatrix) -> FloatMatrix:
    """Return each column's farthest point after the middle, in robust deviations of what was before."""
    before, after = values[: POINTS // 2], values[POINTS // 2 :]
    middle = np.nanmedian(before, axis=0)
    deviation = 1.4826 * np.nanmedian(np.abs(before - middle), axis=0)
    farthest: FloatMatrix = np.nanmax(np.abs(after - middle), axis=0) / deviation
    return farthest


def best_of(call: Callable[[], object], times: int = 3) -> float:
    """Return the shortest of some runs, seconds."""
    taken = []
    for _ in range(times):
        begin = time.perf_counter()
        call()
        taken.append(time.perf_counter() - begin)
    return min(taken)


def main() -> None:
    """Print one line a matrix."""
    first = np.datetime64(END.replace(tzinfo=None), "ns") - (POINTS - 1) * np.timedelta64(STEP)
    times = (first + np.arange(POINTS) * np.timedelta64(STEP)).astype("datetime64[ns]")
    rows = tuple(Series(signal="s", unit="seconds", service=f"c{i}") for i in range(COLUMNS))
    signals = {"s": Signal(id="s", topic="t", title="s", unit="seconds", bad="up", variants=())}
    sys.stdout.write(f"{COLUMNS} columns of {POINTS} points\n")
    for name, values in matrices(np.random.default_rng(1)).items():
        metrics = Metrics(times=times, values=values, series=rows)
        ours = best_of(lambda m=metrics: detect(m, window=WINDOW, signals=signals))  # type: ignore[misc]
        plain = best_of(lambda v=values: plain_z_score(v))  # type: ignore[misc]
        changed = int((detect(metrics, window=WINDOW, signals=signals).kind != "").sum())
        beyond = int((plain_z_score(values) > 4).sum())
        sys.stdout.write(
            f"  {name:<11} detect {ours:.3f} s, plain robust z {plain:.3f} s, ratio {ours / plain:.1f}; "
            f"changed {changed}, plain beyond 4: {beyond}\n"
        )


if __name__ == "__main__":
    main()
