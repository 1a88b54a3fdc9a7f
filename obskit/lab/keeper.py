"""The lab's keeper: starts the supervisor, and whatever ends first, leaves no process and no folder behind.

All that the lab starts are descendants of the keeper, and orphans among them fall to it: so it finds them all,
even after ``kill -9`` of the supervisor. It ends when the supervisor does, when it is told to, or when whoever
started it closes its standard input, which a process does that is killed. If the keeper itself is killed, the
supervisor is told by the kernel and stops in order.

``python -m obskit.lab.keeper FOLDER [--attached]``
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Final

from obskit.lab import kernel, machine, state

#: The supervisor stops all it has started within this time, or is killed.
STOP_SECONDS: Final = 20.0
_LOOK_SECONDS: Final = 0.05
_WAIT_SECONDS: Final = 0.5


def main(arguments: list[str]) -> int:
    """Keep a lab until its end, and return the supervisor's exit code.

    Args:
        arguments: The folder, and ``--attached`` when standard input says whether somebody still wants it.
    """
    folder, attached = Path(arguments[0]), "--attached" in arguments
    os.umask(0o077)
    kernel.adopt_orphans()
    told = _Told()
    with (folder / state.LOG).open("ab") as log:
        supervisor = subprocess.Popen(  # noqa: S603 - ourselves
            [sys.executable, "-m", "obskit.lab.supervisor", str(folder), str(os.getpid())],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=folder,
        )
    try:
        _wait(supervisor, told, attached=attached)
    finally:
        code = _stop(supervisor)
        end_descendants()
        state.clear(folder)
    return code


class _Told:
    """Whether a signal has come that asks to end."""

    def __init__(self) -> None:
        self.now = False
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._hear)

    def _hear(self, _number: int, _frame: FrameType | None) -> None:
        self.now = True


def _wait(supervisor: subprocess.Popen[bytes], told: _Told, *, attached: bool) -> None:
    """Return when the supervisor has ended or shall end."""
    ended = os.pidfd_open(supervisor.pid)
    try:
        watched = [ended, *([sys.stdin.fileno()] if attached else [])]
        while not told.now:
            ready, _, _ = select.select(watched, [], [], _WAIT_SECONDS)
            _bury_orphans(supervisor.pid)
            if ended in ready or (ready and not os.read(ready[0], 1024)):
                return
    finally:
        os.close(ended)


def _bury_orphans(supervisor: int) -> None:
    """Take note of the end of what has fallen to us, so that the kernel may forget it."""
    look = os.WEXITED | os.WNOHANG | os.WNOWAIT
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitid(os.P_ALL, 0, look)) and ended.si_pid != supervisor:
            os.waitpid(ended.si_pid, 0)


def _stop(supervisor: subprocess.Popen[bytes]) -> int:
    with contextlib.suppress(ProcessLookupError):
        supervisor.terminate()
    try:
        return supervisor.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        supervisor.kill()
        return supervisor.wait()


def end_descendants() -> None:
    """Kill children until there are none: those of a killed one become ours, and are next.

    Only after `obskit.lab.kernel.adopt_orphans`, by a process that waits for nobody else.
    """
    while True:
        for child in machine.children(os.getpid()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(_LOOK_SECONDS)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
