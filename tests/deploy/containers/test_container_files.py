"""Tests of how a task gets its files: the init container's script is run as it stands."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from obskit.deploy.containers import _files
from obskit.deploy.resource import Join, Ref

#: Stands in for the AWS CLI: copies the "bucket", a folder, and notes what it was asked for.
_AWS = """#!/bin/sh
echo "$@" > "$ASKED"
cp -R "$SOURCE/." "$6"
"""


@pytest.fixture
def task(tmp_path: Path) -> Path:
    """Return the root of a task's file system, with volumes and a stand-in for the AWS CLI."""
    for folder in ("config", "volumes/data", "bucket/rules", "bin", "tmp"):
        (tmp_path / folder).mkdir(parents=True)
    program = tmp_path / "bin/aws"
    program.write_text(_AWS, encoding="utf-8")
    program.chmod(0o755)
    return tmp_path


def _run(task: Path, script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    script = re.sub(f" ({_files.CONFIG_PATH}|/volumes|{_files.TMP.path})", rf" {task}\1", script)
    env = {
        "PATH": f"{task}/bin:{os.environ['PATH']}",
        "ASKED": f"{task}/asked",
        "SOURCE": f"{task}/bucket",
        "BUCKET": "b",
        "PREFIX": "prometheus/0123",
        **environment,
    }
    return subprocess.run(["/bin/sh", "-euc", script], env=env, capture_output=True, text=True, check=False)


def _owner() -> str:
    return f"{os.getuid()}:{os.getgid()}"


def test_files_are_fetched_and_readable_for_any_user(task: Path) -> None:
    """The program runs as another user than the one that fetches."""
    secretive = task / "bucket/rules/a.rules.yml"
    secretive.write_text("groups: []\n", encoding="utf-8")
    secretive.chmod(0o600)

    done = _run(task, _files.script(_owner(), ("data",), (), {}))

    assert done.returncode == 0, done.stderr
    assert (
        (task / "asked").read_text("utf-8").startswith("s3 cp --recursive --only-show-errors s3://b/prometheus/0123/ ")
    )
    assert (task / "config/rules/a.rules.yml").stat().st_mode & 0o444 == 0o444
    assert (task / "tmp").stat().st_mode & 0o7777 == 0o1777


def test_a_value_that_is_known_late_takes_its_place(task: Path) -> None:
    """An address has neither a slash too few nor one too many."""
    (task / "bucket/prometheus.yml").write_text("url: '@ENDPOINT@/api/v1/remote_write' # @OTHER@\n", encoding="utf-8")

    done = _run(task, _files.script(_owner(), (), ("ENDPOINT",), {}), ENDPOINT="https://x.example/workspaces/ws-1/")

    assert done.returncode == 0, done.stderr
    text = (task / "config/prometheus.yml").read_text("utf-8")
    assert text == "url: 'https://x.example/workspaces/ws-1/api/v1/remote_write' # @OTHER@\n"


def test_a_value_that_the_task_finds_out_takes_its_place(task: Path) -> None:
    """The shell works it out when the task starts, not when the stack is planned."""
    (task / "bucket/config.alloy").write_text("@START@", encoding="utf-8")

    done = _run(task, _files.script(_owner(), (), (), {"START": "$(date -u -d '@0' +%Y)"}))

    assert done.returncode == 0, done.stderr
    assert (task / "config/config.alloy").read_text("utf-8") == "1970"


def test_a_value_that_is_missing_stops_the_task(task: Path) -> None:
    """A program that starts with a placeholder in its configuration would fail in a way nobody understands."""
    (task / "bucket/prometheus.yml").write_text("@ENDPOINT@", encoding="utf-8")

    assert _run(task, _files.script(_owner(), (), ("ENDPOINT",), {})).returncode != 0


def test_files_that_cannot_be_fetched_stop_the_task(task: Path) -> None:
    """The program waits for SUCCESS; it must not start without its files."""
    (task / "bin/aws").write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")

    assert _run(task, _files.script(_owner(), (), (), {})).returncode != 0


def test_a_task_reads_its_own_files_only() -> None:
    """Grafana's task has no business with Prometheus' receivers."""
    read, listed = _files.permissions("grafana")

    assert read["Resource"] == (Join((Ref("bucket.config", "arn"), "/grafana/*")),)
    assert listed["Condition"] == {"StringLike": {"s3:prefix": ("grafana/*",)}}
    assert {*read["Action"], *listed["Action"]} == {"s3:GetObject", "s3:ListBucket"}  # type: ignore[misc]
