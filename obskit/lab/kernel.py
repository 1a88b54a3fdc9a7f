"""Wishes to the kernel that Python has no words for: orphans, a parent's death, a file system that nobody else sees."""

from __future__ import annotations

import ctypes
import os
import signal
from pathlib import Path
from typing import Final

# <linux/prctl.h>
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_CHILD_SUBREAPER: Final = 36
# <linux/sched.h>, <linux/mount.h>, <sys/mount.h>
_CLONE_NEWNS: Final = 0x20000
_MS_REC_PRIVATE: Final = 0x4000 | 1 << 18
_MS_NOSUID_NODEV: Final = 2 | 4
_MNT_DETACH: Final = 2


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


def mount_small(folder: Path, mebibytes: int) -> None:
    """Mount an empty file system of a fixed size that only we and our descendants see; it goes when we all have ended.

    Only before other threads run: they would not see it.

    Args:
        folder: Where; it exists.
        mebibytes: So much fits.

    Raises:
        OSError: We are not root, or the kernel cannot.
    """
    library = ctypes.CDLL(None, use_errno=True)
    _checked(library.unshare(_CLONE_NEWNS))
    # What we mount must not spread to where everybody looks.
    _checked(library.mount(b"none", b"/", None, ctypes.c_ulong(_MS_REC_PRIVATE), None))
    size = f"size={mebibytes}m,mode=0700".encode()
    _checked(library.mount(b"tmpfs", os.fsencode(folder), b"tmpfs", ctypes.c_ulong(_MS_NOSUID_NODEV), size))


def unmount(folder: Path) -> None:
    """Take away what `mount_small` mounted, if it did."""
    ctypes.CDLL(None).umount2(os.fsencode(folder), _MNT_DETACH)


def _checked(failed: int) -> None:
    if failed:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _prctl(option: int, value: int) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    _checked(library.prctl(option, value, 0, 0, 0))
