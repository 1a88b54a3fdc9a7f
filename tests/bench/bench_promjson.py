"""How fast Prometheus' range answers become columns: run by hand, from the project's folder.

    python -m tests.bench.bench_promjson [--series 5000] [--points 240] [--runs 5] [--no-server]

First the decoding of one body beside ``orjson.loads`` of the same bytes, in turns; then, where
Debian's Prometheus is installed, a real query: obskit's own source beside prometheus-api-client
(``custom_query_range`` and ``MetricRangeDataFrame``) on the same server. Figures are ratios.
"""

from __future__ import annotations

import argparse
import gc
import random
import shutil
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
from prometheus_api_client import MetricRangeDataFrame, PrometheusConnect

from obskit.model import Service, Window
from obskit.settings import Connection
from obskit.sources import Ask
from obskit.sources.http import fetch, session_for
from obskit.sources.prometheus_read import Grid, PrometheusClient
from obskit.sources.promjson import decode_range
from tests.support.servers import PrometheusServer

STEP = 15
BEGIN = datetime(2026, 1, 31, 3, 0, tzinfo=UTC)
NAME = "http_server_request_duration_seconds_count"


def labels_of(number: int) -> dict[str, str]:
    """Return the labels of one series: one of forty services' tasks and routes."""
    task, route = f"{number // 25:016x}", f"/api/v1/route-{number % 25}"
    return {"__name__": NAME, "service": f"svc-{number // 125}", "task_id": task, "http_route": route}


def body_of(series: int, points: int) -> bytes:
    """Return an answer as Prometheus words it."""
    values = random.Random(5)
    begin = int(BEGIN.timestamp())
    times = [begin + STEP * i for i in range(points)]
    rows = []
    for n in range(series):
        pairs = ",".join([f'[{t},"{values.lognormvariate(0, 3)!r}"]' for t in times])
        rows.append(f'{{"metric":{orjson.dumps(labels_of(n)).decode()},"values":[{pairs}]}}')
    whole = ",".join(rows)
    return f'{{"status":"success","data":{{"resultType":"matrix","result":[{whole}]}}}}'.encode()


@dataclass(frozen=True, slots=True)
class Taken:
    """What the runs of one call took: seconds on the clock, and of this process' processor time."""

    clock: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{min(self.clock):.3f} s (median {statistics.median(self.clock):.3f}, CPU {min(self.processor):.3f})"


def in_turns(runs: int, *calls: Callable[[], object]) -> list[Taken]:
    """Return what each run of each call took; they take turns, so that a busy moment meets all."""
    taken = [Taken() for _ in calls]
    for _ in range(runs):
        for one, call in zip(taken, calls, strict=True):
            gc.collect()
            begin, used = time.perf_counter(), time.process_time()
            call()
            one.processor.append(time.process_time() - used)
            one.clock.append(time.perf_counter() - begin)
    return taken


def ratios(one: Taken, other: Taken) -> str:
    """Return one over the other: of the best, of the medians, and of this process' best processor times."""
    best, middle = min(one.clock) / min(other.clock), statistics.median(one.clock) / statistics.median(other.clock)
    return f"best {best:.2f}, medians {middle:.2f}, CPU {min(one.processor) / min(other.processor):.2f}"


def memory_of(call: Callable[[], object]) -> float | None:
    """Return by how much the highest resident size exceeds what is resident now, bytes; None off Linux."""
    try:
        Path("/proc/self/clear_refs").write_text("5")  # the highest begins anew
        before = _status("VmRSS")
        kept = call()
        most = _status("VmHWM")
    except OSError:
        return None
    del kept
    return most - before


def _status(key: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024.0 for line in lines if line.startswith(key))


def say(text: str) -> None:
    """Write one line."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def decoding(series: int, points: int, runs: int) -> None:
    """Print the decoder's time and memory beside orjson's on the same bytes."""
    body = body_of(series, points)
    size = len(body)
    begin = BEGIN.timestamp()

    def ours() -> object:
        return decode_range(body, begin, STEP, points).values

    decode_range(body[: body.index(b"]]")] + b"]]}]}}", begin, STEP, points)  # its imports are not meant
    memory, theirs = memory_of(ours), memory_of(lambda: orjson.loads(body))
    say(f"{series:,} series x {points}, {size / 1e6:.1f} MB")
    if memory is not None and theirs is not None:
        say(f"  memory beyond the body, result included: decode {memory / size:.2f}, orjson {theirs / size:.2f} bodies")
    mine, parsed = in_turns(runs, ours, lambda: orjson.loads(body))
    say(f"  decode {mine}, orjson.loads {parsed}")
    say(f"  decode / orjson.loads: {ratios(mine, parsed)}")


def stored(series: int, points: int) -> Iterator[tuple[dict[str, str], list[tuple[int, float]]]]:
    """Yield what is written to the server."""
    values = random.Random(5)
    begin = int(BEGIN.timestamp()) * 1000
    for n in range(series):
        yield labels_of(n), [(begin + STEP * 1000 * i, values.lognormvariate(0, 3)) for i in range(points)]


def asking(series: int, points: int, runs: int) -> None:
    """Print a real query's time beside prometheus-api-client's."""
    if shutil.which(PrometheusServer.program) is None:
        say("a real query was not measured: prometheus is not installed")
        return
    end = BEGIN + timedelta(seconds=STEP * (points - 1))
    with PrometheusServer() as server:
        server.write(stored(series, points))
        connection = Connection(url=server.url, timeout_seconds=120)
        source, session = PrometheusClient(connection), session_for(connection)
        grid = Grid(BEGIN.timestamp(), STEP, points)

        def ask() -> Ask:
            window = Window(start=BEGIN, end=end, step=timedelta(seconds=STEP))
            return Ask(service=Service(name="svc-0"), window=window, deadline=time.monotonic() + 120)

        def ours() -> object:
            return source.matrix(ask(), NAME, grid)

        def bytes_only() -> object:
            span = {"start": f"{BEGIN.timestamp()}", "end": f"{end.timestamp()}", "step": f"{STEP}", "query": NAME}
            url = f"{server.url}/api/v1/query_range"
            return fetch(session, url, name="Prometheus", deadline=time.monotonic() + 120, timeout=120, data=span)

        def theirs() -> object:
            client = PrometheusConnect(url=server.url)
            return MetricRangeDataFrame(client.custom_query_range(NAME, BEGIN, end, f"{STEP}"))

        answer = source.matrix(ask(), NAME, grid)
        say(f"a real query: {answer.values.shape[1]:,} series x {answer.values.shape[0]}")
        mine, fetched, other = in_turns(runs, ours, bytes_only, theirs)
        say(f"  obskit {mine}, of it the bytes alone {fetched}")
        say(f"  prometheus-api-client {other}")
        say(f"  prometheus-api-client / obskit: {ratios(other, mine)}")


def main() -> None:
    """Print both comparisons."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--series", type=int, default=5000)
    parser.add_argument("--points", type=int, default=240)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--no-server", action="store_true", help="decode only")
    given = parser.parse_args()
    decoding(given.series, given.points, given.runs)
    if not given.no_server:
        asking(given.series, given.points, max(2, given.runs // 2))


if __name__ == "__main__":
    main()
