"""Two wishes to the kernel that Python has no words for: whom orphans fall to, and what a parent's death brings."""

from __future__ import annotations

import ctypes
import os
import signal
from typing import Final

# <linux/prctl.h>
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_CHILD_SUBREAPER: Final = 36


def adopt_orphans() -> None:
    """Become the parent of whatever descendant loses its own, however it was started.

    Raises:
        OSError: The kernel cannot.
    """
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def end_with_parent(parent: int, number: int = signal.SIGTERM) -> None:
    """Get a signal when the parent's thread that started us ends.

    Args:
        parent: Who it was; if it has ended already, the signal comes now.
        number: The signal.

    Raises:
        OSError: The kernel cannot.
    """
    _prctl(_PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:
        os.kill(os.getpid(), number)


def _prctl(option: int, value: int) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if library.prctl(option, value, 0, 0, 0):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
