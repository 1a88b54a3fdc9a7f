"""Files that are written whole or not at all, and the folders that obskit brings along."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Literal

from obskit.errors import UsageError

_SHIPPED = Path(__file__).parent / "_shipped"
_REPOSITORY = Path(__file__).parents[1]

State = Literal["wrote", "same", "removed", "kept"]

#: Beside what `write_all` wrote: a list of it, for the next time.
STAMP = ".obskit-build"


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that takes the place of *path* when the block ends well, and leaves no trace when not.

    Whoever reads *path* sees the old content or the new, never a half. A link stays a link.

    Raises:
        OSError: The folder is not there or cannot be written, or links lead in a circle.
    """
    try:
        target = path.resolve()
    except RuntimeError as error:  # pathlib's word for a circle of links, up to Python 3.12
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP)) from error
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
            file.write(_bytes_of(text))
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}", hint="name another place") from error


def write_all(files: Mapping[str, str], out: Path, *, by: str, complete: bool = True) -> tuple[tuple[Path, State], ...]:
    """Write files below a folder, and take away what an earlier run wrote there and this one does not.

    Only what the folder's `STAMP` lists for the same *by*, and what still holds the very bytes that
    were written, is taken away: never anybody else's file, nor one that somebody has changed since.

    Args:
        files: Path below the folder, with ``/`` -> text.
        out: The folder; made where it is missing.
        by: Which command writes, so that two that share a folder leave each other's files alone.
        complete: These are all of the command's files; False for a part, and then nothing is taken away.

    Returns:
        Each file and what became of it, those of *files* first, in order: ``wrote`` it, it was the
        ``same``, ``removed`` it, or ``kept`` it because it was changed since we wrote it.

    Raises:
        UsageError: The folder cannot be written.
    """
    stamp = _read_stamp(out)
    before = stamp.get(by, {})
    found: list[tuple[Path, State]] = []
    try:
        for name, text in files.items():
            path = out / name
            path.parent.mkdir(parents=True, exist_ok=True)
            state: State = "same" if _content(path) == _bytes_of(text) else "wrote"
            if state == "wrote":
                write_text(path, text)
            found.append((path, state))
        left = before.keys() - files.keys()
        for name in sorted(left if complete else ()):
            state = _take_away(out, name, before[name])
            found += [(out / name, state)] if state != "same" else []
    except OSError as error:
        raise UsageError(f"{out} cannot be written: {error.strerror}", hint="name another folder: --out DIR") from error
    written = {name: _sum(_bytes_of(text)) for name, text in files.items()}
    now = {**stamp, by: written if complete else {**before, **written}}
    if now != stamp:
        write_text(out / STAMP, json.dumps(now, indent=1, sort_keys=True) + "\n")
    return tuple(found)


def _take_away(out: Path, name: str, content: str) -> State:
    """Remove a file that we wrote; ``same`` when it is gone already."""
    path = out / name
    with contextlib.suppress(OSError, RuntimeError):
        if not path.parent.resolve().is_relative_to(out.resolve()):
            return "same"  # a link leads elsewhere by now, or the stamp is not what we wrote
        held = _content(path)
        if held is None:
            return "same"
        if _sum(held) == content:
            path.unlink()
            return "removed"
    return "kept"


def _read_stamp(out: Path) -> dict[str, dict[str, str]]:
    """Return what was written: command -> path -> sum of its content. Of a damaged stamp nothing is believed."""
    try:
        found = json.loads((out / STAMP).read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {
        str(by): {str(name): str(content) for name, content in names.items()}
        for by, names in found.items()
        if isinstance(names, dict)
    }


def _content(path: Path) -> bytes | None:
    """Return a file's bytes; None where there is none."""
    return path.read_bytes() if path.is_file() else None


def _bytes_of(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _sum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


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
