"""Records a corpus: fault by fault, strength by strength, each in a lab of its own, and what triage says of it.

A lab that has been broken is not trusted again: each recording gets a fresh one. What exists already is not recorded
again, so that a run that was stopped goes on where it was, and one failure costs one recording. A name says the
fault, its strength and the innocents beside it, but not how long it was calm or broken: what differs in that belongs
into another folder.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

from obskit.errors import ObskitError, UsageError
from obskit.evaluation.label import read_label
from obskit.evaluation.outcome import Outcome, outcome
from obskit.files import write_text
from obskit.incident.investigate import investigate
from obskit.lab.fault import NOTHING, Fault, all_faults, fault_named
from obskit.lab.lab import Lab
from obskit.lab.record import record
from obskit.lab.settings import LabSettings
from obskit.progress import Tell
from obskit.sources.bundle import read_bundle

SUMMARY: Final = "summary.json"
Strengths = Literal["all", "weakest", "usual", "strongest"]
#: Records a cell: (fault, strength, path, tell).
Record = Callable[[Fault, float, Path, Tell], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One recording of the matrix.

    Attributes:
        fault: What is broken.
        strength: In its unit.
        number: Of the repetition, from 1.
    """

    fault: Fault
    strength: float
    number: int = 1

    @property
    def name(self) -> str:
        """Its file's, without the suffix."""
        return f"{self.fault.id}_{self.strength:g}{_beside(self.fault)}_{self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What became of a cell.

    Attributes:
        name, fault, strength, cause: Of the cell.
        verdict, first, probability: Of triage; its first cause is "" where it has none.
        rank: Place of the first right cause; 0 where none is listed.
        right: Whether the answer is right; None where there is no recording.
        seconds: Starting, recording and ending; 0 where the recording existed.
        error: Why there is no recording.
    """

    name: str
    fault: str
    strength: float
    cause: str
    verdict: str = ""
    first: str = ""
    probability: float | None = None
    rank: int = 0
    right: bool | None = None
    seconds: float = 0.0
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside(Fault):
    """A fault with innocents at the same time.

    Attributes:
        fault: The one to blame.
        innocents: Decoys, each once; they begin just before it.
    """

    fault: Fault
    innocents: tuple[Fault, ...]

    @classmethod
    def of(cls, fault: Fault, innocents: Sequence[Fault]) -> Fault:
        """Return a fault with innocents beside it, or as it is where there are none but itself.

        Raises:
            UsageError: One of them is no innocent.
        """
        guilty = [one.id for one in innocents if one.truth.cause != NOTHING]
        if guilty:
            raise UsageError(f"{', '.join(guilty)} is no innocent", hint="those whose cause is none: obskit lab faults")
        others = tuple({one.id: one for one in innocents if one.id != fault.id}.values())
        if not others:
            return fault
        decoys = tuple(dict.fromkeys((*fault.truth.decoys, *(d for one in others for d in one.truth.decoys))))
        return cls(
            id=fault.id,
            title=fault.title,
            truth=replace(fault.truth, decoys=decoys),
            strengths=fault.strengths,
            unit=fault.unit,
            settings={name: value for one in (*others, fault) for name, value in one.settings.items()},
            fault=fault,
            innocents=others,
        )

    def start(self, lab: Lab, strength: float) -> str:
        """Start the innocents at their usual strength, and then the fault."""
        for one in self.innocents:
            one.start(lab, one.usual)
        return self.fault.start(lab, strength)

    def stop(self, lab: Lab) -> None:
        """Stop all of them, also where one cannot be stopped."""
        with contextlib.ExitStack() as at_end:
            for one in (*self.innocents, self.fault):
                at_end.callback(one.stop, lab)


def _beside(fault: Fault) -> str:
    """Return what a name says of innocents; "" where there are none. Their order is no difference."""
    return f"_beside_{'_and_'.join(sorted(one.id for one in fault.innocents))}" if isinstance(fault, Beside) else ""


def cells(
    only: Sequence[str] = (), strengths: Strengths = "all", repeat: int = 1, beside: Sequence[str] = ()
) -> tuple[Cell, ...]:
    """Return what is to be recorded: every fault once before any is repeated.

    Args:
        only: Ids of faults; all where it is empty.
        strengths: Which of each fault's.
        repeat: How often.
        beside: Ids of innocents that are there at the same time.

    Raises:
        UsageError: There is no such fault, or an innocent that is none.
    """
    innocents = [fault_named(name) for name in beside]
    chosen = [Beside.of(fault_named(name), innocents) for name in (only or all_faults())]
    found = [(fault, strength) for fault in chosen for strength in _strengths(fault, strengths)]
    return tuple(Cell(fault=f, strength=s, number=n) for n in range(1, repeat + 1) for f, s in found)


def _strengths(fault: Fault, which: Strengths) -> tuple[float, ...]:
    if which == "all":
        return fault.strengths
    return {"weakest": fault.strengths[:1], "usual": (fault.usual,), "strongest": fault.strengths[-1:]}[which]


def run(
    wanted: Iterable[Cell], out: Path, record_one: Record, tell: Tell, clock: Callable[[], float] = time.monotonic
) -> Iterator[Row]:
    """Record cell by cell and yield what became of each; the summary file is whole after each of them.

    The summary is the folder's: what earlier runs have recorded there stays in it.

    Args:
        wanted: From `cells`.
        out: A folder that exists.
        record_one: See `recorder`.
        tell: Called with what is being done.
        clock: Seconds that only go forward.
    """
    rows = _earlier(out, tell)
    for cell in wanted:
        row = rows[cell.name] = _row(cell, out / f"{cell.name}.obskit", record_one, tell, clock)
        write_text(out / SUMMARY, json.dumps(summary(list(rows.values())), indent=1) + "\n")
        yield row


def _earlier(out: Path, tell: Tell) -> dict[str, Row]:
    """Return the rows of a folder's summary by name: those whose recording is there, and those that failed."""
    path = out / SUMMARY
    if not path.exists():
        return {}
    try:
        rows = [Row(**held) for held in json.loads(path.read_bytes())["rows"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        tell(f"{path.name} is written anew, since it cannot be read: {type(error).__name__}: {error}")
        return {}
    return {row.name: row for row in rows if row.error or (out / f"{row.name}.obskit").exists()}


def _row(cell: Cell, path: Path, record_one: Record, tell: Tell, clock: Callable[[], float]) -> Row:
    begun, seconds = clock(), 0.0
    row = Row(name=cell.name, fault=cell.fault.id, strength=cell.strength, cause=cell.fault.truth.cause)
    try:
        found = _known(path, tell)
        if found is None:
            record_one(cell.fault, cell.strength, path, tell)
            seconds = clock() - begun
            found = _judged(path)
    except Exception as error:  # a run of a whole night goes on after whatever becomes of one recording
        said = str(error) if isinstance(error, ObskitError) else f"{type(error).__name__}: {error}".rstrip(": ")
        return replace(row, error=said or type(error).__name__, seconds=clock() - begun)
    return replace(
        row,
        verdict=found.verdict,
        first=found.first,
        probability=found.probability,
        rank=found.rank,
        right=found.right,
        seconds=seconds,
    )


def _known(path: Path, tell: Tell) -> Outcome | None:
    """Judge a recording that exists already; None where there is none, or none that can be read."""
    try:
        return _judged(path) if path.exists() else None
    except ObskitError as error:
        tell(f"{path.name} is recorded again: {error}")
        return None


def _judged(path: Path) -> Outcome:
    """Hold what triage says of a recording against its label.

    Raises:
        BundleError, UsageError: One of them cannot be read.
    """
    name = path.name.removesuffix(".obskit")
    label = read_label(path.with_name(f"{name}.truth.json"), name=name)
    recording = read_bundle(path)
    diagnosis = investigate(recording.telemetry, service=recording.service, window=recording.window)
    return outcome(name, label, diagnosis, seconds=None)


def recorder(*, calm: float, minutes: float) -> Record:
    """Return what records a fault in a lab of its own, which is gone afterwards.

    Args:
        calm: Seconds before the fault.
        minutes: How long it lasts.
    """

    def record_one(fault: Fault, strength: float, path: Path, tell: Tell) -> None:
        # PostgreSQL runs as somebody else where we are root, and has to reach its folder.
        above = Path(tempfile.mkdtemp(prefix="obskit-matrix-"))
        above.chmod(0o711)
        chosen: dict[str, Any] = dict(fault.settings)
        try:
            tell("starting a lab")
            with Lab(LabSettings(**chosen), folder=above / "lab") as lab:
                record(lab, fault, path, strength=strength, calm=calm, minutes=minutes, tell=tell)
        finally:
            shutil.rmtree(above, ignore_errors=True)

    return record_one


def summary(rows: Sequence[Row]) -> dict[str, object]:
    """Return the rows and their counts, for JSON."""
    recorded = [row for row in rows if row.right is not None]
    return {
        "recorded": len(recorded),
        "right": sum(bool(row.right) for row in recorded),
        "failed": len(rows) - len(recorded),
        "seconds": round(sum(row.seconds for row in rows), 1),
        "rows": [{**asdict(row), "seconds": round(row.seconds, 1)} for row in rows],
    }


def table(rows: Sequence[Row]) -> list[str]:
    """Return the rows as a table, the counts below."""
    width = max((len(row.name) for row in rows), default=0)
    lines = [f"{row.name:<{width}}  {_mark(row):<6} {_said(row)}" for row in rows]
    counts = summary(rows)
    total = f"{counts['right']} of {counts['recorded']} right, {counts['failed']} failed, {counts['seconds']} s"
    return [*lines, total]


def _mark(row: Row) -> str:
    return "failed" if row.right is None else "right" if row.right else "wrong"


def _said(row: Row) -> str:
    if row.right is None:
        return row.error.partition("\n")[0]
    sure = "" if row.probability is None else f" {row.probability:.0%}"
    place = (
        ""
        if row.right or row.cause == NOTHING
        else f"; {row.cause} is {f'number {row.rank}' if row.rank else 'absent'}"
    )
    took = f", {row.seconds:.0f} s" if row.seconds else ""
    return f"{row.first or 'no cause'}{sure} ({row.verdict}){place}{took}"
