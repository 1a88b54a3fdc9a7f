"""How a missing extra is installed: one line to paste that finds this obskit."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from obskit.extras import command, to_install

#: As pip writes it for ``pip install obskit``: nothing, or what nobody understands.
FROM_AN_INDEX = [
    "{}",
    "[]",
    "not JSON",
    '{"url": "https://example.com/obskit.git"}',
    '{"url": "file:///no/such/folder"}',
]


@pytest.mark.parametrize("recorded", FROM_AN_INDEX)
def test_what_came_from_an_index_comes_from_there_again(recorded: str) -> None:
    """So does what cannot be found any more."""
    assert command("fleet", recorded) == "pip install 'obskit[fleet]'"


@pytest.mark.parametrize("here", [True, False])
def test_what_was_installed_from_a_folder_comes_from_that_folder(
    here: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No index need know obskit; who stands in the folder is told the short form. A shell takes it as one word."""
    folder = tmp_path / "a clone"
    folder.mkdir()
    (folder / "pyproject.toml").touch()
    monkeypatch.chdir(folder if here else tmp_path)

    line = command("notebooks", json.dumps({"url": folder.as_uri(), "dir_info": {}}))

    assert shlex.split(line) == ["pip", "install", ".[notebooks]" if here else f"{folder}[notebooks]"]


def test_of_this_obskit_it_is_one_line() -> None:
    """Whatever it was installed from."""
    assert to_install("lab").startswith("pip install ")
    assert "[lab]" in to_install("lab")
