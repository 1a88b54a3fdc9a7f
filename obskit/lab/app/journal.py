"""A spool of what is about to be charged, on the task's own disk.

It is no record: it goes with the task, holds the latest only, and nothing reads it back. The record is the row of
the order, which stays pending until it is known what became of it. The spool is here because services write files
(uploads, exports, queues before a slow partner), and are to be seen with a disk that is full.
"""

from __future__ import annotations

import json
import os
import zlib
from pathlib import Path
from typing import Final

#: Files; a new charge takes the place of an old one, so that the folder stays small.
_FILES: Final = 1000


class Journal:
    """Some of the latest charges, a file each; two that fall on the same file leave the later one.

    Args:
        folder: Made with the first entry.
        files: The most.
    """

    def __init__(self, folder: Path, *, files: int = _FILES) -> None:
        self._folder = folder
        self._files = files

    def write(self, order: str, cents: int) -> None:
        """Keep an entry; it is on disk when this returns.

        Raises:
            OSError: The disk is full, read-only or broken.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"{zlib.crc32(order.encode()) % self._files:03d}.json"
        with path.open("w", encoding="utf-8") as file:
            file.write(json.dumps({"order": order, "amount_cents": cents}) + "\n")
            file.flush()
            os.fsync(file.fileno())
