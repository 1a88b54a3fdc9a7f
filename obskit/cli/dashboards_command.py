"""What ``obskit dashboards …`` does: load, check, compare, push, print."""

from __future__ import annotations

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
from obskit.cli.connections import prometheus_at
from obskit.cli.output import known_form, print_json, progress
from obskit.errors import SourceError, UsageError
from obskit.escape import clean
from obskit.files import folder_of, write_all, write_text
from obskit.settings import load_settings
from obskit.settings_values import nearest

if TYPE_CHECKING:
    from obskit.ascode.check import Result
    from obskit.ascode.definition import Definition, Problem
    from obskit.ascode.live import LivePrometheus
    from obskit.ascode.preview import PreviewData

#: What a preview waits for.
PREVIEW_SECONDS = 60.0
#: Exclusions from checks, beside the definitions.


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckAsk:
    """What shall be checked, and against what."""

    folder: Path | None = None
    only: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    prometheus: str = ""
    strict: bool = False
    require: tuple[str, ...] = ()
    runbooks: Path | None = None
    alerts: Path | None = None


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
    loaded = load(folder_of_dashboards(folder))
    loaded.chosen(only)
    loaded.refuse_broken(only, undone="nothing was written")
    written = write(loaded.chosen(only), out, complete=not only)
    if form == "json":
        print_json([{"name": path.stem, "path": str(path), "state": state} for path, state in written])
    else:
        print(words.of_files(written, "dashboard"))


def explain(name: str) -> None:
    """Print a check's page, or the list of all."""
    from obskit.ascode import check

    print(check.explain(name) if name else words.of_checks(check.all_checks()))


def check(ask: CheckAsk, form: str) -> None:
    """Make the checks and print what they found; exit 1 when something is wrong, 3 when a server failed."""
    known_form(form, "text", "json", "github")
    result, excluded = checked(ask, load(folder_of_dashboards(ask.folder)))
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
        print(words.workflow_commands(result), end="")
    else:
        print(words.of_result(result, excluded))
    if result.failed:
        raise typer.Exit(SourceError.exit_code)
    if any(p.severity == "error" or ask.strict for p in result.problems):
        raise typer.Exit(1)


def signals(word: str, form: str) -> None:
    """Print the signals of the catalogue that a word is part of; all by default."""
    from obskit.catalogue import signals_about

    known_form(form, "text", "json")
    found = list(signals_about(word).values())
    if form == "json":
        print_json([words.signal_document(signal) for signal in found])
    else:
        print(words.of_signals(found))


def provision(folder: Path | None, out: Path, *, alerting: bool) -> None:
    """Write the files that Grafana reads at its start, and say what to do with them."""
    from obskit.ascode.provisioning import files

    loaded = load(folder_of_dashboards(folder))
    loaded.refuse_broken(undone="nothing was written")
    texts = files(loaded.definitions, load_settings(), alerting=alerting)
    print(words.of_files(write_all(texts, out, by="dashboards provision"), "file"))
    print(words.PROVISIONED)


def checked(ask: CheckAsk, loaded: Loaded) -> tuple[Result, int]:
    """Return what the checks found, and how many problems are excluded with a reason.

    All definitions are looked at, since they link each other; what is told is about the chosen ones.
    """
    from obskit.ascode import check
    from obskit.ascode.board import reference
    from obskit.ascode.exclusions import FILE_NAME, apply, read, unused

    chosen = loaded.chosen(ask.only)
    case = check.Case(
        definitions=loaded.definitions,
        unread=tuple(reference(loaded.name_of(problem)) for problem in loaded.problems),
        runbooks=_named_folder(ask.runbooks, "runbooks"),
        alerts=_named_folder(ask.alerts, "alerts"),
        prometheus=_live(ask.prometheus),
    )
    with progress(f"checking {len(chosen)} dashboards"):
        result = check.run(case, ask.checks)
    exclusions = read(loaded.folder / FILE_NAME)
    kept, hidden = apply(result.problems, exclusions)
    if not ask.only and not ask.checks and not loaded.problems:
        kept = (*kept, *unused(exclusions, result.problems, result.made))
    kept = (*loaded.problems, *kept, *_required(ask, result))
    if ask.only:
        files = {d.file for d in chosen} | {p.file for p in loaded.problems if loaded.name_of(p) in ask.only}
        kept = tuple(p for p in kept if p.file in files or not p.file)
        hidden = tuple(p for p in hidden if p.file in files)
    return replace(result, problems=kept), len(hidden)


def _required(ask: CheckAsk, result: Result) -> list[Problem]:
    """Return a problem for each check that must be made and could not be."""
    from obskit.ascode import check
    from obskit.ascode.definition import Problem

    for name in ask.require:
        check.explain(name)
    return [
        Problem(check=name, message=f"it was not made: {why}", file="")
        for name, why in result.skipped
        if name in ask.require
    ]


def _named_folder(named: Path | None, kind: str) -> Path:
    """Return the folder of runbooks or alerts; one that was named must be there."""
    if named is not None and not named.is_dir():
        raise UsageError(f"there is no folder {named}", hint=f"name the folder of {kind}: --{kind} DIR")
    return named or folder_of(kind)


def _live(url: str) -> LivePrometheus | None:
    if not url:
        return None
    from obskit.ascode.live import LivePrometheus

    return LivePrometheus(prometheus_at(load_settings().prometheus, url), now=time.time())


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What a folder holds, loaded once.

    Attributes:
        folder: Where.
        definitions: What could be loaded.
        problems: Of what could not.
    """

    folder: Path
    definitions: tuple[Definition, ...]
    problems: tuple[Problem, ...]

    @staticmethod
    def name_of(problem: Problem) -> str:
        """Return the name of the definition that a problem of loading is about."""
        from obskit.ascode.definition import SUFFIX

        return Path(problem.file).name.removesuffix(SUFFIX)

    def chosen(self, only: Sequence[str]) -> tuple[Definition, ...]:
        """Return the definitions that are asked for; all by default."""
        names = {d.name for d in self.definitions} | {self.name_of(p) for p in self.problems}
        for name in only:
            if name not in names:
                raise UsageError(f"there is no dashboard {name!r}", hint=nearest(name, sorted(names)))
        return tuple(d for d in self.definitions if not only or d.name in only)

    def refuse_broken(self, only: Sequence[str] = (), *, undone: str = "") -> None:
        """Print what could not be loaded and stop with exit code 1, if anything that matters could not."""
        problems = [p for p in self.problems if not only or self.name_of(p) in only]
        if problems:
            print("\n".join(filter(None, (words.of_problems(problems), undone))), file=sys.stderr)
            raise typer.Exit(1)


def folder_of_dashboards(folder: Path | None) -> Path:
    """Return the folder of definitions: the one that was named, ./dashboards, or what obskit brings."""
    return folder or folder_of("dashboards")


def load(folder: Path) -> Loaded:
    """Run every definition of a folder, once.

    Raises:
        UsageError: There is no such folder, or no definition in it.
    """
    from obskit.ascode.load import load as run_all

    definitions, problems = run_all(folder)
    return Loaded(folder=folder, definitions=definitions, problems=problems)


def preview(ask: PreviewAsk) -> None:
    """Draw a dashboard with real data; exit 3 when no panel could be asked for the outside world's fault."""
    from obskit.ascode.preview import render, shoot

    suffix = ask.out.suffix.lower()
    if suffix not in (".html", ".png"):
        raise UsageError(f"{ask.out} is neither a page nor a picture", hint="--out NAME.html or --out NAME.png")
    loaded = load(folder_of_dashboards(ask.folder))
    chosen = loaded.chosen((ask.name,))
    loaded.refuse_broken((ask.name,))
    definition = chosen[0]
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
    if counts["data"]:
        return
    said = next((sent.said for panel in data.panels for sent in panel.sent if sent.said), "")
    if counts["failed"]:
        raise SourceError("no panel could be drawn", where={"said": said}, hint="run: obskit doctor")
    values = ", ".join(ask.variables)
    print(f"no panel has data{f' for {clean(values)}' if values else ''}", file=sys.stderr)
    print("  try: obskit doctor --service NAME says what is there", file=sys.stderr)
    raise typer.Exit(1)


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

        if ask.since:
            raise UsageError("--bundle and --since do not go together", hint="a recording has its own window")
        if ask.prometheus:
            raise UsageError("--bundle and --prometheus do not go together", hint="a recording asks no server")
        return collect(definition, replace(drawing, recording=read_bundle(ask.bundle)))
    now = datetime.now(UTC)
    live = replace(
        drawing,
        window=window_of(since=ask.since or "1h", begin="", end="", at="", now=now),
        prometheus=prometheus_at(settings.prometheus, ask.prometheus) if ask.prometheus else settings.prometheus,
        loki=settings.loki,
    )
    return collect(definition, live)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UsageError(f"--var {text!r} names no value", hint="write --var service=demo-app")
    return name, value
