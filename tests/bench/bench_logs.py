"""How well and how fast log lines are grouped, beside drain3 on the same lines.

    python tests/bench/bench_logs.py FOLDER

FOLDER holds one folder a data set: ``NAME/NAME_2k.log`` and ``NAME/NAME_2k.log_structured.csv``
with the columns ``Content`` and ``EventId``. Grouping accuracy is the share of lines whose group
holds exactly the lines of one true event.
"""

from __future__ import annotations

import csv
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
from drain3 import TemplateMiner
from drain3.template_miner_config import TemplateMinerConfig

from obskit.incident.logs import find_in_logs
from obskit.incident.templates import mine
from obskit.model import Logs, Window, nanoseconds

#: Lines that the speed is measured on; the samples are repeated with other numbers to get there.
SPEED_LINES = 100_000
DRAIN_LINES = 20_000


def accuracy(found: Sequence[Hashable], truth: Sequence[Hashable]) -> float:
    """Return the share of lines whose group is exactly one true event."""
    groups: dict[Hashable, set[int]] = defaultdict(set)
    events: dict[Hashable, set[int]] = defaultdict(set)
    for i, (group, event) in enumerate(zip(found, truth, strict=True)):
        groups[group].add(i)
        events[event].add(i)
    true = {frozenset(lines) for lines in events.values()}
    return sum(len(lines) for lines in groups.values() if frozenset(lines) in true) / len(found)


def drained(lines: Sequence[str]) -> list[int]:
    """Return drain3's group of each line, with its settings as they come."""
    miner = TemplateMiner(config=TemplateMinerConfig())
    return [int(miner.add_log_message(line)["cluster_id"]) for line in lines]


def seconds(run: Callable[[], object], repeat: int = 3) -> float:
    """Return the best wall time of some runs."""
    times = []
    for _ in range(repeat):
        begin = time.perf_counter()
        run()
        times.append(time.perf_counter() - begin)
    return min(times)


def say(text: str) -> None:
    """Write one line."""
    sys.stdout.write(text + "\n")


def main(folder: Path) -> None:
    """Print accuracy and speed."""
    scores: list[tuple[float, float]] = []
    raw: list[str] = []
    for path in sorted(folder.glob("*/*_structured.csv")):
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        lines, truth = [r["Content"] for r in rows], [r["EventId"] for r in rows]
        raw += path.with_name(path.name.removesuffix("_structured.csv")).read_text(errors="replace").splitlines()
        scores.append((accuracy(mine(pa.array(lines)).ids.tolist(), truth), accuracy(drained(lines), truth)))
        say(f"{path.parent.name:12} obskit {scores[-1][0]:.3f}  drain3 {scores[-1][1]:.3f}")
    ours, theirs = (sum(column) / len(scores) for column in zip(*scores, strict=True))
    say(f"{'mean':12} obskit {ours:.3f}  drain3 {theirs:.3f}")

    repeated = (raw * (SPEED_LINES // len(raw) + 1))[:SPEED_LINES]
    many = [f"{line} n={i}" for i, line in enumerate(repeated)]
    column = pa.array(many)
    fast = SPEED_LINES / seconds(lambda: mine(column))
    slow = DRAIN_LINES / seconds(lambda: drained(many[:DRAIN_LINES]), 1)
    size = sum(map(len, many)) / len(many)
    say(f"mining, {size:.0f} characters a line: {fast:,.0f} lines/s, drain3 {slow:,.0f}, ratio {fast / slow:.1f}")

    start = datetime(2026, 1, 31, tzinfo=UTC)
    window = Window(start=start + timedelta(minutes=10), end=start + timedelta(minutes=40))
    step = 2400 * 10**9 // SPEED_LINES
    times = [nanoseconds(start) + i * step for i in range(SPEED_LINES)]
    logs = Logs.of(times, ["shop"] * SPEED_LINES, [f"t{i % 3}" for i in range(SPEED_LINES)], [""] * SPEED_LINES, many)
    whole = seconds(lambda: find_in_logs(logs, window=window, service="shop"))
    say(f"find_in_logs on {SPEED_LINES:,} lines: {whole:.2f} s")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
