"""Memory is taken and never given back; a task that has taken more than it has is killed."""

from __future__ import annotations

from obskit.lab.fault import Truth
from obskit.lab.faults._switched import Switched

FAULT = Switched(
    id="memory_leak",
    title="memory is leaked until tasks are killed",
    truth=Truth(cause="memory_leak", acceptable=("memory_exhausted",)),
    strengths=(1.5, 4.0, 12.0),
    unit="MiB a second, each task; it has 384 and begins with about 90",
    switch="memory_leak",
)
