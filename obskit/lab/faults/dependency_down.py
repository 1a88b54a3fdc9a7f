"""The payment service fails: it answers 500, or none of its tasks is left."""

from __future__ import annotations

from dataclasses import dataclass

from obskit.lab.fault import Fault, Truth
from obskit.lab.lab import Lab
from obskit.lab.settings import PAYMENT


@dataclass(frozen=True, slots=True, kw_only=True)
class DependencyDown(Fault):
    """Partly, wholly, or gone."""

    def start(self, lab: Lab, strength: float) -> str:
        """Let a share of its answers fail, or end its tasks."""
        if strength > 1:
            lab.scale(0, PAYMENT)
        else:
            lab.break_it(PAYMENT, "failing_answers", strength)
        return ""

    def stop(self, lab: Lab) -> None:
        """Have as many tasks as before, which do not fail."""
        lab.scale(lab.settings.count(PAYMENT), PAYMENT)
        lab.mend(PAYMENT, "failing_answers")


FAULT = DependencyDown(
    id="dependency_down",
    title="the payment service is down",
    truth=Truth(cause="dependency_down", culprit=PAYMENT),
    strengths=(0.5, 1.0, 2.0),
    unit="share of its answers that are a 500; 2: no task of it is left",
)
