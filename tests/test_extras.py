"""How a missing extra is installed: one line to paste that finds this obskit."""

from __future__ import annotations

import json
import shlex
import sys
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


@pytest.fixture(autouse=True)
def bin_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of the Python that runs, which stands on PATH, with its pip."""
    folder = tmp_path / "my env" / "bin"
    folder.mkdir(parents=True)
    for program in ("python", "pip"):
        (folder / program).touch(mode=0o755)
    monkeypatch.setattr(sys, "executable", str(folder / "python"))
    monkeypatch.setenv("PATH", str(folder))
    return folder


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


@pytest.mark.parametrize("other", [True, False])
def test_where_pip_is_not_the_pip_of_this_python_the_python_is_named(
    other: bool, bin_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another's pip would install it where this obskit does not look."""
    first = tmp_path / "other"
    first.mkdir()
    if other:
        (first / "pip").touch(mode=0o755)
    monkeypatch.setenv("PATH", f"{first}:{bin_folder}" if other else str(first))

    line = shlex.split(command("lab", "{}"))

    assert line == [str(bin_folder / "python"), "-m", "pip", "install", "obskit[lab]"]


def test_a_pip_that_is_linked_to_is_the_same(bin_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``/bin`` is a link to ``/usr/bin`` on many machines."""
    (tmp_path / "bin").symlink_to(bin_folder)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))

    assert command("lab", "{}") == "pip install 'obskit[lab]'"


def test_in_a_folder_that_is_gone_it_is_still_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is missing is told in an error's hint, which must not fail itself."""
    clone, gone = tmp_path / "clone", tmp_path / "gone"
    for folder in (clone, gone):
        folder.mkdir()
    (clone / "pyproject.toml").touch()
    monkeypatch.chdir(gone)
    gone.rmdir()

    line = command("fleet", json.dumps({"url": clone.as_uri()}))

    assert shlex.split(line) == ["pip", "install", f"{clone}[fleet]"]


def test_of_this_obskit_it_is_one_line() -> None:
    """Whatever it was installed from."""
    assert to_install("lab").startswith("pip install ")
    assert "[lab]" in to_install("lab")
