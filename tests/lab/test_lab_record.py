"""A recording: when its fault began, and that nothing which comes after it costs it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from obskit.errors import SourceError
from obskit.evaluation.label import read_label
from obskit.lab import state
from obskit.lab.fault import Fault, Truth
from obskit.lab.lab import Lab
from obskit.lab.record import Recorded, record
from obskit.sources.bundle import read_bundle
from tests.support.lab_ears import listening_lab
from tests.support.servers import free_port

BEGIN = datetime(2026, 1, 31, 3, 0, tzinfo=UTC)


@dataclass
class Clock:
    """Time that passes when somebody waits."""

    now: datetime = BEGIN

    def wait(self, seconds: float) -> None:
        """Let seconds go by."""
        self.now += timedelta(seconds=seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slow(Fault):
    """Takes its time to begin, and may not be able to end.

    Attributes:
        clock: What it waits on.
        unable: What ending it raises.
    """

    clock: Clock = field(default_factory=Clock)
    unable: Exception | None = None
    broken: Exception | None = None

    def start(self, lab: Lab, strength: float) -> str:
        """Wait."""
        self.clock.wait(8)
        if self.broken:
            raise self.broken
        return ""

    def stop(self, lab: Lab) -> None:
        """Fail, where it is told to."""
        if self.unable:
            raise self.unable


def _slow(clock: Clock, *, unable: Exception | None = None, broken: Exception | None = None) -> Fault:
    truth = Truth(cause="db_connection_limit")
    return Slow(id="slow", title="a slow start", truth=truth, clock=clock, unable=unable, broken=broken)


@pytest.fixture
def folder() -> Iterator[Path]:
    """Yield a folder whose name leaves room for a socket's."""
    with tempfile.TemporaryDirectory(prefix="obskit-ears-") as path:
        yield Path(path)


def _record(folder: Path, path: Path, fault: Fault, clock: Clock, told: list[str]) -> Recorded:
    with listening_lab(folder) as (lab, _):
        ports = {"prometheus": free_port()}
        state.State(stage="ready", ports=ports).write(folder)
        at = int((BEGIN + timedelta(seconds=70)).timestamp()) * 10**9
        row = {"t": at, "service": "demo-app", "task": "a", "level": "info", "line": "hello"}
        (folder / state.LINES).write_text(json.dumps(row) + "\n")
        said = {"id": "1", "createdAt": BEGIN.isoformat(), "service": "demo-app", "message": "(service demo-app) x"}
        (folder / state.EVENTS).write_text(json.dumps(said) + "\n")
        return record(lab, fault, path, calm=60, minutes=1, tell=told.append, sleep=clock.wait, now=lambda: clock.now)


def test_the_onset_is_when_the_fault_has_begun(folder: Path, tmp_path: Path) -> None:
    """Not when its start was asked for: until a server is full, or a pool, nobody can see anything of it."""
    clock = Clock()
    found = _record(folder, tmp_path / "a.obskit", _slow(clock), clock, [])

    assert read_label(found.truth, name="a").onset == BEGIN + timedelta(seconds=68)
    assert (found.lines, found.left) == (1, "")


@pytest.mark.parametrize("error", [SourceError("PostgreSQL was not ready"), RuntimeError("nobody thought of it")])
def test_a_fault_that_cannot_be_stopped_costs_no_recording(error: Exception, folder: Path, tmp_path: Path) -> None:
    """It is written before, and what is left is told."""
    clock, told = Clock(), []  # type: tuple[Clock, list[str]]
    found = _record(folder, tmp_path / "a.obskit", _slow(clock, unable=error), clock, told)

    assert len(read_bundle(found.path).telemetry.logs) == 1
    assert read_label(found.truth, name="a").cause == "db_connection_limit"
    assert str(error) in found.left
    assert "slow could not be stopped" in told[-1]


def test_why_a_recording_failed_is_not_hidden(folder: Path, tmp_path: Path) -> None:
    """The first error is raised, not that of mending."""
    clock = Clock()
    fault = _slow(clock, unable=SourceError("not mended"), broken=SourceError("not broken"))

    with pytest.raises(SourceError, match="not broken"):
        _record(folder, tmp_path / "a.obskit", fault, clock, [])
    assert not (tmp_path / "a.obskit").exists()
