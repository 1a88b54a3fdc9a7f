"""How well and how fast log lines are grouped, beside drain3 on the same lines.

    python tests/bench/bench_logs.py FOLDER

FOLDER holds one folder a sample with its ``*_structured.csv`` (columns ``Content`` and
``EventId``), as LogHub lays them out: ``NAME/NAME_2k.log_structured.csv``. Grouping accuracy
(GA) is the share of lines whose group holds exactly the lines of one true event.

Two ways are scored and timed: `mine`, for which all levels and statuses are alike, as in the truth,
and `read_records`, which triage uses: it keeps statuses, levels, known wordings and what failed in
errors apart, which costs accuracy where the truth has them together.

drain3 runs with its settings as they come, obskit has none; nothing knows which sample it reads.
"""

from __future__ import annotations

import csv
import os
import random
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pyarrow as pa
from drain3 import TemplateMiner
from drain3.template_miner_config import TemplateMinerConfig

from obskit.incident.logs import find_in_logs
from obskit.incident.templates import mine, read_records
from obskit.model import Logs, Window, nanoseconds

#: Lines that the speed is measured on, and those of them that drain3 gets: its speed is the same for more.
SPEED_LINES, DRAIN_LINES = 1_000_000, 20_000
#: Lines of one Arrow array.
CHUNK = 10_000
#: Characters of a line that the speed is measured on.
LINE_LENGTH = 80
#: Lines that go through the whole stage of triage.
STAGE_LINES = 100_000
#: Kinds of lines with values that change from line to line: what services of ours write.
KINDS = (
    "INFO request {trace:016x} GET /products/{n} 200 in {ms} ms for customer {user}",
    "WARN connection to 10.0.{a}.{b}:{port} is slow: {ms} ms, attempt {a} of 5, pool shop",
    "INFO order {n} accepted by worker-{a}, total {ms}.{b:02d} EUR, {a} items, customer {user}",
    "INFO block blk_{trace} of {port} bytes is read at offset {n}, checked and answered",
    "ERROR timeout after {ms} ms: trace={trace:016x} attempt={a} host=10.0.{a}.{b} user={user}",
)


def accuracy(found: Sequence[Hashable], truth: Sequence[Hashable]) -> float:
    """Return the share of lines whose group is exactly one true event."""
    groups: dict[Hashable, set[int]] = defaultdict(set)
    events: dict[Hashable, set[int]] = defaultdict(set)
    for i, (found_in, event) in enumerate(zip(found, truth, strict=True)):
        groups[found_in].add(i)
        events[event].add(i)
    true = {frozenset(lines) for lines in events.values()}
    return sum(len(lines) for lines in groups.values() if frozenset(lines) in true) / len(found)


def read(lines: Sequence[str], levels: Sequence[str]) -> list[int]:
    """Return the template that triage sees of each line; each has a task of its own, so that none is a trace's."""
    table = Logs.of(range(len(lines)), ["shop"] * len(lines), [f"t{i}" for i in range(len(lines))], levels, lines).table
    records = read_records(table)
    assert records.time_ns.tolist() == list(range(len(lines)))
    return [int(template) for template in records.template]


def drained(lines: Sequence[str]) -> list[int]:
    """Return drain3's group of each line, with its settings as they come."""
    miner = TemplateMiner(config=TemplateMinerConfig())
    return [int(miner.add_log_message(line)["cluster_id"]) for line in lines]


def numbered(first: int, count: int) -> list[str]:
    """Return lines of `LINE_LENGTH` characters whose numbers and ids differ from line to line."""
    rng = random.Random(first)
    lines = []
    for i in range(first, first + count):
        values = {"n": rng.randrange(10**6), "ms": rng.randrange(1000), "port": rng.randrange(1024, 65536)}
        values |= {"a": rng.randrange(10), "b": rng.randrange(100), "user": i, "trace": rng.getrandbits(64)}
        line = f"{KINDS[i % len(KINDS)].format(**values)} "
        lines.append(f"{line}{'and so on and on and on'[: max(LINE_LENGTH - len(line), 0)]}"[:LINE_LENGTH])
    return lines


def different(count: int) -> pa.ChunkedArray:
    """Return lines of `LINE_LENGTH` characters in ten words, none of which is ever used again: the worst there is."""
    random_bytes = np.random.default_rng(1).integers(ord("a"), ord("z") + 1, (count, LINE_LENGTH), np.uint8)
    random_bytes[:, 8::8] = ord(" ")
    offsets = pa.py_buffer(np.arange(count + 1, dtype=np.int64) * LINE_LENGTH)
    lines = pa.Array.from_buffers(pa.large_string(), count, [None, offsets, pa.py_buffer(random_bytes)])
    return pa.chunked_array([lines.slice(i, CHUNK) for i in range(0, count, CHUNK)])


def seconds(run: Callable[[], object], repeat: int = 3) -> float:
    """Return the least processor time of some runs: what one core needs, whoever else is at work."""
    times = []
    for _ in range(repeat):
        begin = time.process_time()
        run()
        times.append(time.process_time() - begin)
    return min(times)


def peak_rss() -> float:
    """Return the most memory that this process had since `forget_peak`, in MB (Linux only)."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def forget_peak() -> None:
    """Start to measure `peak_rss` anew."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def say(text: str) -> None:
    """Write one line."""
    sys.stdout.write(text + "\n")


def in_columns(scores: Sequence[float]) -> str:
    """Return the accuracy of the three ways as it stands under their names."""
    ours, records, theirs = scores
    return f"{ours:11.3f}{records:12.3f}{theirs:11.3f}"


def main(folder: Path) -> None:
    """Print accuracy and speed."""
    names = [f"{name} {version(name)}" for name in ("obskit", "drain3", "pyarrow", "numpy")]
    say(f"{', '.join(names)}; Python {sys.version.split()[0]}, {os.cpu_count()} cores, one used")
    say(f"{'sample':14}{'lines':>8}{'events':>8}{'mine GA':>11}{'records GA':>12}{'drain3 GA':>11}")
    scores: list[tuple[float, ...]] = []
    for path in sorted(folder.glob("*/*_structured.csv")):
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        lines, truth = [r["Content"] for r in rows], [r["EventId"] for r in rows]
        levels = [r.get("Level", "") for r in rows]
        ways = (mine(pa.array(lines)).ids.tolist(), read(lines, levels), drained(lines))
        scores.append(tuple(accuracy(way, truth) for way in ways))
        say(f"{path.parent.name:14}{len(lines):8}{len(set(truth)):8}{in_columns(scores[-1])}")
    columns = list(zip(*scores, strict=True))
    say(f"{'mean':30}{in_columns([sum(column) / len(column) for column in columns])}")
    say(f"{'lowest':30}{in_columns([min(column) for column in columns])}")

    stage = numbered(0, STAGE_LINES)
    column = pa.chunked_array([numbered(i, CHUNK) for i in range(0, SPEED_LINES, CHUNK)], pa.large_string())
    forget_peak()
    before = peak_rss()
    fast = SPEED_LINES / seconds(lambda: mine(column))
    more = peak_rss() - before
    slow = DRAIN_LINES / seconds(lambda: drained(stage[:DRAIN_LINES]))
    count = SPEED_LINES
    table = Logs.of(
        range(count), ["shop"] * count, [f"t{i % 3}" for i in range(count)], [""] * count, column.to_pylist()
    ).table
    whole = SPEED_LINES / seconds(lambda: read_records(table))
    say(f"{'lines a second':30}{fast:11,.0f}{whole:12,.0f}{slow:11,.0f}   ratios {fast / slow:.1f}, {whole / slow:.1f}")
    say(
        f"({SPEED_LINES:,} and {DRAIN_LINES:,} lines of {LINE_LENGTH} characters, processor time; "
        f"peak memory {more:.0f} MB above the {before:.0f} MB before, {column.nbytes / 2**20:.0f} MB of them the lines)"
    )

    column = different(SPEED_LINES)
    forget_peak()
    before = peak_rss()
    fast = SPEED_LINES / seconds(lambda: mine(column), repeat=1)
    say(
        f"lines that share no word: {fast:,.0f} a second, peak memory {peak_rss() - before:.0f} MB more, "
        f"{column.nbytes / 2**20:.0f} MB are the lines"
    )

    begin = datetime(2026, 1, 31, tzinfo=UTC)
    window = Window(start=begin + timedelta(minutes=10), end=begin + timedelta(minutes=40))
    step = 2400 * 10**9 // STAGE_LINES
    times = [nanoseconds(begin) + i * step for i in range(STAGE_LINES)]
    logs = Logs.of(times, ["shop"] * STAGE_LINES, [f"t{i % 3}" for i in range(STAGE_LINES)], [""] * STAGE_LINES, stage)
    took = seconds(lambda: find_in_logs(logs, window=window, service="shop"))
    say(f"find_in_logs on {STAGE_LINES:,} lines: {took:.2f} s")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
