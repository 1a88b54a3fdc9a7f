"""Worker threads wait for something that never comes: a task without one answers its checks, and nobody else."""

from __future__ import annotations

from dataclasses import dataclass

from obskit.lab.fault import Fault, Truth
from obskit.lab.lab import Lab
from obskit.lab.settings import SHOP


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkersStarved(Fault):
    """In most tasks, or in all and those that replace them."""

    def start(self, lab: Lab, strength: float) -> str:
        """Let all threads of so many tasks hang; a thread that is left would do the work of all."""
        if strength >= 1:
            lab.break_it(SHOP, "block_workers", 1)
            return ""
        tasks = [task["id"] for task in lab.status()["services"][SHOP]["tasks"]]
        for task in tasks[: max(1, round(strength * len(tasks)))]:
            lab.break_it(SHOP, "block_workers", 1, tasks=task)
        return ""

    def stop(self, lab: Lab) -> None:
        """Let them go on."""
        lab.mend(SHOP, "block_workers")


FAULT = WorkersStarved(
    id="workers_starved",
    title="worker threads hang",
    truth=Truth(cause="worker_saturation"),
    strengths=(0.67, 1.0),
    unit="share of the tasks whose threads all hang",
)
