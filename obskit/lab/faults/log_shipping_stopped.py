"""The log router has died: the service is well, and its lines arrive no more."""

from __future__ import annotations

from dataclasses import dataclass

from obskit.lab.fault import Fault, Truth
from obskit.lab.lab import Lab


@dataclass(frozen=True, slots=True, kw_only=True)
class LogShippingStopped(Fault):
    """All lines of all services are lost."""

    def start(self, lab: Lab, strength: float) -> str:  # noqa: ARG002 - it has died or it has not
        """Collect no lines."""
        lab.ship_logs(on=False)
        return ""

    def stop(self, lab: Lab) -> None:
        """Collect them again; what was lost stays lost."""
        lab.ship_logs(on=True)


FAULT = LogShippingStopped(
    id="log_shipping_stopped",
    title="log lines arrive no more",
    truth=Truth(cause="telemetry_blind"),
    unit="1: no line arrives",
)
