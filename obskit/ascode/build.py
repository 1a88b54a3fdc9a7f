"""Writes dashboards as the JSON files that Grafana's file provisioning takes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from obskit.ascode.definition import Definition, Model
from obskit.errors import UsageError
from obskit.files import write_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """One file that was built.

    Attributes:
        changed: Whether the file was new or held something else before.
    """

    name: str
    path: Path
    size: int
    changed: bool


def as_text(model: Model) -> str:
    """Return a model as JSON: keys sorted, two spaces, one newline at the end. Same input, same bytes."""
    return json.dumps(model, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def build(definitions: Sequence[Definition], out: Path) -> tuple[Written, ...]:
    """Write ``NAME.json`` for each definition; what is the same already is left alone.

    Raises:
        UsageError: The folder cannot be written.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        return tuple(_write(d.name, out / f"{d.name}.json", as_text(d.model)) for d in definitions)
    except OSError as error:
        raise UsageError(f"{out} cannot be written: {error.strerror}", hint="name another folder: --out DIR") from error


def _write(name: str, path: Path, text: str) -> Written:
    old = path.read_text(encoding="utf-8") if path.is_file() else None
    if old != text:
        write_text(path, text)
    return Written(name=name, path=path, size=len(text.encode()), changed=old != text)
