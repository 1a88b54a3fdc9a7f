"""Files that are written whole or not at all, and the folders that obskit brings along."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from obskit.errors import UsageError

_SHIPPED = Path(__file__).parent / "_shipped"
_REPOSITORY = Path(__file__).parents[1]


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that takes the place of *path* when the block ends well, and leaves no trace when not.

    Whoever reads *path* sees the old content or the new, never a half. A link stays a link.

    Raises:
        OSError: The folder is not there or cannot be written.
    """
    target = path.resolve()
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:100]}.")
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.chmod(0o666 & ~_umask())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text as UTF-8, whole or not at all.

    Raises:
        UsageError: It cannot be written.
    """
    try:
        with whole_file(path) as file:
            file.write(text.encode("utf-8", "replace"))
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}", hint="name another place") from error


def folder_of(kind: str) -> Path:
    """Return the folder of ``dashboards``, ``alerts`` or ``runbooks``: the current one's, or what obskit brings.

    Args:
        kind: Its name.
    """
    own = Path(kind)
    if own.is_dir():
        return own
    shipped = _SHIPPED / kind
    return shipped if shipped.is_dir() else _REPOSITORY / kind


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
