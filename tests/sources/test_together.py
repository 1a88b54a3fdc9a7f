"""Several things at once, under one deadline."""

from __future__ import annotations

import threading
import time

from obskit.sources.together import at_once


def test_answers_and_failures_come_back_in_order() -> None:
    """What one raises is handed over and does not touch the others."""

    def fail() -> int:
        raise ValueError("no")

    first, second, third = at_once([lambda: 1, fail, lambda: 3], time.monotonic() + 10, name="t")

    assert (first, third) == (1, 3)
    assert isinstance(second, ValueError)


def test_what_is_late_is_left_behind_and_does_not_keep_the_process_alive() -> None:
    """A thread that hangs is a daemon: the interpreter ends without it."""
    let_go = threading.Event()

    def hang() -> int:
        let_go.wait(60)
        return 2

    brought = at_once([lambda: 1, hang], time.monotonic() + 0.2, name="hanging")
    left = [t for t in threading.enumerate() if t.name == "hanging-1"]
    let_go.set()

    assert brought == [1, None]
    assert [t.daemon for t in left] == [True]
