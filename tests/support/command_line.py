"""Obskit's command line as a test types it: what came of it, and nothing configured but what the test says."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from obskit.cli import main

#: Nothing of a terminal's language but line ends.
CONTROLS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Said:
    """What a command did."""

    code: int
    out: str
    err: str


Typed = Callable[..., Said]


def harmless(command: Typed) -> Typed:
    """Return the command line, which fails when a terminal would obey what stands on stderr."""

    def run(*argv: str | Path) -> Said:
        said = command(*argv)
        assert not CONTROLS.search(said.err), f"a terminal would obey {said.err!r}"
        return said

    return run


def typed(
    monkeypatch: pytest.MonkeyPatch, folder: Path, capsys: pytest.CaptureFixture[str], *, command: tuple[str, ...] = ()
) -> Typed:
    """Go to a folder, forget what is configured, and return what runs a command line there.

    Args:
        monkeypatch, capsys: pytest's.
        folder: Becomes the current one.
        command: What every line begins with, for example ``("alerts",)``.
    """
    for name in os.environ:
        if name.startswith(("OBSKIT_", "AWS_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(folder)

    def run(*argv: str | Path) -> Said:
        code = main([*command, *(str(a) for a in argv)])
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return Said(code, captured.out, captured.err)

    return run
