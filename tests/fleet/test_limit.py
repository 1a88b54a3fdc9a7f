"""What takes too long is waited for no longer."""

from __future__ import annotations

import threading

import pytest

from obskit.fleet.limit import LateError, give_up, within


def test_work_in_time_brings_its_answer_or_its_error() -> None:
    """The thread that it runs in cannot be noticed."""
    assert within(60, lambda: 42) == 42
    with pytest.raises(ZeroDivisionError):
        within(60, lambda: 1 // 0)


def test_work_that_takes_longer_is_left_behind() -> None:
    """The caller goes on while the work still waits."""
    free, ended = threading.Event(), threading.Event()

    def wait() -> None:
        free.wait()
        ended.set()

    with pytest.raises(LateError):
        within(0.01, wait)
    assert not ended.is_set()
    free.set()
    assert ended.wait(60)


def test_a_run_that_is_given_up_waits_no_more() -> None:
    """Neither what waits already nor what comes later; other runs go on."""
    free, begun = threading.Event(), threading.Event()
    late: list[bool] = []

    def work() -> None:
        begun.set()
        free.wait()

    def wait() -> None:
        try:
            within(3600, work, run="given up")
        except LateError:
            late.append(True)

    waiter = threading.Thread(target=wait)
    waiter.start()
    assert begun.wait(60)
    give_up("given up")
    waiter.join(60)
    free.set()

    assert late == [True]
    with pytest.raises(LateError):
        within(3600, lambda: 1, run="given up")
    assert within(3600, lambda: 1, run="another") == 1
