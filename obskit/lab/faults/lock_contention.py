"""A session locks rows, or all of the table, and then does nothing: the shop's statements wait, and time out."""

from __future__ import annotations

from dataclasses import dataclass

from obskit.lab.fault import Fault, Truth
from obskit.lab.lab import Lab
from obskit.lab.settings import SHOP
from obskit.model import DATABASE


@dataclass(frozen=True, slots=True, kw_only=True)
class LockContention(Fault):
    """One session of one task, forgotten in a transaction."""

    def start(self, lab: Lab, strength: float) -> str:
        """Lock; one task does so for all, who wait the same."""
        lab.break_it(SHOP, "hold_locks", strength, tasks="one")
        return ""

    def stop(self, lab: Lab) -> None:
        """Let go."""
        lab.mend(SHOP, "hold_locks")


FAULT = LockContention(
    id="lock_contention",
    title="a forgotten transaction holds locks",
    truth=Truth(cause="lock_contention", culprit=DATABASE),
    # Of 24 products: twelve; all, so that every order waits; the whole table, so that readers wait as well.
    strengths=(0.13, 0.25, 1.0),
    unit="0.25 locks the rows of all products, 1 the table against readers too",
)
