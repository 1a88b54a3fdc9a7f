"""PostgreSQL is stopped at once: connections break, and new ones are refused."""

from __future__ import annotations

from dataclasses import dataclass

from obskit.lab.fault import Fault, Truth
from obskit.lab.lab import Lab
from obskit.model import DATABASE


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseDown(Fault):
    """The server's process is gone."""

    def start(self, lab: Lab, strength: float) -> str:  # noqa: ARG002 - it is down or it is not
        """Stop the server, without a word to its clients."""
        lab.run_database(on=False)
        return ""

    def stop(self, lab: Lab) -> None:
        """Start it again."""
        lab.run_database(on=True)


FAULT = DatabaseDown(
    id="database_down",
    title="the database is down",
    truth=Truth(cause="database_unreachable", culprit=DATABASE),
    unit="1: stopped",
)
