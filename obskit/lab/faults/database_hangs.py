"""PostgreSQL's processes stand still: connections stay open and nothing answers, as where a disk hangs."""

from __future__ import annotations

import contextlib
import os
import signal
from dataclasses import dataclass
from pathlib import Path

from obskit.errors import SourceError
from obskit.lab import machine, state
from obskit.lab.fault import Fault, Truth
from obskit.lab.lab import Lab
from obskit.model import DATABASE


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseHangs(Fault):
    """The server's processes are stopped by a signal, not ended."""

    def start(self, lab: Lab, strength: float) -> str:
        """Stop all of its processes, or only those that serve somebody by now.

        Raises:
            SourceError: PostgreSQL does not run.
        """
        server = _server(lab)
        if not server:
            raise SourceError(
                "PostgreSQL does not run, so that it cannot hang", hint="obskit lab inject database_down --stop"
            )
        if strength >= 1:  # first, so that it has no further child
            os.kill(server, signal.SIGSTOP)
        _send(machine.children(server), signal.SIGSTOP)
        return ""

    def stop(self, lab: Lab) -> None:
        """Let them go on; a server that was ended meanwhile needs nothing."""
        if server := _server(lab):
            _send([*machine.children(server), server], signal.SIGCONT)


def _server(lab: Lab) -> int:
    """Return the process id of the lab's PostgreSQL; 0 where it does not run.

    0 would be our own process group to a signal, and the kernel's processes to whoever asks for children; and an id
    is used again once its process has ended. PostgreSQL works in its data folder, which is the lab's alone.
    """
    # Read anew: a server that was started again has another id.
    process = state.read(lab.folder).programs.get("postgres", 0)
    if process <= 0:
        return 0
    with contextlib.suppress(OSError):
        if Path(f"/proc/{process}/cwd").readlink().is_relative_to((lab.folder / "postgres").resolve()):
            return process
    return 0


def _send(processes: list[int], number: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, number)


FAULT = DatabaseHangs(
    id="database_hangs",
    title="the database hangs",
    truth=Truth(cause="database_unreachable", culprit=DATABASE),
    strengths=(0.5, 1.0),
    unit="0.5: the connections of the moment, new ones are served; 1: all of it",
)
