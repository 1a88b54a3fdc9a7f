"""A release with a setting that is wrong or missing: each new task says so and ends with code 78.

It has come to RUNNING before: ECS does not roll back, and starts the next one.
"""

from __future__ import annotations

from dataclasses import dataclass

from obskit.lab.fault import Truth
from obskit.lab.faults._released import SLOW_START, Change, Released


@dataclass(frozen=True, slots=True, kw_only=True)
class BadConfiguration(Released):
    """The program is as good as before; what it is given is not."""

    def change(self, strength: float) -> Change:
        """No number where one is wanted, or nothing where something is."""
        wrong = ("DATABASE_PORT", "five-four-three-two") if strength < 2 else ("DATABASE_PASSWORD", "")
        return Change(environment=(wrong,))


FAULT = BadConfiguration(
    id="bad_configuration",
    title="a release has a wrong setting",
    truth=Truth(cause="bad_configuration", acceptable=("bad_deployment",)),
    strengths=(1.0, 2.0),
    unit="1: a value is no number; 2: a variable is missing",
    settings=SLOW_START,
)
