"""What the operating system and Python tell of the worker processes.

prometheus_client leaves these metrics out where there are several processes, hence this module: each worker
takes a numbered place, and whichever is scraped reads ``/proc`` for all of them.
"""

from __future__ import annotations

import fcntl
import gc
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from . import metrics
from .settings import shared_metrics

_PROC: Final = Path("/proc")
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
#: Between two looks at pools, threads and the collector.
SAMPLE_SECONDS: Final = 1.0


class Place:
    """The lowest free number among a task's workers; the kernel frees it when the process ends, however it ends.

    Args:
        folder: The same for all workers of a task.

    Attributes:
        number: From 0 on.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.number = 0
        while True:
            self._file = (folder / f"worker-{self.number}").open("a+", encoding="ascii")
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                self._file.close()
                self.number += 1
        self._file.truncate(0)
        self._file.write(str(os.getpid()))
        self._file.flush()
        metrics.take_place(self.number)

    def leave(self) -> None:
        """Free the number."""
        metrics.forget(self.number)
        self._file.truncate(0)
        self._file.close()


def forget(folder: Path, process: int) -> None:
    """Take a worker out of the gauges that ended without leaving its place.

    Args:
        folder: That of `Place`.
        process: Its id. Whoever took the place since has another one.
    """
    for path in folder.glob("worker-*"):
        if path.read_text("ascii") == str(process):
            metrics.forget(int(path.name.removeprefix("worker-")))


def _processes(folder: Path) -> Iterator[tuple[str, int]]:
    """Yield the name and id of the supervisor and of each worker."""
    found = [(path.name, path.read_text("ascii")) for path in sorted(folder.glob("worker-*"))]
    workers = {name: int(text) for name, text in found if text.isdigit()}
    if shared_metrics():
        yield "supervisor", os.getppid()
    yield from workers.items()


class Processes(Collector):
    """CPU, memory, descriptors, threads and start of each process, labelled ``process``.

    One series a process and not one sum: a sum of counters would fall whenever a worker ends.

    Args:
        folder: That of `Place`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._booted = _boot_seconds()

    def collect(self) -> Iterable[Metric]:
        """Return the metrics as they are now; a process that has just ended has none."""
        labels = ["process"]
        cpu = CounterMetricFamily("process_cpu_seconds", "CPU time used.", labels=labels)
        memory = GaugeMetricFamily("process_resident_memory_bytes", "Memory held.", labels=labels)
        virtual = GaugeMetricFamily("process_virtual_memory_bytes", "Address space.", labels=labels)
        start = GaugeMetricFamily("process_start_time_seconds", "Start, since 1970.", labels=labels)
        opened = GaugeMetricFamily("process_open_fds", "Open file descriptors.", labels=labels)
        most = GaugeMetricFamily("process_max_fds", "The most file descriptors.", labels=labels)
        threads = GaugeMetricFamily("process_threads", "Threads.", labels=labels)
        for name, number in _processes(self._folder):
            try:
                # The name in parentheses may itself hold spaces and parentheses; what follows is numbers.
                words = (_PROC / str(number) / "stat").read_text().rpartition(")")[2].split()
                descriptors = sum(1 for _ in os.scandir(_PROC / str(number) / "fd"))
                limit = _most_descriptors(number)
            except OSError:
                continue
            cpu.add_metric([name], (int(words[11]) + int(words[12])) / _TICKS)
            threads.add_metric([name], int(words[17]))
            start.add_metric([name], self._booted + int(words[19]) / _TICKS)
            virtual.add_metric([name], int(words[20]))
            memory.add_metric([name], int(words[21]) * _PAGE)
            opened.add_metric([name], descriptors)
            most.add_metric([name], limit)
        return (cpu, memory, virtual, start, opened, most, threads)


def _boot_seconds() -> float:
    lines = (_PROC / "stat").read_text().splitlines()
    return float(next(line for line in lines if line.startswith("btime ")).split()[1])


def _most_descriptors(process: int) -> float:
    lines = (_PROC / str(process) / "limits").read_text().splitlines()
    word = next(line for line in lines if line.startswith("Max open files")).split()[3]
    return float("inf") if word == "unlimited" else float(word)


class Sampler:
    """Looks once a second, in a thread of its own, at what nobody reports.

    A garbage collection is not counted where it happens: it may happen while the counter is locked.

    Args:
        look: What else to look at.
        call_soon: ``call_soon_threadsafe`` of the event loop whose lag is taken.
    """

    def __init__(self, look: Callable[[], None], call_soon: Callable[[Callable[[], None]], object]) -> None:
        self._look = look
        self._call_soon = call_soon
        self._collections = [0] * len(gc.get_stats())
        self._asked = 0.0
        self._lag = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sampler", daemon=True)

    def start(self) -> None:
        """Look for the first time, and go on looking."""
        self.sample()
        self._thread.start()

    def stop(self) -> None:
        """End, and wait for the end."""
        self._over.set()
        self._thread.join()

    def sample(self) -> None:
        """Look once."""
        for generation, stats in enumerate(gc.get_stats()):
            new = stats["collections"] - self._collections[generation]
            metrics.COLLECTIONS.labels(str(generation)).inc(new)
            self._collections[generation] = stats["collections"]
        self._look()
        now = time.monotonic()
        # An answer that is still owed is as late as it has been owed for.
        metrics.LOOP_LAG.set(now - self._asked if self._asked else self._lag)
        if not self._asked:
            self._asked = now
            self._call_soon(self._answer)

    def _answer(self) -> None:
        self._lag = time.monotonic() - self._asked
        self._asked = 0.0

    def _run(self) -> None:
        while not self._over.wait(SAMPLE_SECONDS):
            self.sample()
