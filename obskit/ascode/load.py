"""Runs definitions: from ``dashboards/*.dashboard.py`` to the JSON that Grafana gets.

A definition is a Python file of the project's own, run as such. One that fails is a problem
with its file and line, and the others are still loaded.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import CodeType
from typing import Any

from obskit.ascode.definition import SUFFIX, Definition, Model, Problem, shown
from obskit.errors import ObskitError, UsageError

#: The name under which problems of loading are reported; there is no check of that name to leave out.
LOADING = "definition"


_WRITE = "write dashboard = board(...)"


class _BrokenError(Exception):
    """What is wrong with a definition, and in which line."""

    def __init__(self, message: str, *, line: int = 0, hint: str = "") -> None:
        self.message, self.line, self.hint = message, line, hint
        super().__init__(message)


def load(folder: Path) -> tuple[tuple[Definition, ...], tuple[Problem, ...]]:
    """Return the definitions of a folder by name, and what kept others from being loaded.

    Args:
        folder: Looked through, not below.

    Raises:
        UsageError: There is no such folder, or no definition in it.
    """
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}", hint="run it where dashboards/ is, or name it: --folder DIR")
    paths = sorted(folder.glob(f"*{SUFFIX}"))
    if not paths:
        raise UsageError(f"no file in {folder} ends in {SUFFIX}", hint="a definition is called NAME.dashboard.py")
    definitions, problems = [], []
    for path in paths:
        try:
            definitions.append(load_file(path))
        except _BrokenError as broken:
            problems.append(
                Problem(check=LOADING, message=broken.message, file=shown(path), line=broken.line, hint=broken.hint)
            )
    return tuple(definitions), tuple(problems)


def load_file(path: Path) -> Definition:
    """Run one definition."""
    try:
        source = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise _BrokenError(f"it cannot be read: {error}") from error
    found = _run(_compiled(source, path), path)
    try:
        model = _plain(found.get("dashboard"), path)
    except _BrokenError as broken:
        broken.line = broken.line or _line_of_dashboard(source)
        raise
    return Definition(name=path.name.removesuffix(SUFFIX), path=path, source=source, model=model)


def _compiled(source: str, path: Path) -> CodeType:
    try:
        return compile(source, str(path), "exec")
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", 0) or 0
        raise _BrokenError(f"it is no Python: {getattr(error, 'msg', error)}", line=line) from error


def _run(code: CodeType, path: Path) -> dict[str, Any]:
    space: dict[str, Any] = {"__name__": path.name.removesuffix(".py"), "__file__": str(path)}
    with _beside(path), contextlib.redirect_stdout(io.StringIO()):
        try:
            exec(code, space)  # noqa: S102 (a definition is code of the project, as a test is)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # it may raise whatever it likes, SystemExit included
            raise _failed(error, path) from error
    return space


@contextlib.contextmanager
def _beside(path: Path) -> Iterator[None]:
    """Let a definition import helpers that lie next to it."""
    folder = str(path.parent.resolve())
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):
            sys.path.remove(folder)


def _failed(error: BaseException, path: Path) -> _BrokenError:
    """Return the problem: the error's own words, and the last line of the definition that was run."""
    frames = traceback.extract_tb(error.__traceback__)
    line = next((frame.lineno for frame in reversed(frames) if frame.filename == str(path)), 0)
    if isinstance(error, ObskitError):
        return _BrokenError(error.what, line=line or 0, hint=error.hint)
    said = " ".join(str(error).split())
    return _BrokenError(f"it raises {type(error).__name__}{f': {said}' if said else ''}"[:300], line=line or 0)


def _plain(dashboard: object, path: Path) -> Model:
    """Return the dashboard as plain, normalised data."""
    from obskit.ascode.normal import normalised

    if dashboard is None:
        raise _BrokenError("it defines no `dashboard`", hint=_WRITE)
    if not isinstance(dashboard, dict) and not hasattr(dashboard, "to_json_data"):
        raise _BrokenError(f"`dashboard` is no dashboard but {type(dashboard).__name__}", hint=_WRITE)
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # grafanalib prints warnings there
            body = json.dumps(dashboard, default=_data, allow_nan=False)
        model = json.loads(body)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit too: a definition must not end the gate
        raise _failed(error, path) from error
    if _has_half_characters(model):
        raise _BrokenError("a text of it holds half a character (a lone surrogate)", hint="write the whole character")
    if not isinstance(model, dict) or not isinstance(model.get("panels"), list):
        raise _BrokenError(f"`dashboard` is no dashboard but {type(dashboard).__name__}", hint=_WRITE)
    for panel in model["panels"]:
        if not isinstance(panel, dict):
            raise _BrokenError(f"a panel of it is no panel but {type(panel).__name__}", hint='write panel("SIGNAL")')
    try:
        return normalised(model)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise _BrokenError(f"its JSON is of no dashboard: {error}") from error


def _has_half_characters(model: object) -> bool:
    try:
        json.dumps(model, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def _line_of_dashboard(source: str) -> int:
    """Return the line of ``dashboard = …``, or 0."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Assign) and any(getattr(t, "id", "") == "dashboard" for t in node.targets):
            return node.lineno
    return 0


def _data(value: object) -> Any:
    to_json_data = getattr(value, "to_json_data", None)
    if to_json_data is None:
        raise TypeError(f"{type(value).__name__} cannot be written as JSON")
    return to_json_data()
