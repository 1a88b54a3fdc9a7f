"""Faults of the process and its machine: CPU, memory, disk, descriptors, threads, and the end of it."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import math
import os
import threading
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Final, NoReturn

import anyio
import anyio.to_thread

from . import goods
from .fault import MEBIBYTE, End, Fault, Scene, Wish, again

#: Nothing above debug: what a fault itself says is no evidence of it.
_LOG: Final = logging.getLogger(__name__)
#: In whose name harmless errors are told.
_GOODS_LOG: Final = logging.getLogger(goods.__name__)
#: A thread that burns CPU looks so often whether it shall still.
_TURN_SECONDS: Final = 0.05
_SECOND: Final = 1.0
#: gunicorn's code for a worker that cannot start: the supervisor ends with it, and so does the task.
_EXIT_BOOT: Final = 3
_HARMLESS: Final = (
    "could not refresh exchange rates, keeping yesterday's: 404 from rates.example",
    "recommendations are empty for this customer, showing best sellers",
    "newsletter address is not valid, skipped",
    "picture has no thumbnail yet, showing the large one",
)


def faults(scene: Scene) -> tuple[Fault, ...]:
    """Return them."""
    return (
        Fault(name="cpu_loop", unit="cores, each worker", usual=1, most=16, begin=_cpu_loop),
        Fault(name="memory_leak", unit="MiB a second, each worker", usual=5, most=1024, begin=_memory_leak),
        Fault(
            name="disk_fill",
            unit="MiB, written to the target or the journal's folder",
            usual=64,
            most=2**20,
            begin=lambda wish: _disk_fill(wish, Path(wish.target) if wish.target else scene.settings.journal_folder),
            once=True,
        ),
        Fault(name="fd_leak", unit="descriptors a second, each worker", usual=20, most=10000, begin=_fd_leak),
        Fault(
            name="block_workers",
            unit="share of the threads of each worker",
            usual=1,
            most=1,
            begin=lambda wish: _block_workers(wish, scene),
        ),
        Fault(
            name="block_loop",
            unit="seconds that each worker's event loop hangs, again and again",
            usual=1,
            most=60,
            begin=lambda wish: _block_loop(wish, scene),
        ),
        Fault(name="log_burst", unit="harmless errors a second, each worker", usual=20, most=5000, begin=_log_burst),
        Fault(name="crash", unit="the task ends with code 3", usual=1, most=1, begin=_crash),
        Fault(
            name="crash_worker",
            unit="exit code of each worker, again and again",
            usual=1,
            most=255,
            begin=_crash_worker,
        ),
    )


def _cpu_loop(wish: Wish) -> End:
    """Burn CPU in Python itself, so that requests wait for the interpreter too."""
    over = threading.Event()

    def burn(share: float) -> None:
        while not over.is_set():
            # CPU time, not time: on a busy machine, or beside requests, a loop waits for its turn as all others do.
            rested, until = time.perf_counter() + _TURN_SECONDS, time.thread_time() + share * _TURN_SECONDS
            number = 1
            while time.thread_time() < until:
                number = number * 1103515245 + 12345 & 0x7FFFFFFF
            if share < 1:
                over.wait(max(rested - time.perf_counter(), 0.0))

    shares = [min(1.0, wish.strength - thread) for thread in range(math.ceil(wish.strength))]
    threads = [threading.Thread(target=burn, args=(share,), name="fault-cpu", daemon=True) for share in shares]
    for thread in threads:
        thread.start()

    def end() -> None:
        over.set()
        for thread in threads:
            thread.join()

    return end


def _memory_leak(wish: Wish) -> End:
    held: list[bytearray] = []
    # Filled with something: untouched pages are no memory.
    stop = again(_SECOND, lambda: held.append(bytearray(b"\x01") * round(wish.strength * MEBIBYTE)), name=wish.name)

    def end() -> None:
        stop()
        held.clear()

    return end


def _disk_fill(wish: Wish, folder: Path) -> End:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"fault-{os.getpid()}.fill"
    file = path.open("wb", buffering=0)
    left = [round(wish.strength)]
    block = b"\x01" * MEBIBYTE

    def write() -> None:
        try:
            while left[0] > 0:
                file.write(block)
                left[0] -= 1
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            # What still fits, so that not even a small file has room.
            with contextlib.suppress(OSError):
                while file.write(b"\x01" * 4096):
                    pass
            _LOG.debug("the disk is full", exc_info=True)

    stop = again(_SECOND, write, name=wish.name)

    def end() -> None:
        stop()
        file.close()
        path.unlink(missing_ok=True)

    return end


def _fd_leak(wish: Wish) -> End:
    held: list[int] = []

    def leak() -> None:
        try:
            held.extend(os.open(os.devnull, os.O_RDONLY) for _ in range(math.ceil(wish.strength)))
        except OSError as error:
            if error.errno not in (errno.EMFILE, errno.ENFILE):
                raise
            _LOG.debug("no descriptor is left", exc_info=True)

    # extend() keeps what was opened before the one that failed.
    stop = again(_SECOND, leak, name=wish.name)

    def end() -> None:
        stop()
        for descriptor in held:
            os.close(descriptor)

    return end


def _block_workers(wish: Wish, scene: Scene) -> End:
    over = threading.Event()
    loop, threads = _running(scene)
    tasks: list[asyncio.Task[None]] = []

    async def block() -> None:
        await anyio.to_thread.run_sync(over.wait)

    def begin() -> None:
        tasks.extend(loop.create_task(block()) for _ in range(math.ceil(wish.strength * threads.total_tokens)))

    loop.call_soon_threadsafe(begin)
    return over.set


def _block_loop(wish: Wish, scene: Scene) -> End:
    over = threading.Event()
    loop, _ = _running(scene)

    def block() -> None:
        if not over.wait(wish.strength):
            # Between two hangs some requests are served: a loop that never turns is a dead worker instead.
            loop.call_later(_TURN_SECONDS, block)

    loop.call_soon_threadsafe(block)
    return over.set


def _running(scene: Scene) -> tuple[asyncio.AbstractEventLoop, anyio.CapacityLimiter]:
    if scene.loop is None or scene.threads is None:
        raise RuntimeError("the worker has not started")
    return scene.loop, scene.threads


def _log_burst(wish: Wish) -> End:
    numbers: Iterator[int] = count()

    def write() -> None:
        _GOODS_LOG.error("%s (customer %d)", _HARMLESS[(number := next(numbers)) % len(_HARMLESS)], 1000 + number)

    return again(1 / wish.strength, write, name=wish.name)


def _crash(_: Wish) -> NoReturn:
    _die(_EXIT_BOOT)


def _crash_worker(wish: Wish) -> NoReturn:
    _die(round(wish.strength))


def _die(code: int) -> NoReturn:
    """End at once, as a process does that nobody catches, after the last words that it would have."""
    prices: dict[str, int] = {}
    try:
        prices["currency"] += 1
    except KeyError:
        _LOG.critical("fatal error, ending", exc_info=True)
    os._exit(code)
