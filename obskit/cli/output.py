"""What commands print besides their text: JSON on stdout, progress on a terminal's stderr."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from obskit.errors import UsageError
from obskit.progress import progress
from obskit.settings_values import nearest

__all__ = [
    "clean_lines",
    "form_for",
    "forms_for",
    "harmless",
    "known_form",
    "or_stdout",
    "print_json",
    "progress",
    "writable",
]

#: How a file's name ends -> the format that it stands for.
_ENDINGS: Final[Mapping[str, str]] = {
    ".txt": "text",
    ".html": "html",
    ".htm": "html",
    ".json": "json",
    ".jsonl": "jsonl",
    ".csv": "csv",
    ".md": "md",
}

#: What stands for standard output, as it does for tools that write files.
_DASH: Final = Path("-")

#: What steers a terminal or turns the reading order, where JSON itself would let it through.
_STEERS = re.compile(r"[\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


_COLUMNS = re.compile(r"(^ +| {2,})")


def print_json(body: Any) -> None:
    """Print a document for machines: two spaces, non-ASCII as it is."""
    print(harmless(json.dumps(body, indent=2, ensure_ascii=False, allow_nan=False)))


def harmless(text: str) -> str:
    """Return a JSON text with what would steer a terminal written as escapes: it reads the same to a machine."""
    return _STEERS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def clean_lines(lines: Iterable[str]) -> str:
    """Return lines as one text with their indents and columns, and with nothing in it that steers a terminal.

    Args:
        lines: One may be empty; what would break a line in two is taken out.
    """
    from obskit.escape import clean

    # two spaces or more are a column's edge or an indent
    return "\n".join(
        "".join(clean(part) if part.strip(" ") else part for part in _COLUMNS.split(line)) for line in lines
    )


def known_form(form: str, *known: str) -> None:
    """Refuse a format that a command does not have.

    Raises:
        UsageError: It is none of the known ones.
    """
    if form not in known:
        raise UsageError(f"there is no format {form!r}", hint=nearest(form, known))


def form_for(form: str, out: Path | None, known: Sequence[str]) -> str:
    """Return the format of a report: the one that is asked for, else what the file's name says, else text.

    Args:
        form: What `--format` says; "" where it was not given.
        out: What `--out` says.
        known: The formats that the command has.

    Raises:
        UsageError: There is no such format, or nobody names one and the file's name says one that there is not.
    """
    if form:
        known_form(form, *known)
        return form
    ending = out.suffix.lower() if out is not None else ""
    if not ending:
        return "text"
    if _ENDINGS.get(ending) not in known:
        fitting = ", ".join(end for end, stands_for in _ENDINGS.items() if stands_for in known)
        raise UsageError(
            f"{out} is no name of a report", hint=f"one that ends in {fitting}; or say which: --format text"
        )
    return _ENDINGS[ending]


def forms_for(form: str, out: Path | None, known: Sequence[str]) -> tuple[str, str]:
    """Return the format of what is printed, and that of a file beside it, for which its name comes first.

    Args:
        form, out, known: As `form_for`.

    Raises:
        UsageError: As `form_for`.
    """
    printed = form_for(form, None, known)
    if form and (out is None or _ENDINGS.get(out.suffix.lower()) not in known):
        return printed, printed
    return printed, form_for("", out, known)


def or_stdout(out: Path | None) -> Path | None:
    """Return where a report goes: None, which is standard output, also for ``-``."""
    return None if out == _DASH else out


def writable(path: Path) -> None:
    """Refuse now what would fail after a minute of asking.

    Args:
        path: Where a file is to be written, or to be replaced.

    Raises:
        UsageError: It is no file, or its folder is not there or not ours to write.
    """
    if path == _DASH:  # of a command whose file is not for a terminal
        raise UsageError("- is no name of a file", hint="name a file: this is not printed")
    try:
        folder = path.resolve().parent
        # a device or pipe is no file to be replaced, as /dev/null would be
        fits = (path.is_file() or not path.exists()) and folder.is_dir() and os.access(folder, os.W_OK)
    except (OSError, ValueError, RuntimeError):  # too long, a NUL, a loop of links
        fits = False
    if not fits:
        raise UsageError(f"{path} cannot be written", hint="name a file in a folder that exists and is yours to write")
