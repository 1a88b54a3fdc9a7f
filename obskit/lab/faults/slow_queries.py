"""Queries of products take long in the database itself, and hold their connections meanwhile."""

from __future__ import annotations

from obskit.lab.fault import Truth
from obskit.lab.faults._switched import Switched
from obskit.model import DATABASE

FAULT = Switched(
    id="slow_queries",
    title="queries have become slow and hold connections",
    truth=Truth(cause="slow_queries", culprit=DATABASE),
    strengths=(0.5, 1.5, 3.0),
    unit="seconds more for each query of products",
    switch="slow_queries",
)
