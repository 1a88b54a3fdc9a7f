"""How fast 100,000 of a window's 1,000,000 lines come from a real Loki: run by hand, from the project's folder.

    OBSKIT_TEST_LOKI_URL=http://localhost:3100 python -m tests.bench.bench_loki [--lines N] [--wanted N] [--runs N]

Lines are pushed first, under a label of their own. Then obskit's source (its counts and its lines)
takes turns with bare requests for time slices, several numbers of slices; the best of those is the
reference. A stand-in answers in another time than a real Loki, so without one nothing is measured.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise

import numpy as np
import requests

from obskit.model import Service, Window, nanoseconds
from obskit.settings import Connection
from obskit.sources import Ask
from obskit.sources.loki import LokiSource
from obskit.sources.loki_read import CONCURRENCY, PAGE_LINES, LokiClient

SERVICE = "bench-shop"
TASKS = 8
#: Lines in one push: some MB, below what a Loki takes.
BATCH = 10_000
#: Numbers of slices that the reference tries.
SLICES = (20, 24, 30, 40, 60)
LONGEST_SECONDS = 300.0


def say(text: str) -> None:
    """Write one line."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def push(url: str, run: str, window: Window, lines: int) -> None:
    """Push lines evenly over the window, ascending, one in a hundred an error."""
    start, end = nanoseconds(window.start), nanoseconds(window.end)
    times = np.linspace(start, end - 1, lines, dtype=np.int64)
    with requests.Session() as session:
        for first in range(0, lines, BATCH):
            streams = []
            for task in range(TASKS):
                chosen = range(first + task, min(first + BATCH, lines), TASKS)
                values = [[str(times[i]), line_of(i)] for i in chosen]
                labels = {"service": SERVICE, "task_id": f"{task:016x}", "run": run}
                streams.append({"stream": labels, "values": values})
            answer = session.post(f"{url}/loki/api/v1/push", json={"streams": streams}, timeout=60)
            answer.raise_for_status()


def line_of(number: int) -> str:
    """Return one line of about 120 characters."""
    if number % 100 == 0:
        return (
            f"ERROR request {number:08x} of order {number} failed: timed out after {number % 977} ms (attempt 3 of 3)"
        )
    request = f'"GET /api/orders/{number} HTTP/1.1" 200 {number % 4099}'
    return f"INFO 10.0.{number % 250}.7 {request} {number % 97}ms trace={number:016x}"


def sliced(client: LokiClient, selector: str, window: Window, wanted: int, slices: int) -> int:
    """Fetch lines in equal slices of time at once and return how many came: the reference."""
    edges = np.linspace(nanoseconds(window.start), nanoseconds(window.end), slices + 1, dtype=np.int64).tolist()
    each, deadline = min(PAGE_LINES, -(-wanted // slices)), time.monotonic() + LONGEST_SECONDS
    with ThreadPoolExecutor(CONCURRENCY) as pool:
        pages = pool.map(
            lambda span: client.lines(selector, "service", span[0], span[1], each, deadline)[0],
            pairwise(edges),
        )
        return sum(page.num_rows for page in pages)


def seconds_of(call: Callable[[], object]) -> float:
    """Return how long a call takes, seconds."""
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def main() -> None:
    """Push, fetch both ways, print seconds and their ratio."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--wanted", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    url = os.environ.get("OBSKIT_TEST_LOKI_URL", "").rstrip("/")
    if not url:
        say("not measured: OBSKIT_TEST_LOKI_URL names no Loki")
        return
    end = datetime.now(UTC).replace(microsecond=0)
    window = Window(start=end - timedelta(minutes=50), end=end)
    run = f"r{int(end.timestamp())}"
    say(f"pushing {given.lines:,} lines")
    push(url, run, window, given.lines)
    connection = Connection(url=url, timeout_seconds=LONGEST_SECONDS)
    source = LokiSource(connection, max_lines=given.wanted, selector=f'{{run="{run}"}}')
    client, selector = LokiClient(connection), f'{{run="{run}",service="{SERVICE}"}}'

    def ours() -> None:
        ask = Ask(service=Service(name=SERVICE), window=window, deadline=time.monotonic() + LONGEST_SECONDS)
        answer = source.answer(ask)
        came.append((len(answer.logs), len(answer.gaps)))

    came: list[tuple[int, int]] = []
    mine: list[float] = []
    theirs: dict[int, list[float]] = {slices: [] for slices in SLICES}
    for _ in range(given.runs):
        mine.append(seconds_of(ours))
        for slices, taken in theirs.items():
            taken.append(seconds_of(partial(sliced, client, selector, window, given.wanted, slices)))
    slices, best = min(((n, min(taken)) for n, taken in theirs.items()), key=lambda pair: pair[1])
    for n, taken in theirs.items():
        say(f"  {n} bare slices: {min(taken):.2f} s")
    say(f"  obskit: {min(mine):.2f} s for {came[-1][0]:,} lines and {came[-1][1]} gaps, counts and sample included")
    say(f"  ratio to the best of the bare slices ({slices}): {min(mine) / best:.2f}")


if __name__ == "__main__":
    main()
