"""Runs the files that define dashboards and alerts, as the code of the project that they are.

A file that fails is a problem with its line; the others go on.
"""

from __future__ import annotations

import ast
import contextlib
import io
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType
from typing import Any, TypeVar

from obskit.ascode.definition import Problem, shown
from obskit.errors import ObskitError, SettingsError, UsageError

T = TypeVar("T")

#: The name under which problems of loading are reported; there is no check of that name to leave out.
LOADING = "definition"


class BrokenError(Exception):
    """What is wrong with a definition, and in which line."""

    def __init__(self, message: str, *, line: int = 0, hint: str = "") -> None:
        self.message, self.line, self.hint = message, line, hint
        super().__init__(message)


def load_all(folder: Path, suffix: str, load_file: Callable[[Path], T]) -> tuple[tuple[T, ...], tuple[Problem, ...]]:
    """Load each file of a folder that ends in a suffix, by name, and return what kept others from it.

    Args:
        folder: Looked through, not below.
        suffix: For example ``.dashboard.py``.
        load_file: Raises `BrokenError` for a file that cannot be used.

    Raises:
        UsageError: There is no such folder, or no such file in it.
    """
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}", hint="run it where the folder is, or name it: --folder DIR")
    paths = sorted(folder.glob(f"*{suffix}"))
    if not paths:
        raise UsageError(f"no file in {folder} ends in {suffix}", hint=f"a definition is called NAME{suffix}")
    loaded, problems = [], []
    for path in paths:
        try:
            loaded.append(load_file(path))
        except BrokenError as broken:
            place = shown(path)
            problems.append(
                Problem(check=LOADING, message=broken.message, file=place, line=broken.line, hint=broken.hint)
            )
    return tuple(loaded), tuple(problems)


def executed(path: Path) -> tuple[str, dict[str, Any]]:
    """Run a file and return its text and what it defines.

    Raises:
        BrokenError: It cannot be read, is no Python, or raises.
    """
    try:
        source = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BrokenError(f"it cannot be read: {error}") from error
    return source, _run(_compiled(source, path), path)


def line_of_name(source: str, name: str) -> int:
    """Return the line of ``name = …`` at the top of a file, or 0."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Assign) and any(getattr(t, "id", "") == name for t in node.targets):
            return node.lineno
    return 0


def _compiled(source: str, path: Path) -> CodeType:
    try:
        return compile(source, str(path), "exec")
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", 0) or 0
        raise BrokenError(f"it is no Python: {getattr(error, 'msg', error)}", line=line) from error


def _run(code: CodeType, path: Path) -> dict[str, Any]:
    space: dict[str, Any] = {"__name__": path.name.removesuffix(".py"), "__file__": str(path)}
    with _beside(path), contextlib.redirect_stdout(io.StringIO()):
        try:
            exec(code, space)  # noqa: S102 (a definition is code of the project, as a test is)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # it may raise whatever it likes, SystemExit included
            raise failed(error, path) from error
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


def failed(error: BaseException, path: Path) -> BrokenError:
    """Return the problem: the error's own words, and the last line of the definition that was run."""
    if isinstance(error, SettingsError):
        raise error  # not this definition's mistake: it would be told of each of them
    frames = traceback.extract_tb(error.__traceback__)
    line = next((frame.lineno for frame in reversed(frames) if frame.filename == str(path)), 0)
    if isinstance(error, ObskitError):
        return BrokenError(error.what, line=line or 0, hint=error.hint)
    said = " ".join(str(error).split())
    return BrokenError(f"it raises {type(error).__name__}{f': {said}' if said else ''}"[:300], line=line or 0)
