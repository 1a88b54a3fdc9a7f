"""`obskit sweep`: what it prints, its files and exit codes, and that it leaves nothing behind."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import dask
import fsspec
import psutil
import pytest

from obskit.extras import to_install
from tests.support.command_line import Typed, typed
from tests.support.labelled import cpu, pool, write
from tests.support.scenario import SERVICE, Scenario
from tests.support.servers import free_port

SCENARIOS = Path(__file__).parent.parent / "scenarios"


@pytest.fixture
def obskit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Typed:
    """Return the command line, in an empty folder and with nothing configured."""
    return typed(monkeypatch, tmp_path, capsys)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of three recordings."""
    folder = tmp_path_factory.mktemp("fleet")
    write(folder / "pool.obskit", pool())
    write(folder / "own" / "incident.obskit", cpu())
    write(folder / "calm.obskit", Scenario())
    return folder


def broken(corpus: Path, folder: Path) -> Path:
    """Return a copy of the folder in which one more recording is cut off."""
    copy = folder / "broken"
    shutil.copytree(corpus, copy)
    (copy / "bad.obskit").write_bytes((copy / "pool.obskit").read_bytes()[:999])
    return copy


def test_a_folder_becomes_lines_and_a_table(obskit: Typed, corpus: Path) -> None:
    """A line each as it comes, then one table by name, then the counts."""
    said = obskit("sweep", corpus, "--workers", "1")
    coming, table = said.out.split("\n\n", 1)

    assert (said.code, said.err) == (0, "")
    assert sorted(line.split("] ")[1].split(":")[0] for line in coming.splitlines()) == ["calm", "own", "pool"]
    assert [line.split()[:4] for line in table.splitlines()[1:4]] == [
        ["calm", SERVICE, "calm", "-"],
        ["own", SERVICE, "cause_found", "cpu_saturation"],
        ["pool", SERVICE, "cause_found", "db_pool_exhausted"],
    ]
    assert "3 swept: 2 cause_found, 1 calm" in table


def test_recorded_incidents_are_swept_as_triage_would_see_them(obskit: Typed) -> None:
    """The same first cause, probability and onset as one by one."""
    folder = SCENARIOS / "cpu_saturation_a"
    swept = json.loads(obskit("sweep", folder, "--workers", "1", "--format", "json").out)["rows"][0]
    alone = json.loads(obskit("triage", "--bundle", folder / "incident.obskit", "--format", "json").out)
    first = alone["hypotheses"][0]

    assert swept["service"] == alone["service"]
    assert swept["window"] == {key: alone["window"][key] for key in ("start", "end")}
    assert (swept["verdict"], swept["onset"]) == (alone["verdict"], alone["onset"])
    assert (swept["cause"], swept["probability"]) == (first["cause"], first["probability"])
    assert swept["culprit"] == alone["culprit"]["service"]


def test_a_broken_recording_fails_alone(obskit: Typed, corpus: Path, tmp_path: Path) -> None:
    """Exit code 1, its reason in the table, the others beside it."""
    said = obskit("sweep", broken(corpus, tmp_path), "--threads", "--workers", "2")

    assert said.code == 1
    assert "Failed: 1\n  bad: " in said.out
    assert "4 swept: 2 cause_found, 1 calm, 1 failed" in said.out


def test_json_lines_come_as_they_are_done(obskit: Typed, corpus: Path, tmp_path: Path) -> None:
    """One a recording, and nothing else on stdout."""
    said = obskit("sweep", broken(corpus, tmp_path), "--threads", "--workers", "2", "--format", "jsonl")
    rows = {row["name"]: row for row in map(json.loads, said.out.splitlines())}

    assert said.code == 1
    assert sorted(rows) == ["bad", "calm", "own", "pool"]
    assert rows["pool"]["error"] is None
    assert rows["bad"]["verdict"] is None


@pytest.mark.parametrize("form", ["json", "jsonl", "csv", "text"])
def test_a_file_is_written_instead_of_printed(obskit: Typed, corpus: Path, tmp_path: Path, form: str) -> None:
    """Whole, in the order of names, and stdout stays empty."""
    said = obskit("sweep", corpus, "--workers", "1", "--format", form, "--out", "found")
    text = (tmp_path / "found").read_text(encoding="utf-8")
    match form:
        case "json":
            names = [row["name"] for row in json.loads(text)["rows"]]
        case "jsonl":
            names = [json.loads(row)["name"] for row in text.splitlines()]
        case "csv":
            names = [row["name"] for row in csv.DictReader(io.StringIO(text))]
        case _:
            names = [row.split()[0] for row in text.splitlines()[1:4]]

    assert (said.code, said.out) == (0, "")
    assert str(tmp_path / "found") in said.err
    assert names == ["calm", "own", "pool"]


def test_a_remote_folder_and_services(obskit: Typed, corpus: Path, tmp_path: Path) -> None:
    """By fsspec; only recordings of the services that are named; with none of them it says so."""
    system, root = fsspec.filesystem("memory"), f"/{uuid.uuid4()}"
    system.pipe(f"{root}/a.obskit", (corpus / "pool.obskit").read_bytes())
    mine = obskit("sweep", f"memory:/{root}", "--service", SERVICE, "--workers", "1", "--format", "csv")
    others = obskit("sweep", f"memory:/{root}", "--services", "x,y", "--workers", "1")
    system.rm(root, recursive=True)

    assert (mine.code, mine.out.splitlines()[1].split(",")[:2]) == (0, ["a", SERVICE])
    assert others.code == 2
    assert "none of the 1 recordings is of x, y" in others.err


def test_what_takes_too_long_fails_alone(obskit: Typed, corpus: Path) -> None:
    """No engine is done within a microsecond."""
    said = obskit("sweep", corpus, "--workers", "1", "--timeout", "0.000001", "--format", "json")

    assert said.code == 1
    assert {row["error"] for row in json.loads(said.out)["rows"]} == {"not done within 1e-06 s (--timeout)"}


def test_hostile_names_steer_no_terminal(obskit: Typed, corpus: Path, tmp_path: Path) -> None:
    """In no format; nor in an error."""
    folder = tmp_path / "c\x1b[2J"
    folder.mkdir()
    shutil.copy(corpus / "calm.obskit", folder / "a\x1b[31mred\u202e.obskit")
    (folder / "b\x1b]0;x\x07.obskit").write_bytes(b"")

    for form in ("text", "json", "jsonl", "csv"):
        said = obskit("sweep", folder, "--workers", "1", "--format", form)
        assert "red" in said.out
        assert not {"\x1b", "\x07", "\u202e"} & set(said.out + said.err)


def test_live_services_are_asked_and_fail_alone(obskit: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row each; a Prometheus that is down is the reason, not the end."""
    monkeypatch.setenv("OBSKIT_PROMETHEUS_URL", f"http://127.0.0.1:{free_port()}")
    said = obskit("sweep", "--services", "shop,auth", "--service", "shop", "--deadline", "1", "--format", "json")
    rows = json.loads(said.out)["rows"]

    assert said.code == 1
    assert [row["name"] for row in rows] == ["auth", "shop"]
    assert all("nothing could be seen" in row["error"] for row in rows)


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ([], "sweep what?"),
        (["nowhere"], "nowhere: there is no recording"),
        (["c", "--format", "html"], "no format 'html'"),
        (["c", "--since", "1h"], "already holds its window"),
        (["c", "--all-services"], "already holds its window"),
        (["--services", "a", "--all-services"], "both say which"),
        (["--all-services"], "not known"),
        (["--services", "a", "--since", "soon"], "no duration"),
        (["--services", "a\x1bb"], "no name of a service"),
        (["--services", "a", "--deadline", "9999"], "makes no sense"),
        (["--services", "a,b", "--at", "03:12"], "no source is configured"),
        (["c", "--timeout", "0"], "makes no sense"),
        (["c", "--scheduler", "tcp://h:1", "--workers", "2"], "brings its own workers"),
        (["c", "--scheduler", "nonsense://h:1"], "no address of a scheduler"),
        (["c", "--workers", "-1"], "--workers"),
        (["c", "--out", "no/where.json"], "cannot be written"),
        (["ftp2://me:5ec2e7@h/x"], "no address that can be read"),
    ],
)
def test_what_cannot_be_swept_is_one_message(
    obskit: Typed, tmp_path: Path, corpus: Path, argv: list[str], words: str
) -> None:
    """Exit code 2, what is wrong and what to do, no secret."""
    (tmp_path / "c").symlink_to(corpus)
    said = obskit("sweep", *argv)

    assert (said.code, said.out) == (2, "")
    assert words in said.err
    assert "try:" in said.err
    assert "5ec2e7" not in said.err


def test_a_scheduler_that_cannot_be_reached_is_exit_code_3(obskit: Typed, corpus: Path) -> None:
    """The outside world failed; nothing is printed that looks like a result."""
    with dask.config.set({"distributed.comm.timeouts.connect": "200ms"}):
        said = obskit("sweep", corpus, "--scheduler", f"tcp://127.0.0.1:{free_port()}")

    assert (said.code, said.out) == (3, "")
    assert "cannot be reached" in said.err


@pytest.mark.parametrize("package", ["distributed", "fsspec"])
def test_without_the_extra_it_says_what_to_install(
    obskit: Typed, corpus: Path, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line to paste."""
    monkeypatch.setitem(sys.modules, package, None)
    said = obskit("sweep", corpus)

    assert (said.code, said.out) == (2, "")
    assert to_install("fleet") in said.err


def test_the_help_shows_each_way(obskit: Typed) -> None:
    """A folder, a fleet, a cluster; exit codes; what to install."""
    said = obskit("sweep", "--help")

    assert said.code == 0
    for words in ("s3://", "--all-services", "--scheduler", "Exit code 1", "obskit[fleet]", "--timeout"):
        assert words in said.out


def test_ctrl_c_ends_the_workers_and_leaves_nothing(tmp_path: Path) -> None:
    """Two worker processes wait for a server that never answers: they end, with all they wrote, without a traceback."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as server:
        env = {name: value for name, value in os.environ.items() if not name.startswith(("OBSKIT_", "AWS_"))}
        env |= {"OBSKIT_PROMETHEUS_URL": f"http://127.0.0.1:{server.getsockname()[1]}", "TMPDIR": str(scratch)}
        argv = ["sweep", "--services", "a,b", "--processes", "--workers", "2", "--deadline", "600"]
        typed = [sys.executable, "-c", "import sys; from obskit.cli import main; sys.exit(main(sys.argv[1:]))", *argv]
        run = subprocess.Popen(
            typed,
            env=env,
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            server.settimeout(300)
            asked, _ = server.accept()  # a worker waits now
            workers = psutil.Process(run.pid).children(recursive=True)
            listening = [one.laddr.ip for each in (run.pid, *(w.pid for w in workers)) for one in _listening(each)]
            os.killpg(run.pid, signal.SIGINT)  # as a terminal does
            out, err = run.communicate(timeout=300)
            _, left = psutil.wait_procs(workers, timeout=60)
            asked.close()
        finally:
            if run.poll() is None:
                os.killpg(run.pid, signal.SIGKILL)

    assert (run.returncode, out, err) == (130, "", "obskit: stopped\n")
    assert len(workers) >= 2
    assert set(listening) == {"127.0.0.1"}
    assert left == []
    assert list(scratch.iterdir()) == []


def _listening(pid: int) -> list[Any]:
    """Return the sockets of a process that anybody could connect to."""
    try:
        return [one for one in psutil.Process(pid).net_connections("inet") if one.status == psutil.CONN_LISTEN]
    except psutil.NoSuchProcess:
        return []
