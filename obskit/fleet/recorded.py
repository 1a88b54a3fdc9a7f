"""Recordings in files, folders and globs, here or wherever fsspec reaches."""

from __future__ import annotations

import contextlib
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from obskit.errors import BundleError, SourceError, UsageError
from obskit.evaluation.corpus import SUFFIX
from obskit.fleet.extra import fsspec
from obskit.fleet.item import Seen, reason, shown

_MAGIC = re.compile(r"[*?\[]")
#: What a recording is called in a folder of its own, beside ``truth.json``: its name is the folder's.
_OWN_FOLDER = f"/incident{SUFFIX}"
#: What is read of a remote recording at once.
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One recording.

    Attributes:
        name: Its path below what was typed, without ``.obskit``; as `obskit evaluate` calls it.
        path: On this machine; of a remote one, as its file system calls it.
        target: The URL that was typed and leads to that file system; "" for this machine's own.
        services: Only recordings of these are wanted; empty: of all.
    """

    name: str
    path: str = field(repr=False)
    target: str = field(default="", repr=False)  # may hold a password or a signature
    services: tuple[str, ...] = ()

    def seen(self, scratch: Path | None) -> Seen | None:
        """Read the recording; a remote one by way of a file that is removed again.

        Raises:
            BundleError: It is not there, may not be read, or is no recording.
            OSError: It could not be fetched; another try may help.
        """
        from obskit.sources.bundle import read_bundle

        if not self.target:
            recording = read_bundle(Path(self.path))
        else:
            with tempfile.TemporaryDirectory(prefix="obskit-sweep-", dir=scratch) as folder:
                copy = Path(folder) / f"incident{SUFFIX}"
                self._fetch(copy)
                try:
                    recording = read_bundle(copy)
                except BundleError as error:
                    what = error.what.replace(str(copy), self.name)
                    raise BundleError(what, where=error.where, hint=error.hint) from error
        if self.services and recording.service.name not in self.services:
            return None
        return Seen(service=recording.service, window=recording.window, telemetry=recording.telemetry)

    def _fetch(self, copy: Path) -> None:
        """Stream the remote file, up to the largest that a recording may be."""
        from obskit.sources.bundle_layout import MAX_FILE_BYTES

        system, _ = file_system(self.target)
        left = MAX_FILE_BYTES
        try:
            with system.open(self.path, "rb") as there, copy.open("wb") as here:
                while chunk := there.read(_CHUNK_BYTES):
                    left -= len(chunk)
                    if left < 0:
                        raise BundleError(f"{self.name} is larger than {MAX_FILE_BYTES // 2**20} MiB")
                    here.write(chunk)
        except (FileNotFoundError, PermissionError) as error:
            raise BundleError(f"{self.name} cannot be read: {reason(error, hide=self.target)}") from error
        except OSError as error:  # its words go to a worker's log: without the address's secrets
            raise OSError(f"{self.name} could not be fetched: {reason(error, hide=self.target)}") from None


def find(targets: Sequence[str], *, services: Sequence[str] = ()) -> tuple[Recorded, ...]:
    """Find the recordings in files, folders (at any depth) and globs; each counts once.

    Args:
        targets: Paths or fsspec URLs, as they were typed.
        services: Only recordings of these are wanted; that is seen when one is read.

    Returns:
        By name. Where two have one name, both get the whole path, and then a number.

    Raises:
        UsageError: Somewhere is no recording, or nobody here speaks that protocol.
        SourceError: A remote place could not be listed.
    """
    found: dict[tuple[str, str], Recorded] = {}
    for target in targets:
        remote = "://" in target or "::" in target
        system, path = file_system(target) if remote else (fsspec().filesystem("file"), str(Path(target).absolute()))
        with _answering(target):
            paths = list(_below(system, path))
        if not paths:
            raise UsageError(f"{shown(target)}: there is no recording", hint=f"obskit record writes NAME{SUFFIX}")
        for name, file in paths:
            one = Recorded(name=name, path=file, target=target if remote else "", services=tuple(services))
            found.setdefault((str(system.protocol), file), one)
    return _told_apart(list(found.values()))


def file_system(target: str) -> tuple[Any, str]:
    """Return the file system that a URL leads to, and the path in it.

    Raises:
        UsageError: Nobody here speaks that protocol, or the URL is none.
    """
    library = fsspec()
    from obskit.fleet.s3 import S3

    # s3fs demands an older botocore than obskit has: see DESIGN.md
    library.register_implementation("s3", S3, clobber=True)
    try:
        system, path = library.core.url_to_fs(target)
    except ImportError as error:  # fsspec says which package to install
        raise UsageError(f"{shown(target)}: this protocol needs a package", where={"said": str(error)}) from error
    except (ValueError, OSError) as error:
        said = reason(error, hide=target)
        hint = f"one of {', '.join(sorted(library.available_protocols()))}"
        raise UsageError(f"{shown(target)} is no address that can be read", where={"said": said}, hint=hint) from error
    return system, str(path)


def _below(system: Any, path: str) -> Iterator[tuple[str, str]]:
    """Yield name and path of each recording at a path, below it, or where a glob matches."""
    if system.isfile(path):
        yield _named(path.rpartition("/")[2], path), path
        return
    if system.isdir(path):
        roots, matched = path.rstrip("/"), [path]
    elif magic := _MAGIC.search(path):
        roots, matched = path[: magic.start()].rpartition("/")[0], sorted(map(str, system.glob(path)))
    else:
        return
    for match in matched:
        files = [match] if match != path and system.isfile(match) else sorted(map(str, system.find(match)))
        for file in files:
            below = file.removeprefix(roots).lstrip("/")
            hidden = any(part.startswith(".") for part in below.split("/"))
            if file.endswith(SUFFIX) and not hidden:
                yield _named(below, file), file


def _named(below: str, path: str) -> str:
    """Return what a recording is called; *below* is its path below what was typed."""
    if re.match(r"https?://", path):  # a signature is no part of a name
        below = re.split(r"[?#]", below, maxsplit=1)[0]
    if path.endswith(_OWN_FOLDER):
        folder = path.removesuffix(_OWN_FOLDER).rpartition("/")[2]
        return below.removesuffix(_OWN_FOLDER) if "/" in below else folder or below.removesuffix(SUFFIX)
    return below.removesuffix(SUFFIX) or below


def _told_apart(found: list[Recorded]) -> tuple[Recorded, ...]:
    """Return the recordings by name, no two with the same, and nothing secret in any."""
    from collections import Counter
    from dataclasses import replace

    count = Counter(one.name for one in found)
    named = [replace(one, name=shown(one.path if count[one.name] > 1 else one.name)) for one in found]
    taken: Counter[str] = Counter()
    unique = []
    for one in sorted(named, key=lambda r: (r.name, r.path, r.target)):
        taken[one.name] += 1
        unique.append(one if taken[one.name] == 1 else replace(one, name=f"{one.name} ({taken[one.name]})"))
    return tuple(sorted(unique, key=lambda r: r.name))


@contextlib.contextmanager
def _answering(target: str) -> Iterator[None]:
    """Say in one sentence that a place cannot be listed."""
    try:
        yield
    except OSError as error:
        raise SourceError(
            f"{shown(target)} cannot be listed",
            where={"said": reason(error, hide=target)},
            hint="is it there, and may you read it?",
        ) from error
