"""Grafana's npm packages come once, whole or not at all, and what stops them is said."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from obskit.ascode import npm
from obskit.ascode.check import Skipped
from tests.support.node import grafana_tools

#: What the stand-in for npm does when all is well: as npm, it makes a folder of packages.
INSTALLS = "mkdir node_modules"
#: And the stand-in for node, as our program.
MAKES_SCHEMAS = "mkdir schemas && echo '{}' > schemas/dashboard.Dashboard.json"

Programs = Callable[..., None]


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    """Return a function that puts programs of these names, as shell scripts, first on the PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)

    def put(**scripts: str) -> None:
        for name, script in scripts.items():
            (folder / name).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
            (folder / name).chmod(0o755)

    return put


def _left_in(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []


def test_it_is_made_once_with_a_word_on_stderr(
    tmp_path: Path, programs: Programs, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The second time asks for no program and says nothing."""
    programs(npm=INSTALLS, node=MAKES_SCHEMAS)
    folder = tmp_path / "cache" / "node"

    assert folder == npm.tools(folder)
    assert _left_in(folder) == [npm.MARKER, "logql.mjs", "node_modules", "package.json", "schemas", "schemas.mjs"]
    said = capsys.readouterr()
    assert said.err.count("\n") == 1
    assert "once" in said.err

    monkeypatch.setenv("PATH", "")
    assert folder == npm.tools(folder)
    assert capsys.readouterr() == ("", "")


def test_without_npm_the_way_to_get_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A skip that does not say how to end it is a riddle."""
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(Skipped, match=r"npm is not here: install Node.js"):
        npm.tools(tmp_path / "node")


def test_with_npm_but_without_node_it_is_node_that_is_named(
    tmp_path: Path, programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Debian has them in two packages."""
    programs(npm=INSTALLS)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))

    with pytest.raises(Skipped, match=r"^node is not here"):
        npm.tools(tmp_path / "cache" / "node")


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (
            "echo 'npm error code ENOTFOUND' >&2; echo 'npm error https://me:secret@host/' >&2; exit 1",
            "ENOTFOUND .is there",
        ),
        ("echo 'npm ERR! code E404' >&2; exit 1", "E404$"),
        ("printf 'Error: no \\033[31m https://me:secret@host/x here' >&2; exit 1", "Error: no … here$"),
        ("exit 7", "it gave no reason"),
    ],
)
def test_a_failed_installation_leaves_nothing_and_tells_why_without_addresses(
    tmp_path: Path, programs: Programs, script: str, reason: str
) -> None:
    """A registry's address may hold a password; half an installation would be taken for a whole one."""
    programs(npm=f"mkdir node_modules; {script}", node=MAKES_SCHEMAS)

    with pytest.raises(Skipped, match=reason) as caught:
        npm.tools(tmp_path / "cache" / "node")
    assert "secret" not in str(caught.value)
    assert not _left_in(tmp_path / "cache")


def test_schemas_that_cannot_be_made_leave_nothing(tmp_path: Path, programs: Programs) -> None:
    """Packages without schemas are half an installation, too."""
    programs(npm=INSTALLS, node="exit 1")

    with pytest.raises(Skipped, match=r"node schemas.mjs failed"):
        npm.tools(tmp_path / "cache" / "node")
    assert not _left_in(tmp_path / "cache")


def test_an_installation_that_hangs_is_ended(tmp_path: Path, programs: Programs) -> None:
    """A check that never ends is worse than one that is skipped."""
    programs(npm="exec tail -f /dev/null", node=MAKES_SCHEMAS)

    with pytest.raises(Skipped, match=r"npm install took longer than 0.2 s"):
        npm.tools(tmp_path / "cache" / "node", seconds=0.2)
    assert not _left_in(tmp_path / "cache")


def test_of_two_processes_at_once_the_faster_wins_and_the_other_takes_its_folder(
    tmp_path: Path, programs: Programs
) -> None:
    """Checks of two branches may start on one machine in the same second."""
    folder = tmp_path / "cache" / "node"
    theirs = f"mkdir {folder}; echo theirs > {folder}/theirs; echo '{{\"theirs\": 7}}' > {folder}/{npm.MARKER}"
    programs(npm=INSTALLS, node=f"{MAKES_SCHEMAS}; {theirs}")

    assert folder == npm.tools(folder)
    assert _left_in(folder) == [npm.MARKER, "theirs"]
    assert _left_in(tmp_path / "cache") == ["node"]


def _empty(folder: Path) -> None:
    for entry in folder.iterdir():
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: shutil.rmtree(folder / "schemas"),
        lambda folder: (folder / "schemas" / "dashboard.Dashboard.json").write_text("{", encoding="utf-8"),
        lambda folder: (folder / "logql.mjs").unlink(),
        lambda folder: (folder / npm.MARKER).unlink(),
        lambda folder: (folder / npm.MARKER).write_text("[1", encoding="utf-8"),
        lambda folder: (folder / npm.MARKER).write_text("[1]", encoding="utf-8"),
        lambda folder: (folder / npm.MARKER).write_text("{}", encoding="utf-8"),
        _empty,
    ],
    ids=["no schemas", "half a schema", "no program", "no marker", "half a marker", "a list", "nothing in it", "empty"],
)
def test_a_damaged_folder_is_made_anew(tmp_path: Path, programs: Programs, damage: Callable[[Path], object]) -> None:
    """Whoever emptied a cache did not mean that checks should fail for ever."""
    programs(npm=INSTALLS, node=MAKES_SCHEMAS)
    folder = npm.tools(tmp_path / "cache" / "node")
    whole = _left_in(folder)
    damage(folder)

    assert folder == npm.tools(folder)
    assert _left_in(folder) == whole
    assert (folder / "schemas" / "dashboard.Dashboard.json").read_text(encoding="utf-8") == "{}\n"
    assert _left_in(tmp_path / "cache") == ["node"]


def test_a_file_in_its_place_gives_way(tmp_path: Path, programs: Programs) -> None:
    """It is a cache: what is in it is ours."""
    programs(npm=INSTALLS, node=MAKES_SCHEMAS)
    (tmp_path / "node").write_text("x", encoding="utf-8")

    assert npm.tools(tmp_path / "node").is_dir()


def test_what_killed_processes_and_old_versions_left_is_removed(tmp_path: Path, programs: Programs) -> None:
    """An hour, or a week, after; what is in use, young, or not of our names stays."""
    programs(npm=INSTALLS, node=MAKES_SCHEMAS)
    hour, day = 3600, 24 * 3600
    ages = {
        ".node-0123456789ab-abcd1234": 2 * hour,
        ".node-0123456789ab-young123": hour // 2,
        "node-000000000000": 8 * day,
        "node-111111111111": 6 * day,
        "node-222222222222": 8 * day,
        "other": 99 * day,
    }
    now = time.time()
    for name, age in ages.items():
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (now - age, now - age))
    (tmp_path / "node-222222222222" / npm.MARKER).write_text("{}", encoding="utf-8")  # used today
    npm.tools(tmp_path / "node-333333333333")

    assert _left_in(tmp_path) == [
        ".node-0123456789ab-young123",
        "bin",
        "node-111111111111",
        "node-222222222222",
        "node-333333333333",
        "other",
    ]


def test_using_it_keeps_it_young(tmp_path: Path, programs: Programs) -> None:
    """A version that is run daily is not removed by another one after a week."""
    programs(npm=INSTALLS, node=MAKES_SCHEMAS)
    folder = npm.tools(tmp_path / "cache" / "node")
    os.utime(folder / npm.MARKER, (1, 1))
    npm.tools(folder)

    assert (folder / npm.MARKER).stat().st_mtime > 1


@pytest.mark.parametrize("script", ["echo '{'", "printf '\\377'", "true"])
def test_a_program_that_answers_nonsense_is_a_skip(tmp_path: Path, programs: Programs, script: str) -> None:
    """Never a traceback, whatever node prints."""
    programs(npm=INSTALLS, node=MAKES_SCHEMAS)
    folder = npm.tools(tmp_path / "cache" / "node")
    programs(node=script)

    with pytest.raises(Skipped, match=r"no JSON|could not be run"):
        npm.run("logql.mjs", [], folder)


def test_a_program_that_cannot_be_run_is_a_skip(tmp_path: Path, programs: Programs) -> None:
    """A node whose interpreter is gone is found on the PATH all the same."""
    programs(npm=INSTALLS, node=MAKES_SCHEMAS)
    folder = npm.tools(tmp_path / "cache" / "node")
    (tmp_path / "bin" / "node").write_text("#!/nowhere/at/all\n", encoding="utf-8")

    with pytest.raises(Skipped, match="could not be run"):
        npm.run("logql.mjs", [], folder)


def test_a_cache_that_cannot_be_written_is_said(tmp_path: Path, programs: Programs) -> None:
    """A home that is read-only is no reason for a traceback."""
    programs(npm=INSTALLS, node=MAKES_SCHEMAS)
    (tmp_path / "file").write_text("", encoding="utf-8")

    with pytest.raises(Skipped, match=r"could not be kept in .*file"):
        npm.tools(tmp_path / "file" / "node")


def test_the_folder_is_below_home_and_named_by_what_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two users share nothing; two versions of obskit neither."""
    monkeypatch.setenv("HOME", str(tmp_path))

    assert tmp_path / ".cache" / "obskit" == npm.default_folder().parent
    assert npm.default_folder() == npm.default_folder()


def test_a_program_that_fails_is_a_skip_with_its_reason() -> None:
    """What node says when it cannot go on is shown, on one line."""
    with pytest.raises(Skipped, match=r"node none\.mjs failed: Error: Cannot find module"):
        npm.run("none.mjs", [], grafana_tools())


def test_every_version_is_pinned_exactly() -> None:
    """The same commit checks against the same Grafana, today and next year."""
    versions = json.loads((npm.OURS / "package.json").read_text(encoding="utf-8"))["dependencies"]

    assert versions
    assert all(version.replace(".", "").isdigit() for version in versions.values())
