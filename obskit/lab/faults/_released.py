"""Faults that come with a new revision of the shop."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from obskit.lab.fault import Fault
from obskit.lab.lab import Lab
from obskit.lab.settings import SHOP

#: For releases whose tasks end at once, again and again: without a pause between two starts, which Fargate takes too,
#: their starts alone would make a small machine busy, which is another fault.
SLOW_START: Final[Mapping[str, object]] = {"provision": 10.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What the new revision differs in.

    Attributes:
        environment: Over that of the lab.
        command: Instead of the application.
    """

    environment: tuple[tuple[str, str], ...] = ()
    command: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Released(Fault):
    """Rolled out as any other release."""

    @abstractmethod
    def change(self, strength: float) -> Change:
        """Return the new revision."""

    def start(self, lab: Lab, strength: float) -> str:
        """Roll it out."""
        change = self.change(strength)
        lab.release(SHOP, environment=dict(change.environment), command=change.command)
        return ""

    def stop(self, lab: Lab) -> None:
        """Roll out the revision that was good."""
        lab.release(SHOP)
