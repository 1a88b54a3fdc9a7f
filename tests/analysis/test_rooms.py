"""Who may know whom: the library is below the command line, the nouns below both."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_architecture import MODULES, ROOT, imports_of, name_of, tree_of

LIBRARY = [
    path
    for path in MODULES
    if name_of(path).startswith("obskit.analysis")
    or name_of(path) in ("obskit.asking", "obskit.times", "obskit.progress")
]


@pytest.mark.parametrize("path", LIBRARY, ids=name_of)
def test_the_library_never_asks_the_command_line(path: Path) -> None:
    """What both need stands in the library, and the command line imports it."""
    found = imports_of(tree_of(path), name_of(path), is_package=path.name == "__init__.py")

    assert not [other for other in found if other == "obskit.cli" or other.startswith("obskit.cli.")]


def test_the_nouns_load_nothing_but_themselves() -> None:
    """How a value shows itself is looked up when it is shown."""
    code = "import json, sys, obskit.model; print(json.dumps([m for m in sys.modules if m.startswith('obskit')]))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT, timeout=60
    )

    assert all(name == "obskit" or name.startswith("obskit.model") for name in json.loads(done.stdout))
