"""What ``obskit lab …`` does: start, stop, look, break, record."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn, cast, get_args

from obskit.cli.output import clean_lines, known_form, print_json, progress
from obskit.errors import UsageError

if TYPE_CHECKING:
    from obskit.lab.fault import Fault
    from obskit.lab.lab import Lab


def up(chosen: Mapping[str, Any], folder: Path | None, *, detach: bool) -> None:
    """Start a lab and, unless it is to run alone, stay until its end.

    Raises:
        UsageError: Programs or packages are missing, or a lab runs already.
        SourceError: It did not come up.
    """
    from obskit.lab.lab import Lab
    from obskit.lab.settings import LabSettings

    lab = Lab(LabSettings(**chosen), folder=folder, detached=detach)
    begun = time.monotonic()
    with _ending_in_order():
        with progress("starting the lab"):
            lab.start()
        print("\n".join(_about(lab, time.monotonic() - begun)), flush=True)
        if detach:
            print("it runs until: obskit lab down")
            return
        print("Ctrl-C ends it", file=sys.stderr, flush=True)
        try:
            lab.wait()
        finally:
            lab.down()


def down(folder: Path | None) -> None:
    """End a lab.

    Raises:
        UsageError: There is none.
    """
    from obskit.lab.lab import Lab

    lab = Lab(folder=folder)
    with progress("ending the lab"):
        lab.down()
    print("nothing of it is left")


def status(folder: Path | None, form: str) -> None:
    """Print what runs."""
    from obskit.lab.lab import Lab

    known_form(form, "text", "json")
    lab = Lab.attached(folder)
    found = {**lab.status(), "urls": lab.urls, "folder": str(lab.folder), "programs": lab.state.programs}
    if form == "json":
        print_json(found)
    else:
        print(clean_lines([*_about(lab, 0.0), *_services(found)]))


def faults(form: str) -> None:
    """Print what can be broken."""
    from obskit.lab.fault import all_faults

    known_form(form, "text", "json")
    known = all_faults()
    if form == "json":
        print_json(
            {
                name: {
                    "title": fault.title,
                    "cause": fault.truth.cause,
                    "strengths": list(fault.strengths),
                    "usual": fault.usual,
                    "unit": fault.unit,
                }
                for name, fault in known.items()
            }
        )
        return
    width = max(map(len, known))
    for name, fault in known.items():
        strengths = ", ".join(f"{s:g}{'*' if s == fault.usual else ''}" for s in fault.strengths)
        print(f"{name:<{width}}  {fault.title}; cause {fault.truth.cause}; {strengths} ({fault.unit})")
    print("* the usual strength")


def inject(name: str, strength: float | None, folder: Path | None, *, stop: bool) -> None:
    """Start or stop a fault."""
    from obskit.lab.fault import fault_named
    from obskit.lab.lab import Lab

    fault = fault_named(name)
    strong = fault.checked(strength)
    lab = Lab.attached(folder)
    if stop:
        lab.heal(fault)
        print(f"{name}: stopped")
        return
    task = lab.inject(fault, strong)
    print(f"{name}: {fault.title}, at {strong:g} ({fault.unit}){f', task {task}' if task else ''}")
    print(f"it lasts until: obskit lab inject {name} --stop")


def record(name: str, out: Path, folder: Path | None, *, strength: float | None, calm: float, minutes: float) -> None:
    """Record a fault."""
    from obskit.lab.fault import fault_named
    from obskit.lab.record import record as recorded

    fault = fault_named(name)
    strong = fault.checked(strength)
    place = out.resolve().parent
    if out.suffix != ".obskit" or not place.is_dir() or not os.access(place, os.W_OK):
        raise UsageError(f"{out} cannot be written", hint="name a file NAME.obskit in a folder that exists")
    with _ending_in_order(), progress(f"recording {name}") as tell, _lab(fault, folder) as lab:
        found = recorded(lab, fault, out, strength=strong, calm=calm, minutes=minutes, tell=tell)
    print(
        f"{found.path}: {found.series} series, {found.lines} log lines, {found.events} events; truth in {found.truth}"
    )
    if found.left:
        said = f"the recording is whole, but {name} could not be stopped, and the lab is broken: {found.left}"
        print(clean_lines([said]), file=sys.stderr)


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixAsk:
    """What a matrix run is asked for.

    Attributes:
        out: The folder.
        only, beside: Ids of faults.
        strengths: ``all``, ``weakest``, ``usual`` or ``strongest``.
        repeat: How often each.
        calm: Seconds before each fault.
        minutes: How long each lasts.
    """

    out: Path
    only: tuple[str, ...] = ()
    strengths: str = "all"
    repeat: int = 1
    beside: tuple[str, ...] = ()
    calm: float = 60.0
    minutes: float = 2.0


def words(text: str) -> tuple[str, ...]:
    """Return what is separated by commas."""
    return tuple(word.strip() for word in text.split(",") if word.strip())


def matrix(ask: MatrixAsk, form: str) -> None:
    """Record a corpus and print what triage says of it; progress goes to stderr.

    Raises:
        UsageError: There is no such fault, or the folder cannot be written to.
        typer.Exit: With 1 where something could not be recorded.
    """
    import typer

    from obskit.lab import matrix as of
    from obskit.lab import programs

    known_form(form, "text", "json")
    if ask.strengths not in get_args(of.Strengths):
        raise UsageError(f"there are no strengths {ask.strengths!r}", hint=" or ".join(get_args(of.Strengths)))
    cells = of.cells(ask.only, cast("of.Strengths", ask.strengths), ask.repeat, ask.beside)
    try:
        ask.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{ask.out} cannot be made: {error.strerror}", hint="name another: --out") from error
    if not all((ask.out / f"{cell.name}.obskit").exists() for cell in cells):
        programs.find()
        programs.check_packages()
    begun, rows = time.monotonic(), []

    def tell(what: str) -> None:
        print(f"  {time.monotonic() - begun:5.0f} s  {clean_lines([what])}", file=sys.stderr, flush=True)

    with _ending_in_order():
        for row in of.run(cells, ask.out, of.recorder(calm=ask.calm, minutes=ask.minutes), tell):
            rows.append(row)
            print(clean_lines([f"{len(rows)} of {len(cells)}  {of.table([row])[0]}"]), file=sys.stderr, flush=True)
    if form == "json":
        print_json(of.summary(rows))
    else:
        print(clean_lines(of.table(rows)))
    if any(row.error for row in rows):
        raise typer.Exit(1)


@contextlib.contextmanager
def _lab(fault: Fault, folder: Path | None) -> Iterator[Lab]:
    """Yield the lab that runs, or one that is started for the fault alone."""
    from obskit.lab import state
    from obskit.lab.lab import Lab
    from obskit.lab.settings import LabSettings

    if ((folder or state.default_folder()) / state.FILE).exists():
        yield Lab.attached(folder)
        return
    chosen: dict[str, Any] = dict(fault.settings)
    with Lab(LabSettings(**chosen), folder=folder) as lab:
        yield lab


@contextlib.contextmanager
def _ending_in_order() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end us as Ctrl-C does: what was started is stopped."""

    def end(_number: int, _frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _about(lab: Lab, seconds: float) -> Iterator[str]:
    settings = lab.settings
    took = f", ready after {seconds:.1f} s" if seconds else ""
    yield f"lab in {lab.folder}: cluster {settings.cluster}{took}"
    width = max(map(len, lab.urls))
    for name, url in lab.urls.items():
        yield f"  {name:<{width}}  {url}"
    yield f"  {'postgres':<{width}}  127.0.0.1:{lab.state.ports['postgres']}"


def _services(found: Mapping[str, Any]) -> Iterator[str]:
    for name, service in found["services"].items():
        steady = "steady" if service["steady"] else "not steady"
        deployment = service["deployment"].lower().replace("_", " ")
        yield f"{name}: {service['desired']} wanted, {steady}, {service['revision']} {deployment}"
        for task in service["tasks"]:
            yield f"  {task['id']}  {task['status']}, {task['health']}, port {task['port']}, {task['revision']}"
    load = found["load"]
    if load:
        yield f"users: factor {load['factor']:g}, {load['sent']} requests, {load['failed']} failed"
    broken = ", ".join(f"{name} at {strength}" for name, strength in found["injected"].items())
    yield f"broken: {broken or 'nothing'}"
