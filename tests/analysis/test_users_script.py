"""The script of a user holds every name of the library, and what of it needs no server runs."""

from __future__ import annotations

import ast
from pathlib import Path

import obskit
from tests.analysis import users_script


def test_the_script_uses_every_name() -> None:
    """So that mypy, which checks it with the tests, has seen the type of each."""
    tree = ast.parse(Path(users_script.__file__).read_text(encoding="utf-8"))
    imported = next(node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module == "obskit")
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}

    assert [alias.name for alias in imported.names] == obskit.__all__
    assert set(obskit.__all__) <= used


def test_the_script_runs(tmp_path: Path) -> None:
    """Its types are no promise that is not kept."""
    assert users_script.recorded(tmp_path) > 0.9
    assert users_script.built() > 10
