"""The payment service answers late. The shop gives up after two seconds."""

from __future__ import annotations

from obskit.lab.fault import Truth
from obskit.lab.faults._switched import Switched
from obskit.lab.settings import PAYMENT

FAULT = Switched(
    id="slow_dependency",
    title="the payment service is slow",
    truth=Truth(cause="slow_dependency", culprit=PAYMENT),
    strengths=(0.5, 1.2, 4.0),
    unit="seconds later",
    switch="slow_answers",
    where=PAYMENT,
)
