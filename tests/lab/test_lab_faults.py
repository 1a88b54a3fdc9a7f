"""The faults of the lab: what each asks for, that it takes it back, and that what it brings is broken for real."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from obskit.errors import ObskitError, SourceError
from obskit.lab import machine
from obskit.lab.app.settings import ConfigurationError, read
from obskit.lab.database import USER, Login
from obskit.lab.fault import NOTHING, Fault, all_faults, fault_named
from obskit.lab.faults._released import Released
from obskit.lab.faults.database_hangs import DatabaseHangs
from obskit.lab.faults.too_many_clients import TooManyClients
from obskit.lab.faults.wrong_password import WrongPassword
from obskit.lab.settings import PAYMENT, SHOP, LabSettings
from tests.support.lab_ears import Asked, listening_lab
from tests.support.postgres import PostgresServer
from tests.support.servers import free_port
from tests.support.shop import in_process, until

#: What a task of the shop uses by itself, as recordings of calm show it; in cores.
_OWN_CORES = 0.1
#: What they touch is no matter of the lab's socket alone.
_ELSEWHERE = (DatabaseHangs, TooManyClients, WrongPassword)
_TOLD = [fault for fault in all_faults().values() if not isinstance(fault, _ELSEWHERE)]


@pytest.fixture
def folder() -> Iterator[Path]:
    """Yield a folder whose name leaves room for a socket's."""
    with tempfile.TemporaryDirectory(prefix="obskit-ears-") as path:
        yield Path(path)


def _names(asked: Asked, request: str) -> set[tuple[str, str]]:
    return {(more["service"], more["fault"]) for name, more in asked if name == request}


def _stopped(fault: Fault, asked: Asked) -> None:
    """Assert that the last requests leave nothing of a fault behind."""
    assert _names(asked, "mend") >= _names(asked, "break")
    last = {name: more for name, more in asked if name not in ("break", "mend", "scale", "release", "status")}
    good = {
        "load": {"factor": 1.0},
        "shipping": {"on": True},
        "database": {"on": True},
        "jobs": {"count": 0},
        "certify": {"days": 90.0},
    }
    assert last == {name: good[name] for name in last}
    desired = {more["service"]: more["desired"] for name, more in asked if name == "scale"}
    assert set(desired.values()) <= {1}
    released = [more for name, more in asked if name == "release"]
    assert not released or not released[-1]["environment"] | dict.fromkeys(released[-1]["command"]), fault.id


@pytest.mark.parametrize("fault", _TOLD, ids=lambda fault: fault.id)
def test_a_fault_asks_for_something_and_takes_it_back(fault: Fault, folder: Path) -> None:
    """At every strength; the one task to blame is named where it is one."""
    with listening_lab(folder) as (lab, asked):
        for strength in fault.strengths:
            del asked[:]
            task = fault.start(lab, strength)
            assert asked
            assert bool(task) == (fault.truth.cause == "one_bad_task")
            fault.stop(lab)
            _stopped(fault, asked)


@pytest.mark.parametrize("fault", _TOLD, ids=lambda fault: fault.id)
def test_a_fault_that_never_began_can_be_stopped(fault: Fault, folder: Path) -> None:
    """`record` does so where the start has failed halfway."""
    with listening_lab(folder) as (lab, asked):
        fault.stop(lab)
        _stopped(fault, asked)


def test_strengths_differ_in_what_they_ask_for(folder: Path) -> None:
    """Two strengths of which nothing differs would be one recording twice."""
    for fault in _TOLD:
        below = folder / fault.id[:12]
        below.mkdir()
        with listening_lab(below) as (lab, asked):
            found = []
            for strength in fault.strengths:
                del asked[:]
                fault.start(lab, strength)
                found.append(repr(asked))
        assert len(set(found)) == len(fault.strengths), fault.id


def test_the_application_knows_what_it_is_asked_for(folder: Path, tmp_path: Path) -> None:
    """Names, greatest strengths and targets of its switches, in both roles."""
    known = {}
    for service, role in ((SHOP, "shop"), (PAYMENT, "payment")):
        with in_process(tmp_path / role, {"ROLE": role, "SHOP_FAULTS": "allowed"}) as app:
            known[service] = app.get("/faults").json()
    with listening_lab(folder) as (lab, asked):
        for fault in _TOLD:
            for strength in fault.strengths:
                fault.start(lab, strength)
    breaks = [more for name, more in asked if name == "break"]

    assert len(breaks) > 20
    for more in breaks:
        switch = known[more["service"]][more["fault"]]
        assert 0 < more["strength"] <= switch["most"]
        assert bool(switch["target"]) <= bool(more["target"]), more


def test_decoys_are_nobodys_fault() -> None:
    """There are four, and only they have no cause."""
    decoys = {fault.id for fault in all_faults().values() if fault.truth.cause == NOTHING}

    assert decoys == {"innocent_deployment", "batch_job", "harmless_errors", "calm"}


def test_a_release_is_bad_before_it_serves() -> None:
    """What is released ends by itself, with the code and the words of a real crash."""
    for strength, words in ((1.0, "ModuleNotFoundError"), (2.0, "ImportError")):
        command = _released("bad_revision").change(strength).command
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert (done.returncode, words in done.stderr) == (1, True), done.stderr
    with pytest.raises(FileNotFoundError):  # the one that ECS cannot start at all
        subprocess.run(_released("bad_revision").change(3.0).command, check=False, timeout=60)


def test_a_release_may_crash_after_it_has_started(tmp_path: Path) -> None:
    """It is the application, and ends with code 1 and a traceback."""
    command = _released("crashing_revision").change(60.0).command
    environment = {"PORT": str(free_port()), "RUN_DIR": str(tmp_path), "ROLE": "payment", "HOST": "127.0.0.1"}
    said = tmp_path / "said"
    with said.open("wb") as output:
        program = subprocess.Popen(command, env=environment, stdout=output, stderr=output, start_new_session=True)
    try:
        assert program.wait(60) == 1
    finally:
        with contextlib.suppress(ProcessLookupError):  # its workers, as a container's end would
            os.killpg(program.pid, signal.SIGKILL)
    assert "TypeError" in said.read_text()


def test_a_loop_leaves_the_application_its_share() -> None:
    """Nothing holds a task to its CPU, and Fargate shows none that uses more than it has."""
    fault = fault_named("cpu_loop")
    has = LabSettings(**dict(fault.settings)).cpu / 1024  # type: ignore[arg-type]

    assert max(fault.strengths) + _OWN_CORES <= has


def test_a_wrong_setting_is_one_that_the_application_refuses() -> None:
    """And names."""
    login = Login(port=5432).environment
    for strength, words in ((1.0, "DATABASE_PORT must be a whole number"), (2.0, "DATABASE_PASSWORD is missing")):
        with pytest.raises(ConfigurationError, match=words):
            read({**login, **dict(_released("bad_configuration").change(strength).environment)})


def _released(name: str) -> Released:
    fault = fault_named(name)
    assert isinstance(fault, Released)
    return fault


def test_a_server_that_hangs_goes_on_later(folder: Path) -> None:
    """Its processes are stopped and continued, not ended; with the weaker strength only its children are."""
    server = _server(folder / "postgres")
    fault = fault_named("database_hangs")
    try:
        until(lambda: len(machine.children(server.pid)) == 2)
        processes = [server.pid, *machine.children(server.pid)]
        with listening_lab(folder, programs={"postgres": server.pid}) as (lab, _):
            fault.start(lab, 0.5)
            until(lambda: _states(processes) == "STT")
            fault.start(lab, 1.0)
            until(lambda: _states(processes) == "TTT")
            fault.stop(lab)
            until(lambda: _states(processes) == "SSS")
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def _server(place: Path) -> subprocess.Popen[bytes]:
    """Start what works in a folder as PostgreSQL does in the lab's, and has two children."""
    place.mkdir()
    return subprocess.Popen(["/bin/sh", "-c", "sleep 60 & sleep 60"], cwd=place, start_new_session=True)


@pytest.mark.parametrize("strength", [0.5, 1.0])
def test_a_server_that_does_not_run_cannot_hang(strength: float, folder: Path) -> None:
    """Process 0 would be our own group, and the kernel's; another's process of the same id is not the lab's."""
    fault = fault_named("database_hangs")
    other = _server(folder / "elsewhere")
    (folder / "postgres").mkdir()
    try:
        until(lambda: len(machine.children(other.pid)) == 2)
        processes = [other.pid, *machine.children(other.pid)]
        for number, programs in enumerate(({"postgres": 0}, {}, {"postgres": other.pid})):
            below = folder / str(number)
            (below / "postgres").mkdir(parents=True)
            with listening_lab(below, programs=programs) as (lab, _):
                with pytest.raises(SourceError, match="does not run"):
                    fault.start(lab, strength)
                fault.stop(lab)
        assert _states(processes) == "SSS"
    finally:
        os.killpg(other.pid, signal.SIGKILL)
        other.wait()


def _states(processes: list[int]) -> str:
    return "".join(Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()[0] for one in processes)


@contextlib.contextmanager
def _database() -> Iterator[Login]:
    """Yield a login to a real PostgreSQL that is set up as a lab's is."""
    with PostgresServer() as server:
        login = Login(port=server.port, admin_password="for-tests", password="before")
        where = f"host=127.0.0.1 port={server.port} dbname=postgres user={server.user} password={server.password}"
        with psycopg.connect(where, autocommit=True) as admin:
            admin.execute("CREATE ROLE lab SUPERUSER LOGIN PASSWORD 'for-tests'")
            # The server's own superuser is the shop's role here.
            admin.execute("ALTER ROLE shop PASSWORD 'before'")
            admin.execute("CREATE DATABASE shop")
        yield login


def _as_shop(login: Login) -> psycopg.Connection[tuple[object, ...]]:
    where = f"host=127.0.0.1 port={login.port} dbname=shop user={USER} password={login.password}"
    return psycopg.connect(where, autocommit=True)


def test_a_rotated_password_is_refused_and_comes_back(folder: Path) -> None:
    """In a real PostgreSQL; open connections live on at the weaker strength, and end at the stronger one."""
    fault = fault_named("wrong_password")
    with _database() as login, listening_lab(folder, login=login) as (lab, _):
        with _as_shop(login) as opened:
            fault.start(lab, 0.5)
            with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
                _as_shop(login)
            opened.execute("SELECT 1")
            fault.start(lab, 1.0)
            with pytest.raises(psycopg.OperationalError):
                opened.execute("SELECT 1")
        fault.stop(lab)
        _as_shop(login).close()


def test_connections_from_before_the_crowd_are_ended(folder: Path) -> None:
    """Those that the crowd has opened meanwhile stay; a crowd that does not come is waited for so long."""
    clock: list[float] = [0.0]
    crowd: list[psycopg.Connection[tuple[object, ...]]] = []
    with _database() as login, listening_lab(folder, login=login) as (lab, asked):

        def pass_by(seconds: float) -> None:
            clock[0] += seconds
            if len(crowd) < 2:
                crowd.append(_as_shop(login))

        fault = replace(_too_many(), clock=lambda: clock[0], sleep=pass_by)
        with _as_shop(login) as before:
            fault.start(lab, 3)
            with pytest.raises(psycopg.OperationalError):
                before.execute("SELECT 1")
        assert [connection.execute("SELECT 1").fetchone() for connection in crowd] == [(1,), (1,)]
        for connection in crowd:
            connection.close()
        fault.start(lab, 35)
        assert clock[0] > 10
        fault.stop(lab)
    assert [name for name, _ in asked] == ["break", "break", "mend"]


def _too_many() -> TooManyClients:
    fault = fault_named("too_many_clients")
    assert isinstance(fault, TooManyClients)
    return fault


@pytest.mark.parametrize("name", ["wrong_password", "too_many_clients"])
def test_a_database_that_is_not_there_is_told(name: str, folder: Path) -> None:
    """The fault has not begun then, and the recording fails."""
    nobody = Login(port=free_port(), admin_password="a", password="b")
    with listening_lab(folder, login=nobody) as (lab, _), pytest.raises(ObskitError, match="was not"):
        fault_named(name).start(lab, 1.0)
