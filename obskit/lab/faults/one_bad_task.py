"""One task of three is broken, and its siblings are well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from obskit.lab.fault import Fault, Truth
from obskit.lab.lab import Lab
from obskit.lab.settings import SHOP

#: Strength -> the application's fault, its strength and its target.
_KINDS: Final = (("cpu_loop", 1.0, ""), ("block_workers", 1.0, ""), ("bad_database", 1.0, "127.0.0.1:9"))


@dataclass(frozen=True, slots=True, kw_only=True)
class OneBadTask(Fault):
    """It burns CPU, its threads hang, or it has lost its way to the database."""

    def start(self, lab: Lab, strength: float) -> str:
        """Break one task; those that replace it are well."""
        switch, strong, target = _KINDS[min(max(round(strength), 1), len(_KINDS)) - 1]
        return next(iter(lab.break_it(SHOP, switch, strong, target=target, tasks="one")), "")

    def stop(self, lab: Lab) -> None:
        """Mend it, if it is still there."""
        for switch, _, _ in _KINDS:
            lab.mend(SHOP, switch)


FAULT = OneBadTask(
    id="one_bad_task",
    title="one task of three is broken",
    truth=Truth(cause="one_bad_task"),
    strengths=(1.0, 2.0, 3.0),
    unit="1: it burns CPU; 2: its threads hang; 3: it does not reach the database",
)
