"""What ``obskit alerts …`` does: load, build, check, test, push, print."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from obskit.ascode.alerts.texts import texts, writer_for
from obskit.cli import dashboards_text as words
from obskit.cli.connections import prometheus_at
from obskit.cli.output import known_form, print_json, progress
from obskit.errors import SourceError, UsageError
from obskit.files import folder_of
from obskit.settings import Connection, load_settings

if TYPE_CHECKING:
    from obskit.ascode.alerts.build import Group
    from obskit.ascode.alerts.cases import CaseFile
    from obskit.ascode.alerts.check import Case, Result
    from obskit.ascode.alerts.expression import Writer
    from obskit.ascode.alerts.rule import RuleFile
    from obskit.ascode.definition import Problem

#: Alerts between two lines of progress in a log: a line in some seconds.
TOLD_EACH = 20
#: What a rule file must not be written with: a server would refuse it, or take one rule for another.
BUILDING = (
    "promql",
    "template",
    "hold",
    "duplicate-alert",
    "objectives",
    "alert-runbook",
    "impossible",
    "aggregate",
    "cause",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckAsk:
    """What shall be checked, and against what.

    Attributes:
        days: Replayed; 0 for none.
    """

    folder: Path | None = None
    checks: tuple[str, ...] = ()
    prometheus: str = ""
    days: int = 0
    strict: bool = False
    runbooks: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What a folder holds, loaded once.

    Attributes:
        folder: Where.
        files, tests: What could be loaded.
        problems, untestable: Of what could not.
    """

    folder: Path
    files: tuple[RuleFile, ...]
    problems: tuple[Problem, ...]
    tests: tuple[CaseFile, ...] = ()
    untestable: tuple[Problem, ...] = ()


def build(folder: Path | None, out: Path, form: str) -> None:
    """Write every file; exit 1, with nothing written, when a definition is broken."""
    from obskit.ascode.alerts.build import write

    known_form(form, "text", "json")
    settings = load_settings()
    loaded = _load(folder)
    writer = writer_for(settings)
    result, excluded = _checked(CheckAsk(checks=BUILDING), loaded, _case(loaded, writer))
    _refuse_errors(result, excluded, "nothing was written")
    written = write(texts(loaded.files, writer), out)
    _warn(loaded, writer)
    if form == "json":
        print_json([{"path": str(path), "state": state} for path, state in written])
        return
    print(words.of_files(written, "file"))
    if not settings.dashboards.runbook_url or not settings.grafana.url:
        print(
            "links are relative: with OBSKIT_RUNBOOK_URL and OBSKIT_GRAFANA_URL they lead somewhere",
            file=sys.stderr,
        )


def _warn(loaded: Loaded, writer: Writer) -> None:
    """Say what is good to be written and all the same not what one may think: links that are lost, pages to nobody."""
    from obskit.ascode.alerts.alertmanager import problems

    lost = "alerts whose panel is in it are written without a link; obskit dashboards check"
    unread = tuple(replace(problem, severity="warning", hint=lost) for problem in writer.unread)
    warnings = (*unread, *problems(loaded.files, writer.settings.alertmanager, writer.settings.file or "settings"))
    if warnings:
        print(words.of_problems(warnings), file=sys.stderr)


def explain(name: str) -> None:
    """Print a check's page, or the list of all."""
    from obskit.ascode.alerts import check

    print(check.explain(name) if name else words.of_checks(check.all_checks()))


def check(ask: CheckAsk, form: str) -> None:
    """Make the checks and print what they found; exit 1 when something is wrong, 3 when a server failed."""
    known_form(form, "text", "json", "github")
    if ask.days and not ask.prometheus:
        raise UsageError("--replay needs a Prometheus", hint="--prometheus http://host:9090 --replay 7")
    settings = load_settings()
    loaded = _load(ask.folder)
    connection = prometheus_at(settings.prometheus, ask.prometheus) if ask.prometheus else None
    case = _case(loaded, writer_for(settings), connection, ask.runbooks)
    with progress("checking alerts"):
        result, excluded = _checked(ask, loaded, case)
    replayed = _replayed(ask.days, loaded, case, connection) if connection and ask.days else None
    if form == "json":
        print_json(_document(result, excluded, replayed))
    elif form == "github":
        print(words.workflow_commands(_shown(result)), end="")
    else:
        from obskit.ascode.alerts import replay

        if replayed is not None:
            print(replay.text(replayed))
        print(words.of_result(_shown(result), excluded))
    if result.failed:
        raise typer.Exit(SourceError.exit_code)
    if any(p.severity == "error" or ask.strict for p in result.problems):
        raise typer.Exit(1)


def run_tests(folder: Path | None, only: Sequence[str], keep: Path | None, form: str) -> None:
    """Run promtool over the tests; exit 1 when one fails or an alert has none."""
    from obskit.ascode.alerts.expression import Writer
    from obskit.ascode.alerts.testing import tested

    known_form(form, "text", "json")
    loaded = _load(folder)
    if loaded.problems:
        print(words.of_problems(loaded.problems), file=sys.stderr)
        print("nothing was tested", file=sys.stderr)
        raise typer.Exit(1)
    with progress("testing") as tell, tempfile.TemporaryDirectory(prefix="obskit-") as scratch:
        place = keep or Path(scratch)
        try:
            place.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(
                f"{place} cannot be made: {error.strerror}", hint="name another folder: --keep DIR"
            ) from error
        writer = Writer(settings=load_settings())  # without dashboards: no test follows a link to a panel
        result = tested(loaded.folder, loaded.files, writer, place, only=only, done=counting(tell))
    if form == "json":
        print_json(result.document())
    else:
        print(result.text())
    if not result.passed:
        raise typer.Exit(1)


def counting(tell: Callable[[str], None]) -> Callable[[int, int], None]:
    """Return what shows how many alerts are tested: on a terminal each, in a log a line now and then, on stderr.

    Args:
        tell: Shows words on a terminal.
    """
    terminal = sys.stderr.isatty()

    def show(done: int, known: int) -> None:
        tell(f"{done} of {known} alerts")
        if not terminal and 0 < done < known and done % TOLD_EACH == 0:
            print(f"tested {done} of {known} alerts", file=sys.stderr, flush=True)

    return show


def push(to: str, folder: Path | None, *, prune: bool, prune_limit: int, dry_run: bool, form: str) -> None:
    """Check, plan, say what will be done, do it, say what was done.

    Exit 1 when a check fails, something was refused, or, on a dry run, something would be done; 3 when the
    server failed.
    """
    from obskit.ascode.alerts import push_text as told
    from obskit.ascode.alerts.push import plan, target_for
    from obskit.ascode.alerts.push import push as carry_out

    known_form(form, "text", "json")
    settings = load_settings()
    target = target_for(to, settings)  # before seconds of checks
    loaded = _load(folder)
    result, excluded = _checked(CheckAsk(checks=BUILDING), loaded, _case(loaded, writer_for(settings)))
    _refuse_errors(result, excluded, "nothing was pushed")
    with progress("reading what is there"):
        found = plan(target, _groups(loaded.files, writer_for(settings)), prune=prune, prune_limit=prune_limit)
    if form == "text":
        print(told.of_plan(found))
    outcome = None
    if not dry_run:
        with progress("pushing"):
            outcome = carry_out(found, target)
    if form == "json":
        print_json(told.document(found, outcome))
    elif outcome is not None:
        print(told.of_outcome(outcome))
    if outcome is not None and not outcome.complete:
        raise typer.Exit(SourceError.exit_code)
    refused = any(not action.foreign for action in found.of_kind("refused"))
    if refused or (dry_run and found.differs):
        raise typer.Exit(1)


def _load(folder: Path | None) -> Loaded:
    from obskit.ascode.alerts.load import load, load_cases

    place = folder or folder_of("alerts")
    files, problems = load(place)
    tests, untestable = load_cases(place)
    return Loaded(folder=place, files=files, problems=problems, tests=tests, untestable=untestable)


def _groups(files: Sequence[RuleFile], writer: Writer) -> tuple[Group, ...]:
    from obskit.ascode.alerts.build import groups

    return groups(files, writer)


def _case(loaded: Loaded, writer: Writer, connection: Connection | None = None, runbooks: Path | None = None) -> Case:
    from obskit.ascode.alerts.check import Case

    live = None
    if connection is not None:
        from obskit.ascode.live import LivePrometheus

        live = LivePrometheus(connection, now=time.time())
    pages = _runbooks(loaded.folder, runbooks)
    return Case(files=loaded.files, writer=writer, tests=loaded.tests, runbooks=pages, prometheus=live)


def _runbooks(folder: Path, named: Path | None) -> Path:
    """Return the folder of runbooks: the named one, the current folder's, that beside the alerts, or what we bring."""
    if named is not None:
        if not named.is_dir():
            raise UsageError(f"there is no folder {named}", hint="name the folder of runbooks: --runbooks DIR")
        return named
    own, beside = Path("runbooks"), folder.resolve().parent / "runbooks"
    return beside if not own.is_dir() and beside.is_dir() else folder_of("runbooks")


def _checked(ask: CheckAsk, loaded: Loaded, case: Case) -> tuple[Result, int]:
    """Return what the loader and the checks found, and how many problems are excluded with a reason."""
    from obskit.ascode.alerts import check
    from obskit.ascode.exclusions import FILE_NAME, apply, read, unused

    result = check.run(case, ask.checks)
    exclusions = read(loaded.folder / FILE_NAME, check.EXCLUDED)
    kept, hidden = apply(result.problems, exclusions, check.EXCLUDED)
    broken = loaded.untestable if not ask.checks or "alert-tested" in ask.checks else ()
    if not ask.checks and not loaded.problems and not broken:
        kept = (*kept, *unused(exclusions, result.problems, result.made, check.EXCLUDED))
    return replace(result, problems=(*loaded.problems, *broken, *kept)), len(hidden)


def _refuse_errors(result: Result, excluded: int, consequence: str) -> None:
    """Print what is wrong and stop with exit code 1, if anything is."""
    errors = tuple(p for p in result.problems if p.severity == "error")
    if errors:
        print(words.of_result(_shown(replace(result, problems=errors)), excluded), file=sys.stderr)
        print(consequence, file=sys.stderr)
        raise typer.Exit(1)


def _shown(result: Result) -> Result:
    """Return the problems as they are printed: the message names the alert already."""
    return replace(result, problems=tuple(replace(p, panel="") for p in result.problems))


def _document(result: Result, excluded: int, replayed: Any) -> dict[str, Any]:
    from obskit.ascode.alerts import replay

    found = {
        "problems": [_problem(p) for p in result.problems],
        "skipped": [{"check": name, "why": why} for name, why in result.skipped],
        "failed": [{"check": name, "why": why} for name, why in result.failed],
        "excluded": excluded,
        "made": list(result.made),
    }
    return found if replayed is None else {**found, "replay": replay.document(replayed)}


def _problem(problem: Problem) -> dict[str, Any]:
    """Return a problem for machines: what a panel is of dashboards, an alert is here."""
    found = asdict(problem)
    return {("alert" if key == "panel" else key): value for key, value in found.items()}


def _replayed(days: int, loaded: Loaded, case: Case, connection: Connection) -> Any:
    """Return when each alert would have fired; what cannot be built is not replayed."""
    from obskit.ascode.alerts.replay import replay

    if case.unbuilt:
        raise UsageError("rules that cannot be built cannot be replayed", hint="run it without --replay first")
    end = datetime.now(UTC)
    with progress(f"replaying {days} days"):
        return replay(_groups(loaded.files, case.writer), connection, end - timedelta(days=days), end)
