"""Worker threads wait for something that never comes; what is left serves all requests, or nothing does."""

from __future__ import annotations

from obskit.lab.fault import Truth
from obskit.lab.faults._switched import Switched

FAULT = Switched(
    id="workers_starved",
    title="worker threads hang",
    truth=Truth(cause="worker_saturation"),
    strengths=(0.7, 0.9, 1.0),
    unit="share of the threads of each task",
    switch="block_workers",
)
