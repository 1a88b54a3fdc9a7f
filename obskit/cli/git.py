"""Which commit a folder is at."""

from __future__ import annotations

import subprocess
from pathlib import Path


def head(folder: Path) -> str:
    """Return the commit that a folder is at, ``-dirty`` when it was changed since; "" outside a repository."""
    try:
        done = subprocess.run(  # noqa: S603 (git, with a folder that the person named)
            ["git", "-C", str(folder), "describe", "--always", "--abbrev=12", "--dirty", "--exclude=*"],  # noqa: S607 (whichever git the user has)
            capture_output=True,
            text=True,
            check=False,
            timeout=10,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
