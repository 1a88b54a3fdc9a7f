"""The payment service answers 429: its quota is used up."""

from __future__ import annotations

from obskit.lab.fault import Truth
from obskit.lab.faults._switched import Switched
from obskit.lab.settings import PAYMENT

FAULT = Switched(
    id="throttled_dependency",
    title="the payment service throttles",
    truth=Truth(cause="throttled", culprit=PAYMENT),
    strengths=(0.3, 0.7, 1.0),
    unit="share of its answers that are a 429",
    switch="throttled_answers",
    where=PAYMENT,
)
