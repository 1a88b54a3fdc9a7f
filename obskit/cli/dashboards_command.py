"""What ``obskit dashboards …`` does: load, check, compare, push, print."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from obskit.cli import dashboards_text as words
from obskit.cli.output import harmless, known_form, print_json, progress
from obskit.errors import SourceError, UsageError
from obskit.escape import clean
from obskit.files import folder_of, write_text
from obskit.settings import Connection, Settings, load_settings

if TYPE_CHECKING:
    from obskit.ascode.check import Result
    from obskit.ascode.definition import Definition, Problem
    from obskit.ascode.grafana import Grafana
    from obskit.ascode.live import LivePrometheus
    from obskit.ascode.preview import PreviewData

#: What a whole push or diff may take.
GRAFANA_SECONDS = 300.0
#: What a preview waits for.
PREVIEW_SECONDS = 60.0
#: Exclusions from checks, beside the definitions.
EXCLUSIONS = "checks.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckAsk:
    """What shall be checked, and against what."""

    folder: Path | None = None
    only: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    prometheus: str = ""
    strict: bool = False
    runbooks: Path | None = None
    alerts: Path | None = None


@dataclass(frozen=True, slots=True)
class PushAsk:
    """What shall be pushed, and what a push may do."""

    folder: Path | None
    only: tuple[str, ...]
    prune: bool
    prune_limit: int
    overwrite_edits: bool


@dataclass(frozen=True, slots=True)
class PreviewAsk:
    """What shall be drawn, from which data."""

    name: str
    folder: Path | None
    prometheus: str
    bundle: Path | None
    variables: tuple[str, ...]
    since: str
    out: Path


def build(folder: Path | None, only: Sequence[str], out: Path, form: str) -> None:
    """Write the JSON of each dashboard; exit 1 when a definition is broken."""
    from obskit.ascode.build import build as write

    known_form(form, "text", "json")
    definitions, problems = _load(folder, only)
    if problems:
        print(words.of_problems(problems), file=sys.stderr)
        print("nothing was written", file=sys.stderr)
        raise typer.Exit(1)
    written = write(definitions, out)
    if form == "json":
        print_json([{"name": w.name, "path": str(w.path), "bytes": w.size, "changed": w.changed} for w in written])
    else:
        print(words.of_files(written))


def explain(name: str) -> None:
    """Print a check's page, or the list of all."""
    from obskit.ascode import check

    print(check.explain(name) if name else words.of_checks(check.all_checks()))


def check(ask: CheckAsk, form: str) -> None:
    """Make the checks and print what they found; exit 1 when something is wrong, 3 when a server failed."""
    known_form(form, "text", "json", "github")
    result, excluded = _checked(ask)
    if form == "json":
        print_json(
            {
                "problems": [asdict(p) for p in result.problems],
                "skipped": [{"check": name, "why": why} for name, why in result.skipped],
                "failed": [{"check": name, "why": why} for name, why in result.failed],
                "excluded": excluded,
                "made": list(result.made),
            }
        )
    elif form == "github":
        print(words.workflow_commands(result.problems), end="")
    else:
        print(words.of_result(result, excluded))
    if result.failed:
        raise typer.Exit(SourceError.exit_code)
    if any(p.severity == "error" or ask.strict for p in result.problems):
        raise typer.Exit(1)


def diff(ask: PushAsk, form: str) -> None:
    """Print what a push would do; exit 1 when it would do something."""
    from obskit.ascode.push import plan

    known_form(form, "text", "json", "md")
    settings = load_settings()
    definitions = _sound(ask.folder, ask.only)
    with progress("reading Grafana"):
        planned = plan(
            definitions,
            _grafana(settings),
            settings.dashboards,
            prune=ask.prune,
            prune_limit=ask.prune_limit,
            overwrite_edits=ask.overwrite_edits,
        )
    if form == "json":
        print_json(words.plan_document(planned))
    else:
        print(words.of_plan(planned, markdown=form == "md"))
    if planned.differs:
        raise typer.Exit(1)


def push(ask: PushAsk, *, dry_run: bool, commit: str, form: str) -> None:
    """Check, plan, say what will be done, do it, say what was done."""
    from obskit.ascode.push import plan
    from obskit.ascode.push import push as carry_out

    known_form(form, "text", "json")
    if ask.only and ask.prune:
        raise UsageError("--only and --prune do not go together", hint="prune looks at the whole folder")
    settings = load_settings()
    result, excluded = _checked(CheckAsk(folder=ask.folder, only=ask.only))
    if any(p.severity == "error" for p in result.problems):
        print(words.of_result(result, excluded), file=sys.stderr)
        print("nothing was pushed", file=sys.stderr)
        raise typer.Exit(1)
    definitions, _ = _load(ask.folder, ask.only)
    grafana = _grafana(settings)
    with progress("reading Grafana"):
        planned = plan(
            definitions,
            grafana,
            settings.dashboards,
            prune=ask.prune,
            prune_limit=ask.prune_limit,
            overwrite_edits=ask.overwrite_edits,
        )
    if form == "text":
        print(words.of_plan(planned))
    if dry_run:
        if form == "json":
            print_json(words.plan_document(planned))
        raise typer.Exit(1 if planned.differs else 0)
    with progress("pushing") as tell:
        outcome = carry_out(planned, grafana, commit=commit or _head(), progress=lambda action: tell(action.title))
    if form == "json":
        print_json(words.outcome_document(planned, outcome))
    else:
        print(words.of_outcome(outcome))
    if outcome.failed or outcome.not_done:
        raise typer.Exit(SourceError.exit_code)
    if any(not action.foreign for action in planned.of_kind("refused")):
        raise typer.Exit(1)


def pull(uid: str, out: Path | None) -> None:
    """Bring a dashboard back, and say on stderr which signals its queries match."""
    from obskit.ascode.build import as_text
    from obskit.ascode.pull import pull as bring

    with progress("reading Grafana"):
        model, matches = bring(uid, _grafana(load_settings()))
    if out is None:
        print(harmless(as_text(model)), end="")
    else:
        write_text(out, as_text(model))
    print(words.of_matches(matches), file=sys.stderr)


def provision(folder: Path | None, out: Path) -> None:
    """Write the files that Grafana reads at its start."""
    from obskit.ascode.provisioning import files

    definitions = _sound(folder, ())
    for path, text in files(definitions, load_settings()).items():
        target = out / path
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"{target.parent} cannot be made: {error.strerror}", hint="name another --out") from error
        write_text(target, text)
        print(clean(str(target)))


def _checked(ask: CheckAsk) -> tuple[Result, int]:
    """Return what the checks found, and how many problems are excluded with a reason."""
    from obskit.ascode import check
    from obskit.ascode.exclusions import apply, read, unused

    definitions, problems = _load(ask.folder, ask.only)
    case = check.Case(
        definitions=definitions,
        runbooks=ask.runbooks or folder_of("runbooks"),
        alerts=ask.alerts or folder_of("alerts"),
        prometheus=_live(ask.prometheus),
    )
    with progress(f"checking {len(definitions)} dashboards"):
        result = check.run(case, ask.checks)
    exclusions = read(_folder(ask.folder) / EXCLUSIONS)
    kept, hidden = apply(result.problems, exclusions)
    if not ask.only and not ask.checks:
        kept = (*kept, *unused(exclusions, result.problems, result.made))
    return replace(result, problems=(*problems, *kept)), len(hidden)


def _live(url: str) -> LivePrometheus | None:
    if not url:
        return None
    from obskit.ascode.live import LivePrometheus

    return LivePrometheus(_at(load_settings().prometheus, url), now=time.time())


def _at(connection: Connection, url: str) -> Connection:
    """Return the configured connection to another address.

    Who we are is kept only where the address is the configured one: a token is for nobody else.
    """
    from obskit.settings_values import Given, checked

    url = checked(Given("prometheus.url", url, "--prometheus", Path.cwd()))
    return connection if url == connection.url else Connection(url=url)


def _folder(folder: Path | None) -> Path:
    return folder or folder_of("dashboards")


def _load(folder: Path | None, only: Sequence[str]) -> tuple[tuple[Definition, ...], tuple[Problem, ...]]:
    """Return the definitions that are asked for, and what is wrong with their files."""
    from obskit.ascode.definition import SUFFIX
    from obskit.ascode.load import load

    definitions, problems = load(_folder(folder))
    if not only:
        return definitions, problems
    names = {d.name for d in definitions} | {Path(p.file).name.removesuffix(SUFFIX) for p in problems}
    for name in only:
        if name not in names:
            raise UsageError(f"there is no dashboard {name!r}", hint=f"there are {', '.join(sorted(names))}")
    chosen = tuple(d for d in definitions if d.name in only)
    return chosen, tuple(p for p in problems if Path(p.file).name.removesuffix(SUFFIX) in only)


def _sound(folder: Path | None, only: Sequence[str]) -> tuple[Definition, ...]:
    """Return the definitions, none of which is broken; exit 1 where one is."""
    definitions, problems = _load(folder, only)
    if problems:
        print(words.of_problems(problems), file=sys.stderr)
        raise typer.Exit(1)
    return definitions


def _grafana(settings: Settings) -> Grafana:
    from obskit.ascode.grafana import Grafana

    connection: Connection = settings.grafana
    if not connection.url:
        raise UsageError(
            "no Grafana is configured",
            hint="set OBSKIT_GRAFANA_URL and OBSKIT_GRAFANA_BEARER_TOKEN, then run: obskit doctor",
        )
    return Grafana(connection, deadline_seconds=GRAFANA_SECONDS)


def _head() -> str:
    """Return the commit that is checked out, or "" outside a repository."""
    try:
        done = subprocess.run(
            ["git", "rev-parse", "--short=12", "HEAD"],  # noqa: S607 (whichever git the user has)
            capture_output=True,
            text=True,
            check=False,
            timeout=10,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def preview(ask: PreviewAsk) -> None:
    """Draw a dashboard with real data; exit 3 when no panel could be asked for the outside world's fault."""
    from obskit.ascode.preview import render, shoot

    suffix = ask.out.suffix.lower()
    if suffix not in (".html", ".png"):
        raise UsageError(f"{ask.out} is neither a page nor a picture", hint="--out NAME.html or --out NAME.png")
    definition = _sound(ask.folder, (ask.name,))[0]
    with progress("asking") as tell:
        data = _preview_data(ask, definition, tell)
    page = render(definition, data)
    if suffix == ".html":
        write_text(ask.out, page)
    else:
        with tempfile.TemporaryDirectory(prefix="obskit-") as folder, progress("drawing"):
            html = Path(folder) / "preview.html"
            write_text(html, page)
            shoot(html, ask.out)
    counts = {state: data.count(state) for state in ("data", "empty", "failed", "not_asked")}
    print(words.of_preview(ask.out, counts))
    if counts["failed"] and not counts["data"]:
        raise typer.Exit(SourceError.exit_code)


def _preview_data(ask: PreviewAsk, definition: Definition, tell: Callable[[str], None]) -> PreviewData:
    from obskit.ascode.preview import PreviewAsk as Drawing
    from obskit.ascode.preview import collect
    from obskit.cli.times import window as window_of

    settings = load_settings()
    drawing = Drawing(
        variables=tuple(_pair(text) for text in ask.variables),
        labels=settings.labels,
        progress=lambda done, of: tell(f"{done} of {of} queries"),
        deadline=time.monotonic() + PREVIEW_SECONDS,
    )
    if ask.bundle is not None:
        from obskit.sources.bundle import read_bundle

        if ask.prometheus:
            raise UsageError("--bundle and --prometheus do not go together", hint="a recording asks no server")
        return collect(definition, replace(drawing, recording=read_bundle(ask.bundle)))
    now = datetime.now(UTC)
    live = replace(
        drawing,
        window=window_of(since=ask.since, begin="", end="", at="", now=now),
        prometheus=_at(settings.prometheus, ask.prometheus) if ask.prometheus else settings.prometheus,
        loki=settings.loki,
    )
    return collect(definition, live)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UsageError(f"--var {text!r} names no value", hint="write --var service=demo-app")
    return name, value
