"""Runs definitions: from ``dashboards/*.dashboard.py`` to the JSON that Grafana gets.

A definition is a Python file of the project's own, run as such. One that fails is a problem
with its file and line, and the others are still loaded.
"""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

from obskit.ascode.definition import SUFFIX, Definition, Model, Problem
from obskit.ascode.execute import BrokenError, executed, failed, line_of_name, load_all

_WRITE = "write dashboard = board(...)"


def load(folder: Path) -> tuple[tuple[Definition, ...], tuple[Problem, ...]]:
    """Return the definitions of a folder by name, and what kept others from being loaded.

    Raises:
        UsageError: There is no such folder, or no definition in it.
    """
    return load_all(folder, SUFFIX, load_file)


def load_file(path: Path) -> Definition:
    """Run one definition.

    Raises:
        BrokenError: It cannot be run, or defines no dashboard.
    """
    source, found = executed(path)
    try:
        model = _plain(found.get("dashboard"), path)
    except BrokenError as broken:
        broken.line = broken.line or line_of_name(source, "dashboard")
        raise
    return Definition(name=path.name.removesuffix(SUFFIX), path=path, source=source, model=model)


def _plain(dashboard: object, path: Path) -> Model:
    """Return the dashboard as plain, normalised data."""
    from obskit.ascode.normal import normalised

    if dashboard is None:
        raise BrokenError("it defines no `dashboard`", hint=_WRITE)
    if not isinstance(dashboard, dict) and not hasattr(dashboard, "to_json_data"):
        raise BrokenError(f"`dashboard` is no dashboard but {type(dashboard).__name__}", hint=_WRITE)
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # grafanalib prints warnings there
            body = json.dumps(dashboard, default=_data, allow_nan=False)
        model = json.loads(body)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit too: a definition must not end the gate
        raise failed(error, path) from error
    if _has_half_characters(model):
        raise BrokenError("a text of it holds half a character (a lone surrogate)", hint="write the whole character")
    if not isinstance(model, dict) or not isinstance(model.get("panels"), list):
        raise BrokenError(f"`dashboard` is no dashboard but {type(dashboard).__name__}", hint=_WRITE)
    for panel in model["panels"]:
        if not isinstance(panel, dict):
            raise BrokenError(f"a panel of it is no panel but {type(panel).__name__}", hint='write panel("SIGNAL")')
    try:
        return normalised(model)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise BrokenError(f"its JSON is of no dashboard: {error}") from error


def _has_half_characters(model: object) -> bool:
    try:
        json.dumps(model, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def _data(value: object) -> Any:
    to_json_data = getattr(value, "to_json_data", None)
    if to_json_data is None:
        raise TypeError(f"{type(value).__name__} cannot be written as JSON")
    return to_json_data()
