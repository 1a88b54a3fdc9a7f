"""On which line of a TOML file a key stands; tomllib does not say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

_PART = r"(?:[A-Za-z0-9_-]+|\"[^\"\n]*\"|'[^'\n]*')"
_PATH = rf"{_PART}(?:[ \t]*\.[ \t]*{_PART})*"
_HEADER = re.compile(rf"[ \t]*(\[\[?)[ \t]*({_PATH})[ \t]*\]\]?[ \t]*(?:#.*)?")
_KEY = re.compile(rf"[ \t]*({_PATH})[ \t]*=")
#: Keys of a table that stands on one line: ``environment = { LOG_LEVEL = "info" }``.
_INSIDE = re.compile(rf"[{{,][ \t]*({_PATH})[ \t]*=")
_LONG_TEXT = re.compile(r"\"\"\"|'''")


def lines_of(text: str) -> Mapping[str, int]:
    """Return path -> line, the first being 1; good for a file that is TOML, at worst a path is missing.

    Args:
        text: The whole file.

    Returns:
        ``applications.demo-app.memory``, ``applications.demo-app``, ``waivers[1].id``, ….
    """
    found: dict[str, int] = {}
    section, counts = "", dict[str, int]()
    for number, line in _lines(text):
        if header := _HEADER.fullmatch(line):
            section = _path(header[2])
            if header[1] == "[[":
                counts[section] = counts.get(section, 0) + 1
                section = f"{section}[{counts[section]}]"
            found.setdefault(section, number)
        elif key := _KEY.match(line):
            path = f"{section}.{_path(key[1])}" if section else _path(key[1])
            found.setdefault(path, number)
            for inside in _INSIDE.finditer(line, key.end()):
                found.setdefault(f"{path}.{_path(inside[1])}", number)
    return found


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield lines that do not begin within a text of several lines."""
    closing = ""
    for number, line in enumerate(text.split("\n"), 1):
        if not closing:
            yield number, line.rstrip("\r")
        for mark in _LONG_TEXT.findall(line):
            closing = "" if mark == closing else closing or mark


def _path(written: str) -> str:
    return ".".join(part.strip("\"'") for part in re.findall(_PART, written))
