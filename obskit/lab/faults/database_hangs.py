"""PostgreSQL's processes stand still: connections stay open and nothing answers, as where a disk hangs."""

from __future__ import annotations

import contextlib
import os
import signal
from dataclasses import dataclass

from obskit.lab import machine, state
from obskit.lab.fault import Fault, Truth
from obskit.lab.lab import Lab
from obskit.model import DATABASE


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseHangs(Fault):
    """The server's processes are stopped by a signal, not ended."""

    def start(self, lab: Lab, strength: float) -> str:
        """Stop all of its processes, or only those that serve somebody by now."""
        server = _server(lab)
        if strength >= 1:  # first, so that it has no further child
            os.kill(server, signal.SIGSTOP)
        _send(machine.children(server), signal.SIGSTOP)
        return ""

    def stop(self, lab: Lab) -> None:
        """Let them go on."""
        server = _server(lab)
        _send([*machine.children(server), server], signal.SIGCONT)


def _server(lab: Lab) -> int:
    # Read anew: a server that was started again has another id.
    return state.read(lab.folder).programs["postgres"]


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
