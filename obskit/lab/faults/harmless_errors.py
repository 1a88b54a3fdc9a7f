"""A decoy: lines of level error that mean nothing, and that nobody had written before."""

from __future__ import annotations

from obskit.lab.fault import NOTHING, Truth
from obskit.lab.faults._switched import Switched

FAULT = Switched(
    id="harmless_errors",
    title="a burst of harmless errors in the log",
    truth=Truth(cause=NOTHING, decoys=("a burst of harmless errors",)),
    strengths=(2.0, 10.0, 40.0),
    unit="lines a second, each task",
    switch="log_burst",
)
