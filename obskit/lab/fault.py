"""What a fault of the lab is: how it begins, how strong it can be, how it ends, and what it is called in truth.

One file a fault in `obskit.lab.faults`, with a module-level ``FAULT``; its name is the fault's id.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from obskit.discover import modules_in
from obskit.errors import UsageError
from obskit.lab.settings import SHOP
from obskit.settings_values import nearest

if TYPE_CHECKING:
    from obskit.lab.lab import Lab

#: The cause of a decoy: nothing is wrong.
NOTHING: Final = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What a recording of the fault is labelled with.

    Attributes:
        cause: One of triage's causes, or `NOTHING` for a decoy.
        culprit: The service or entity that is to blame.
        acceptable: Other right first answers.
        decoys: Innocents that are there at the same time.
        service: Whom triage is asked about.
    """

    cause: str
    culprit: str = SHOP
    acceptable: tuple[str, ...] = ()
    decoys: tuple[str, ...] = ()
    service: str = SHOP


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault(ABC):
    """One way to break the lab, for real.

    Attributes:
        id: Its file's name.
        title: What is broken, for people.
        truth: The label.
        strengths: From weak to strong, in `unit`; the middle one is usual.
        unit: What a strength says.
        settings: What the lab has to be started with: names of `LabSettings` -> values.
    """

    id: str
    title: str
    truth: Truth
    strengths: tuple[float, ...] = (1.0,)
    unit: str = ""
    settings: Mapping[str, object] = field(default_factory=dict)

    @property
    def usual(self) -> float:
        """The strength where none is given."""
        return self.strengths[len(self.strengths) // 2]

    def checked(self, strength: float | None) -> float:
        """Return a strength that the fault has; the usual one for None.

        Raises:
            UsageError: It is weaker or stronger than any that was tried.
        """
        if strength is None:
            return self.usual
        low, high = min(self.strengths), max(self.strengths)
        if not low <= strength <= high:
            raise UsageError(
                f"{self.id} has no strength {strength:g}", where={"from": f"{low:g}", "to": f"{high:g}"}, hint=self.unit
            )
        return strength

    @abstractmethod
    def start(self, lab: Lab, strength: float) -> str:
        """Break.

        Args:
            lab: One that runs.
            strength: In `unit`.

        Returns:
            The id of the one task that is to blame; "" when it is all of them, or none.
        """

    @abstractmethod
    def stop(self, lab: Lab) -> None:
        """Mend, as far as that can be; called also when `start` failed halfway."""


def all_faults() -> dict[str, Fault]:
    """Return every fault by id."""
    found = {}
    for module in modules_in("obskit.lab.faults"):
        fault: Fault = module.FAULT
        found[fault.id] = fault
    return found


def fault_named(name: str) -> Fault:
    """Return a fault.

    Raises:
        UsageError: There is none of this id; it says which one is near.
    """
    known = all_faults()
    if name not in known:
        # who names a cause means the fault that brings it about
        near = ", ".join(one for one, fault in known.items() if fault.truth.cause == name)
        hint = f"did you mean {near}?" if near else nearest(name, known, otherwise="obskit lab faults")
        raise UsageError(f"there is no fault {name[:80]!r}", where={"known": ", ".join(known)}, hint=hint)
    return known[name]
