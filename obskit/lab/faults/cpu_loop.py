"""Every worker burns CPU in Python, beside and against its requests.

Two tasks of half a core each, so that they fit a small machine. Nothing holds a process of the lab to its task's
CPU, as Fargate does: the strengths leave room for what the application itself uses (a tenth of a core), so that no
task uses more than it has.
"""

from __future__ import annotations

from obskit.lab.fault import Truth
from obskit.lab.faults._switched import Switched

FAULT = Switched(
    id="cpu_loop",
    title="a loop burns the tasks' CPU",
    truth=Truth(cause="cpu_saturation"),
    strengths=(0.25, 0.35, 0.4),
    unit="cores, each task; it has half a one",
    switch="cpu_loop",
    settings={"tasks": 2, "cpu": 512},
)
