"""Files are opened and never closed, until the process may open none: no connection is accepted either."""

from __future__ import annotations

from obskit.lab.fault import Truth
from obskit.lab.faults._switched import Switched

FAULT = Switched(
    id="descriptors_exhausted",
    title="file descriptors are leaked until none is left",
    truth=Truth(cause="file_descriptors_exhausted"),
    strengths=(15.0, 30.0, 100.0),
    unit="descriptors a second, each task; it may have 1024",
    switch="fd_leak",
)
