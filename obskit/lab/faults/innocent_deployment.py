"""A decoy: a release that is as good as the one before."""

from __future__ import annotations

from dataclasses import dataclass

from obskit.lab.fault import NOTHING, Fault, Truth
from obskit.lab.lab import Lab
from obskit.lab.settings import SERVICES, SHOP


@dataclass(frozen=True, slots=True, kw_only=True)
class InnocentDeployment(Fault):
    """New tasks, new ids, new version, no trouble."""

    def start(self, lab: Lab, strength: float) -> str:
        """Roll it out."""
        for service in SERVICES if strength > 1 else (SHOP,):
            lab.release(service, tag="next")
        return ""

    def stop(self, lab: Lab) -> None:
        """Leave it: nothing is wrong with it."""


FAULT = InnocentDeployment(
    id="innocent_deployment",
    title="a deployment that breaks nothing",
    truth=Truth(cause=NOTHING, decoys=("bad_deployment",)),
    strengths=(1.0, 2.0),
    unit="services that are deployed",
)
