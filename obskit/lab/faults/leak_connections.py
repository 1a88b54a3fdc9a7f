"""Connections are taken from the pool and never given back, in every task and in those that replace them."""

from __future__ import annotations

from obskit.lab.fault import Truth
from obskit.lab.faults._switched import Switched

FAULT = Switched(
    id="leak_connections",
    title="connections are leaked until the pool is exhausted",
    truth=Truth(cause="db_pool_exhausted"),
    strengths=(0.15, 0.4, 2.0),
    unit="connections a second that never come back, each task",
    switch="leak_connections",
)
