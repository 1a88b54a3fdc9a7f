"""How long a sweep takes, and whether anything is lost when a worker is killed: run by hand.

    python tests/bench/bench_sweep.py [COUNT] [--seed N]

COUNT recordings (500 unless given) are made from the demo's: each column scaled, a tenth of the log lines left out,
by a seed, so that no two are equal. They are swept by one thread, by two processes, and by a cluster of two worker
processes on loopback of which one is killed when half of the rows have come. Times are told as ratios to the one
thread in the same run; the rows of all three must be the same but for their seconds.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import distributed
import numpy as np
import pyarrow as pa

from obskit.asking import demo_bundle
from obskit.fleet.item import Row
from obskit.fleet.recorded import Recorded, find
from obskit.fleet.sweep import Workers, sweep
from obskit.model import Logs
from obskit.sources.bundle import Recording, read_bundle, write_bundle

COUNT, TIMEOUT_SECONDS = 500, 600.0
#: How much a column's level differs from the demo's, and which share of the lines is left out.
SCALE, LEFT_OUT = 0.05, 0.1


def make(folder: Path, count: int, seed: int) -> float:
    """Write the recordings, and return how many MiB they are."""
    demo = read_bundle(demo_bundle())
    random = np.random.default_rng(seed)
    for number in range(count):
        write(folder / f"{number % 10}" / f"incident_{number:04}.obskit", demo, random)
    return sum(path.stat().st_size for path in folder.rglob("*.obskit")) / 2**20


def write(path: Path, demo: Recording, random: np.random.Generator) -> None:
    """Write one recording that is much like the demo's."""
    path.parent.mkdir(exist_ok=True)
    seen = demo.telemetry
    scale = 1 + SCALE * random.standard_normal(seen.metrics.values.shape[1])
    kept = pa.array(random.random(len(seen.logs)) >= LEFT_OUT)
    telemetry = replace(
        seen,
        metrics=replace(seen.metrics, values=np.ascontiguousarray(seen.metrics.values * scale)),
        logs=Logs(table=seen.logs.table.filter(kept).combine_chunks()),
    )
    write_bundle(path, telemetry, service=demo.service, window=demo.window, made_by="a benchmark")


def here(items: Sequence[Recorded], workers: Workers) -> list[Row]:
    """Sweep with workers of this machine."""
    return list(sweep(items, workers, timeout=TIMEOUT_SECONDS))


def with_a_kill(items: Sequence[Recorded], folder: Path) -> list[Row]:
    """Sweep with a cluster, and kill one of its two workers midway."""
    library: Any = distributed  # most of it has no types
    rows: list[Row] = []
    options: dict[str, Any] = {"n_workers": 2, "threads_per_worker": 1, "silence_logs": logging.CRITICAL}
    with (
        library.LocalCluster(
            host="127.0.0.1", dashboard_address="127.0.0.1:0", local_directory=folder, **options
        ) as cluster,
        library.Client(cluster, set_as_default=False) as client,
    ):
        pids = sorted(client.run(os.getpid).values())
        for row in sweep(items, Workers(scheduler=cluster.scheduler_address), timeout=TIMEOUT_SECONDS):
            rows.append(row)
            if len(rows) == max(1, len(items) // 2):
                os.kill(pids[0], signal.SIGKILL)
        left = sorted(client.run(os.getpid).values())
    tell(f"killed process {pids[0]} of {pids}; at the end there were {left}")
    return rows


def tell(line: str) -> None:
    """Print a line at once: the next takes minutes."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def told(rows: Sequence[Row]) -> list[Row]:
    """Return the rows by name, without what differs from run to run."""
    return sorted((replace(row, seconds=0.0) for row in rows), key=lambda row: row.name)


def main() -> None:
    """Print one line a way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", nargs="?", type=int, default=COUNT)
    parser.add_argument("--seed", type=int, default=7)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="obskit-bench-") as name:
        folder = Path(name)
        (folder / "recordings").mkdir()
        size = make(folder / "recordings", asked.count, asked.seed)
        items = find([str(folder / "recordings")])
        tell(f"{len(items)} recordings, {size:.0f} MiB, seed {asked.seed}")
        ways: dict[str, Callable[[], list[Row]]] = {
            "1 thread": lambda: here(items, Workers(count=1, threads=True)),
            "2 processes": lambda: here(items, Workers(count=2)),
            "cluster, 1 of 2 killed": lambda: with_a_kill(items, folder),
        }
        first: list[Row] = []
        reference = 0.0
        tell(f"{'way':<24} {'rows':>5} {'failed':>6} {'the same':>8} {'s':>7} {'a recording':>11} {'ratio':>6}")
        for way, run in ways.items():
            begin = time.perf_counter()
            rows = run()
            took = time.perf_counter() - begin
            first, reference = first or told(rows), reference or took
            failed = sum(bool(row.error) for row in rows)
            same = "yes" if told(rows) == first else "NO"
            each = took / max(1, len(rows))
            tell(f"{way:<24} {len(rows):>5} {failed:>6} {same:>8} {took:>7.1f} {each:>11.3f} {took / reference:>6.2f}")


if __name__ == "__main__":
    main()
