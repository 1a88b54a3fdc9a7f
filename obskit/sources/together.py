"""Does several things at once and leaves behind what is late."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def at_once(work: Sequence[Callable[[], T]], deadline: float, *, name: str) -> list[T | BaseException | None]:
    """Run each in a thread of its own and return what each brought: its answer, what it raised, or None when late.

    Threads are daemons: a pool's would be joined when the process ends, and a server that sends a
    byte now and then could hold back a report that was long printed.

    Args:
        work: A handful of things; each gets a thread.
        deadline: ``time.monotonic()`` beyond which nothing is waited for.
        name: Begins the threads' names.
    """
    brought: dict[int, T | BaseException] = {}
    done = threading.Condition()

    def run(number: int, one: Callable[[], T]) -> None:
        answer: T | BaseException
        try:
            answer = one()
        except BaseException as error:
            answer = error
        with done:
            brought[number] = answer
            done.notify_all()

    for number, one in enumerate(work):
        threading.Thread(target=run, args=(number, one), daemon=True, name=f"{name}-{number}").start()
    with done:
        done.wait_for(lambda: len(brought) == len(work), timeout=max(0.0, deadline - time.monotonic()))
        return [brought.get(number) for number in range(len(work))]
