"""Faults that the application brings about itself, where it is told to: `obskit.lab.app.faults`."""

from __future__ import annotations

from dataclasses import dataclass

from obskit.lab.fault import Fault
from obskit.lab.lab import Lab
from obskit.lab.settings import SHOP


@dataclass(frozen=True, slots=True, kw_only=True)
class Switched(Fault):
    """Switched on in all tasks of a service and in those that replace them.

    Attributes:
        switch: As the application calls it.
        where: The service.
        target: An address, for switches that need one.
    """

    switch: str
    where: str = SHOP
    target: str = ""

    def start(self, lab: Lab, strength: float) -> str:
        """Switch it on."""
        lab.break_it(self.where, self.switch, strength, target=self.target)
        return ""

    def stop(self, lab: Lab) -> None:
        """Switch it off."""
        lab.mend(self.where, self.switch)
