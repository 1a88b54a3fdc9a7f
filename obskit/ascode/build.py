"""Writes dashboards as the JSON files that Grafana's file provisioning takes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from obskit.ascode.definition import Definition, Model
from obskit.errors import UsageError
from obskit.files import State, write_all

#: What the files are listed under in the folder's stamp.
BY = "dashboards build"


def as_text(model: Model) -> str:
    """Return a model as JSON: keys sorted, two spaces, one newline at the end. Same input, same bytes.

    Raises:
        UsageError: It holds what is no JSON: a number that is infinite or none.
    """
    try:
        return json.dumps(model, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"
    except ValueError as error:
        raise UsageError(
            "the dashboard is no JSON", where={"said": str(error)}, hint="take out what is Infinity or NaN"
        ) from error


def build(definitions: Sequence[Definition], out: Path, *, complete: bool = False) -> tuple[tuple[Path, State], ...]:
    """Write ``NAME.json`` for each definition; what is the same already is left alone.

    Args:
        definitions: What is written.
        out: The folder.
        complete: These are all definitions: what an earlier build wrote for another is taken away.

    Returns:
        Each file and what became of it; see `obskit.files.write_all`.

    Raises:
        UsageError: The folder cannot be written.
    """
    return write_all({f"{d.name}.json": as_text(d.model) for d in definitions}, out, by=BY, complete=complete)
