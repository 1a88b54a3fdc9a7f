"""The commands of the lab that need none."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from obskit.cli.app import run
from obskit.lab.fault import all_faults


def test_faults_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """For people, and for machines."""
    assert run(["lab", "faults"]) == 0
    text = capsys.readouterr().out
    assert run(["lab", "faults", "--format", "json"]) == 0
    held = json.loads(capsys.readouterr().out)

    assert list(held) == list(all_faults())
    assert [line.split()[0] for line in text.splitlines()[:-1]] == list(held)
    assert "0.15, 0.4*, 2" in text
    assert held["leak_connections"]["cause"] == "db_pool_exhausted"


@pytest.mark.parametrize("command", [["status"], ["down"], ["inject", "leak_connections"]])
def test_without_a_lab_there_is_a_hint(command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Not a traceback."""
    assert run(["lab", *command, "--folder", str(tmp_path)]) == 2
    assert "obskit lab up" in capsys.readouterr().err


@pytest.mark.parametrize("strength", ["0.01", "7"])
def test_a_strength_that_the_fault_has_not_is_refused(
    strength: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before a lab is asked, and before minutes of recording under a truth that is none."""
    for command in (["inject", "bad_revision"], ["record", "bad_revision", "--out", str(tmp_path / "x.obskit")]):
        assert run(["lab", *command, "--strength", strength]) == 2
        assert "bad_revision has no strength" in capsys.readouterr().err


def test_who_names_a_cause_is_told_its_fault(capsys: pytest.CaptureFixture[str]) -> None:
    """The natural thing to type is what triage said."""
    assert run(["lab", "inject", "db_pool_exhausted"]) == 2
    assert "did you mean leak_connections?" in capsys.readouterr().err


def test_a_mistyped_fault_is_told_the_nearest(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Before a lab is asked for."""
    assert run(["lab", "record", "cpu-lop", "--out", str(tmp_path / "x.obskit")]) == 2
    assert "did you mean cpu_loop?" in capsys.readouterr().err


def test_a_recording_needs_a_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is told before minutes of work, not after."""
    for name in ("missing/pool.obskit", "pool.json"):
        assert run(["lab", "record", "leak_connections", "--out", str(tmp_path / name)]) == 2
        assert "cannot be written" in capsys.readouterr().err


def test_a_fault_that_is_none_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """Before any lab is started."""
    assert run(["lab", "record", "leak_connection", "--out", "x.obskit"]) == 2
    assert "leak_connections" in capsys.readouterr().err


def test_settings_that_make_no_sense_start_nothing(tmp_path: Path) -> None:
    """The folder is not even made."""
    assert run(["lab", "up", "--rate", "-3", "--folder", str(tmp_path / "lab")]) == 2
    assert not (tmp_path / "lab").exists()


def test_the_command_line_starts_without_the_lab() -> None:
    """Its parts are read when they are used."""
    code = "import sys, obskit.cli.app; print([m for m in sys.modules if m.startswith('obskit.lab')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)

    assert done.stdout.strip() == "[]"
