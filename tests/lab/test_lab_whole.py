"""A whole lab, for some seconds: it comes up, is watched, breaks, and leaves nothing, however it ends."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from obskit.errors import UsageError
from obskit.lab import programs, state
from obskit.lab.fault import fault_named
from obskit.lab.lab import PAYMENT, SHOP, Lab, LabSettings
from obskit.model import Event, Window
from obskit.sources.events_file import read_events
from tests.support.shop import until

#: As small as it gets, and as quick.
_SMALL = LabSettings(tasks=1, payments=1, rate=8, scrape=0.5, provision=0.2, deregister=0.2, stop=4, breaker=2)


@pytest.fixture
def folder() -> Iterator[Path]:
    """Yield a short name for a lab's folder; a test that fails leaves none behind either."""
    try:
        programs.find()
        programs.check_packages()
    except UsageError as error:
        pytest.skip(str(error))
    with tempfile.TemporaryDirectory(prefix="obskit-lab-test-") as above:
        Path(above).chmod(0o711)
        folder = Path(above) / "lab"
        yield folder
        for process in _processes(folder):
            os.kill(process, signal.SIGKILL)


def _processes(folder: Path) -> list[int]:
    """Return the processes that work in a folder or were told of it."""
    found = []
    for path in Path("/proc").iterdir():
        if not path.name.isdigit() or int(path.name) == os.getpid():
            continue
        try:
            place = str((path / "cwd").readlink())
            words = (path / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if place.startswith(str(folder)) or str(folder) in words:
            found.append(int(path.name))
    return found


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def _assert_gone(folder: Path, ports: dict[str, int]) -> None:
    until(lambda: not folder.exists() and not _processes(folder))
    assert {name for name, port in ports.items() if not _is_free(port)} == set()


def test_a_lab_comes_up_is_watched_breaks_and_leaves_nothing(folder: Path) -> None:
    """Metrics, lines and events by obskit's own sources; and after ``kill -9`` of the supervisor nothing is left."""
    with Lab(_SMALL, folder=folder) as lab:
        begun = datetime.now(UTC)
        ports = dict(lab.state.ports)
        with pytest.raises(UsageError, match="running already"):
            Lab(folder=folder).start()
        assert lab.break_it(SHOP, "log_burst", 5, tasks="one") == [lab.status()["services"][SHOP]["tasks"][0]["id"]]
        with pytest.raises(UsageError, match="no such fault"):
            lab.break_it(SHOP, "pigs_fly")
        victim = lab.status()["services"][PAYMENT]["tasks"][0]
        os.killpg(victim["pid"], signal.SIGKILL)

        def seen() -> bool:
            window = Window(start=begun, end=datetime.now(UTC), step=timedelta(seconds=0.5))
            found = Lab.attached(folder).telemetry(window)
            signals = {series.signal for series in found.metrics.series if series.service == SHOP}
            stopped = {event.detail("exit_code") for event in found.events if event.task == victim["id"]}
            logged = "exchange rates" in " ".join(found.logs.table.column("line").to_pylist())
            wanted = {"http_requests", "container_memory_ratio", "db_pool_used_ratio", "alb_requests", "task_up"}
            return wanted <= signals and "137" in stopped and logged

        until(seen)
        lab.mend(SHOP, "log_burst")
        _change(lab)
        os.kill(lab.state.supervisor, signal.SIGKILL)
        _assert_gone(folder, ports)


def _change(lab: Lab) -> None:
    """Do by hand what people do to a service, and see it done."""
    first = lab.status()["services"][SHOP]["tasks"][0]["id"]
    bad = lab.release(command=("no-such-program",), tag="bad")
    until(lambda: "SERVICE_DEPLOYMENT_FAILED" in {e.code for e in _events(lab) if e.deployment == bad})
    assert [task["id"] for task in lab.status()["services"][SHOP]["tasks"]] == [first]
    lab.run_database(on=False)
    assert lab.database.port == lab.state.ports["postgres"]
    assert _is_free(lab.database.port)
    lab.run_database(on=True)
    assert not _is_free(lab.database.port)
    lab.load(0)
    lab.ship_logs(on=False)
    assert lab.status()["load"]["factor"] == 0
    assert lab.status()["shipping"] is False
    lab.scale(2)
    until(lambda: [t["health"] for t in lab.status()["services"][SHOP]["tasks"]] == ["healthy", "healthy"])
    lab.stop_task(first, reason="by hand")
    until(lambda: ("UserInitiated", "by hand") in {(e.code, e.message) for e in _events(lab) if e.task == first})
    fault = fault_named("leak_connections")
    lab.inject(fault, 1)
    assert lab.status()["injected"] == {"leak_connections": "1"}
    assert lab.status()["services"][SHOP]["faults"] == {"leak_connections": "all"}
    lab.heal(fault)
    assert lab.status()["injected"] == {}


def _events(lab: Lab) -> tuple[Event, ...]:
    return read_events(lab.folder / state.EVENTS)


def _kill_keeper(found: state.State, _: subprocess.Popen[bytes]) -> None:
    os.kill(found.keeper, signal.SIGKILL)


def _kill_command(_: state.State, command: subprocess.Popen[bytes]) -> None:
    command.kill()


def _interrupt(_: state.State, command: subprocess.Popen[bytes]) -> None:
    command.send_signal(signal.SIGINT)


@pytest.mark.parametrize("end", [_kill_keeper, _kill_command, _interrupt])
def test_whatever_ends_it_leaves_nothing(
    folder: Path, end: Callable[[state.State, subprocess.Popen[bytes]], None]
) -> None:
    """Not even while it is coming up: ``kill -9`` of the keeper and of the command, and Ctrl-C."""
    command = [sys.executable, "-c", "from obskit.cli import main; raise SystemExit(main())"]
    command += ["lab", "up", "--tasks", "1", "--folder", str(folder)]
    with (folder.parent / "said").open("wb") as said:
        running = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
    try:

        def begun() -> state.State | None:
            if not (folder / state.FILE).exists():
                return None
            found = state.read(folder)
            return found if found.supervisor and "node-exporter" in found.programs else None

        found = until(begun)
        end(found, running)
        _assert_gone(folder, found.ports)
        assert running.wait(10) != 0
    finally:
        running.kill()
        running.wait()
        shutil.rmtree(folder, ignore_errors=True)
