"""A decoy: nothing happens."""

from __future__ import annotations

from dataclasses import dataclass

from obskit.lab.fault import NOTHING, Fault, Truth
from obskit.lab.lab import Lab


@dataclass(frozen=True, slots=True, kw_only=True)
class Calm(Fault):
    """Users come and go; more or fewer than before, as on any day."""

    def start(self, lab: Lab, strength: float) -> str:
        """Change the number of users a little, or not at all."""
        lab.load(strength)
        return ""

    def stop(self, lab: Lab) -> None:
        """Have as many as before."""
        lab.load(1.0)


FAULT = Calm(
    id="calm",
    title="a calm window",
    truth=Truth(cause=NOTHING),
    strengths=(0.8, 1.0, 1.2),
    unit="times as many users",
)
