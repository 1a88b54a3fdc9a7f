"""A release that starts, passes its checks, takes the place of the old one, and then crashes again and again."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Final

from obskit.lab.fault import Truth
from obskit.lab.faults._released import Change, Released

#: The application as it is, and a part of it that nobody catches the failure of.
_CODE: Final = """
import os, threading, traceback
from obskit.lab.app.__main__ import main

def warm_up():
    try:
        len(None)
    except TypeError:
        traceback.print_exc()
        os._exit(1)

threading.Timer({seconds}, warm_up).start()
raise SystemExit(main([]))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrashingRevision(Released):
    """Its users feel it, unlike that of one that never starts."""

    def change(self, strength: float) -> Change:
        """A program that crashes some seconds after its start."""
        return Change(command=(sys.executable, "-c", _CODE.format(seconds=60 / strength)))


FAULT = CrashingRevision(
    id="crashing_revision",
    title="a release crashes some seconds after its start",
    truth=Truth(cause="bad_deployment"),
    strengths=(1.5, 3.0, 5.0),
    unit="crashes a minute, each task",
)
