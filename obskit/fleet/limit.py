"""A time limit for work that cannot be asked to stop."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

#: Whoever waits now, by run; and the runs that were given up.
_waiting: dict[str, set[threading.Event]] = {}
_given_up: set[str] = set()
_gate = threading.Lock()


class LateError(Exception):
    """The time was over before the work was done."""


def within(seconds: float, work: Callable[[], T], *, run: str = "") -> T:
    """Return what *work* returns, or raise what it raises, unless it takes longer.

    It runs in a thread of its own. Python can end no thread: when the time is over it is left behind, and ends when it
    can. Whoever wants its memory back ends the process.

    Args:
        seconds: The limit, more than 0.
        work: Takes nothing, and leaves nothing half done that matters.
        run: Names what it belongs to, for `give_up`.

    Raises:
        LateError: The time was over, or the run was given up.
    """
    done = threading.Event()
    brought: list[T] = []
    raised: list[BaseException] = []

    def work_it() -> None:
        try:
            brought.append(work())
        except BaseException as error:
            raised.append(error)
        done.set()

    with _gate:
        if run in _given_up:
            raise LateError
        _waiting.setdefault(run, set()).add(done)
    # a daemon: what never ends must not keep the process alive
    threading.Thread(target=work_it, daemon=True, name="obskit-sweep").start()
    done.wait(seconds)
    with _gate:
        _waiting[run].discard(done)
        if not _waiting[run]:
            del _waiting[run]
    if raised:
        raise raised[0]
    if not brought:
        raise LateError
    return brought[0]


def give_up(run: str) -> None:
    """Let no work of a run be waited for in this process, now or later.

    Args:
        run: As `within` is told.
    """
    with _gate:
        _given_up.add(run)
        for done in _waiting.get(run, ()):
            done.set()
