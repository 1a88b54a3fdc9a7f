"""Labelled recordings in files and folders.

A label lies beside its recording: ``NAME.truth.json`` beside ``NAME.obskit``, or ``truth.json`` in a
folder that holds one recording.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from obskit.errors import UsageError, one_line
from obskit.evaluation.label import Label, read_label

SUFFIX, TRUTH = ".obskit", "truth.json"
#: What `obskit evaluate` tells whoever has none.
HOW_TO_LABEL = (
    'write {"cause": "db_pool_exhausted", "onset": "2026-01-31T03:12:00Z"} to NAME.truth.json beside NAME.obskit'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """A recording with its truth.

    Attributes:
        name: Its path below the folder that was given, without ``.obskit``: the same from whatever place.
    """

    name: str
    path: Path
    label: Label

    @property
    def family(self) -> str:
        """Whom it belongs to when families are left out one at a time: its label's, or itself alone."""
        return self.label.family or self.name


@dataclass(frozen=True, slots=True, order=True)
class LeftOut:
    """A recording that says nothing, and why."""

    name: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """What was found.

    Attributes:
        labelled: By name.
        skipped: Without a label, a label without a recording, or no recording at all.
        failed: Their label cannot be read.
    """

    labelled: tuple[Labelled, ...]
    skipped: tuple[LeftOut, ...] = ()
    failed: tuple[LeftOut, ...] = ()


def find(paths: Sequence[Path]) -> Corpus:
    """Find the recordings in files and folders, at any depth; each counts once.

    Raises:
        UsageError: A path does not exist, or nowhere is a recording with a label.
    """
    labelled: list[Labelled] = []
    skipped: list[LeftOut] = []
    failed: list[LeftOut] = []
    for name, path in _named(paths):
        truth = _truth_of(path)
        if not path.is_file():
            skipped.append(LeftOut(name, f"a label without a recording: {path.name} is not there"))
        elif truth is None and not path.name.endswith(SUFFIX):
            skipped.append(LeftOut(name, f"no recording: the name of one ends in {SUFFIX}"))
        elif truth is None:
            skipped.append(LeftOut(name, "a recording without a label"))
        else:
            try:
                labelled.append(Labelled(name=name, path=path, label=read_label(truth, name=name)))
            except UsageError as error:
                failed.append(LeftOut(name, one_line(error)))
    if not labelled and not failed:
        raise UsageError("there is no labelled recording", where=_few(skipped), hint=HOW_TO_LABEL)
    return Corpus(labelled=tuple(labelled), skipped=tuple(skipped), failed=tuple(failed))


def _few(left: Iterable[LeftOut], most: int = 5) -> dict[str, str]:
    return {item.name: item.why for item in list(left)[:most]}


def _named(paths: Sequence[Path]) -> list[tuple[str, Path]]:
    """Return all recordings, and where one should be, by name; a name that two have becomes their whole path."""
    found: dict[Path, tuple[str, Path]] = {}
    for path in paths:
        for name, file in _below(path):
            found.setdefault(file.resolve(), (name, file))
    names = [name for name, _ in found.values()]
    return sorted((file.as_posix() if names.count(name) > 1 else name, file) for name, file in found.values())


def _below(path: Path) -> Iterator[tuple[str, Path]]:
    if path.is_file():
        yield (path.resolve().parent.name if _is_whole_folder(path) else path.name.removesuffix(SUFFIX)), path
        return
    if not path.is_dir():
        raise UsageError(f"{path} does not exist", hint="name recordings, or folders that hold some")
    for folder, folders, files in os.walk(path):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        here = Path(folder)
        below = here.relative_to(path)
        whole = below.as_posix() if below != Path() else path.resolve().name
        for file in files:
            if file.endswith(SUFFIX):
                alone = _is_whole_folder(here / file)
                yield whole if alone else (below / file.removesuffix(SUFFIX)).as_posix(), here / file
            elif file.endswith(f".{TRUTH}") and f"{file.removesuffix(f'.{TRUTH}')}{SUFFIX}" not in files:
                stem = file.removesuffix(f".{TRUTH}")
                yield (below / stem).as_posix(), here / f"{stem}{SUFFIX}"
        if TRUTH in files and not any(file.endswith(SUFFIX) for file in files):
            yield whole, here / f"incident{SUFFIX}"


def _truth_of(path: Path) -> Path | None:
    """Return a recording's label; a folder's own belongs to the only recording in it."""
    own = path.with_name(f"{path.name.removesuffix(SUFFIX)}.{TRUTH}")
    if own.is_file():
        return own
    return path.with_name(TRUTH) if _is_whole_folder(path) else None


def _is_whole_folder(path: Path) -> bool:
    """Say whether a recording and ``truth.json`` are what a folder is about."""
    if not path.with_name(TRUTH).is_file() or path.with_name(f"{path.name.removesuffix(SUFFIX)}.{TRUTH}").is_file():
        return False
    return [other.name for other in path.parent.iterdir() if other.name.endswith(SUFFIX)] in ([], [path.name])
