"""A decoy: a job on the same machine takes what CPU is left, and gives it back to whoever wants it."""

from __future__ import annotations

from dataclasses import dataclass

from obskit.lab.fault import NOTHING, Fault, Truth
from obskit.lab.lab import Lab


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchJob(Fault):
    """Niced as far as can be: the node is busy, the services hardly feel it."""

    def start(self, lab: Lab, strength: float) -> str:
        """Run it."""
        lab.run_jobs(round(strength))
        return ""

    def stop(self, lab: Lab) -> None:
        """End it."""
        lab.run_jobs(0)


FAULT = BatchJob(
    id="batch_job",
    title="a noisy batch job on the node",
    truth=Truth(cause=NOTHING, decoys=("node_pressure",)),
    strengths=(1.0, 2.0),
    unit="processes of nice 19",
)
