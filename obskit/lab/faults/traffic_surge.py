"""Many more users come than ever before."""

from __future__ import annotations

from dataclasses import dataclass

from obskit.lab.fault import Fault, Truth
from obskit.lab.lab import Lab


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficSurge(Fault):
    """At once, as after an advertisement."""

    def start(self, lab: Lab, strength: float) -> str:
        """Multiply the users."""
        lab.load(strength)
        return ""

    def stop(self, lab: Lab) -> None:
        """Have as many as before."""
        lab.load(1.0)


FAULT = TrafficSurge(
    id="traffic_surge",
    title="a surge of traffic",
    truth=Truth(cause="traffic_surge"),
    strengths=(3.0, 6.0, 12.0),
    unit="times as many users",
    settings={"rate": 8.0},
)
