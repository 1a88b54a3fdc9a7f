"""Connections are taken from the pool and never given back, in every task and in those that replace them."""

from __future__ import annotations

from dataclasses import dataclass

from obskit.lab.fault import Fault, Truth
from obskit.lab.lab import Lab
from obskit.lab.settings import SHOP


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakConnections(Fault):
    """A code path that forgets to close."""

    def start(self, lab: Lab, strength: float) -> str:
        """Leak so many connections a second in each task."""
        lab.break_it(SHOP, "leak_connections", strength)
        return ""

    def stop(self, lab: Lab) -> None:
        """Give them back."""
        lab.mend(SHOP, "leak_connections")


FAULT = LeakConnections(
    id="leak_connections",
    title="connections are leaked until the pool is exhausted",
    truth=Truth(cause="db_pool_exhausted", decoys=("cpu_saturation",)),
    strengths=(0.1, 0.25, 1.0),
    unit="connections a second that never come back, each task",
)
