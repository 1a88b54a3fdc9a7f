"""The file system that holds the shop's journals is full: a small tmpfs, so that nobody else's disk is."""

from __future__ import annotations

from obskit.lab.fault import Truth
from obskit.lab.faults._switched import Switched

FAULT = Switched(
    id="disk_full",
    title="the disk of the journals is full",
    truth=Truth(cause="disk_full"),
    strengths=(64.0,),
    unit="MiB that are written to a disk of 16",
    switch="disk_fill",
    settings={"disk": 16},
)
