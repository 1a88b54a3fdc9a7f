"""Every worker burns CPU in Python, beside and against its requests.

Two tasks of half a core each, so that they fit a small machine.
"""

from __future__ import annotations

from obskit.lab.fault import Truth
from obskit.lab.faults._switched import Switched

FAULT = Switched(
    id="cpu_loop",
    title="a loop burns the tasks' CPU",
    truth=Truth(cause="cpu_saturation"),
    strengths=(0.4, 0.55, 0.9),
    unit="cores, each task; it has half a one",
    switch="cpu_loop",
    settings={"tasks": 2, "cpu": 512},
)
