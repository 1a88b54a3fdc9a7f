"""A batch job: it takes all the CPU that nobody else wants, and writes a little: ``python -m obskit.lab.batch``.

It is as polite as a job can be (nice 19), works for nobody, and ends only when it is stopped.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import zlib
from typing import Final

#: What the supervisor calls it.
NAME: Final = "batch-job"
COMMAND: Final = (sys.executable, "-m", "obskit.lab.batch")
_PIECE: Final = 256 * 1024
_NICE: Final = 19


def work(piece: bytes) -> bytes:
    """Pack a piece and return its digest, as a job that makes backups does."""
    return hashlib.sha256(zlib.compress(piece, 6)).digest()


def main() -> None:
    """Work for ever."""
    os.nice(_NICE)
    with tempfile.TemporaryFile() as file:
        while True:
            file.seek(0)
            piece = os.urandom(_PIECE // 2) * 2
            file.write(piece)
            file.write(work(piece))


if __name__ == "__main__":
    main()
