"""What the kernel tells of tasks: CPU and memory of all processes of a task.

A task's processes share its session; a shared page counts once, as a container's limit counts it.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a task uses.

    Attributes:
        cpu: Seconds since its start, those of ended processes included.
        memory: Bytes.
    """

    cpu: float
    memory: int


def usage(sessions: Iterable[int], proc: Path = _PROC) -> dict[int, Usage]:
    """Return what sessions use; those that are over are left out.

    Args:
        sessions: Process ids of their leaders.
        proc: Where the kernel tells it.
    """
    wanted = set(sessions)
    members: Mapping[int, list[tuple[Path, list[str]]]] = defaultdict(list)
    for path in proc.iterdir():
        if path.name.isdigit() and (words := _stat(path)) and int(words[3]) in wanted:
            members[int(words[3])].append((path, words))
    return {session: _sum(rows) for session, rows in members.items()}


def _stat(path: Path) -> list[str]:
    """Return the words of ``stat`` from the third on (state, parent, group, session, …), none where it has ended."""
    try:
        # The name in parentheses may itself hold spaces and parentheses.
        return (path / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _sum(rows: list[tuple[Path, list[str]]]) -> Usage:
    living = [(path, words) for path, words in rows if words[0] != "Z"]
    # utime, stime, and what ended children had used.
    ticks = sum(int(word) for _, words in rows for word in words[11:15])
    return Usage(
        cpu=ticks / _TICKS,
        memory=sum(_memory(path, words) for path, words in living),
    )


def _memory(path: Path, words: list[str]) -> int:
    try:
        for line in (path / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return int(words[21]) * _PAGE


def children(process: int, proc: Path = _PROC) -> list[int]:
    """Return the ids of a process's children."""
    return [int(path.name) for path in proc.iterdir() if path.name.isdigit() and _parent(path) == process]


def _parent(path: Path) -> int:
    words = _stat(path)
    return int(words[1]) if words else 0
