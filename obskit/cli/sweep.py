"""`obskit sweep`: its flags, and what it prints."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from obskit.cli.output import form_for, harmless, or_stdout, progress, writable
from obskit.cli.times import window as window_of
from obskit.errors import UsageError
from obskit.files import write_text

if TYPE_CHECKING:
    from obskit.fleet.item import Item, Row

FORMS = ("text", "json", "jsonl", "csv")
#: Longer than any recording takes; an item that needs it hangs.
_TIMEOUT_SECONDS = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepAsk:
    """What shall be swept.

    Attributes:
        targets: Files, folders, globs, URLs of recordings; none for live sources.
        services: To ask about live; of recordings, only those of these.
        everywhere: Ask live about every service that there is.
        since, begin, end, at: The window, for live sources.
        cluster, deadline: As `obskit triage` has them, for live sources.
        timeout: Seconds that one item may take.
    """

    targets: Sequence[str] = ()
    services: Sequence[str] = ()
    everywhere: bool = False
    since: str = ""
    begin: str = ""
    end: str = ""
    at: str = ""
    cluster: str = ""
    deadline: float | None = None
    timeout: float = _TIMEOUT_SECONDS


def sweep(
    targets: Annotated[
        list[str] | None,
        typer.Argument(
            help="Recordings: files, folders, globs, or URLs such as s3://bucket/incidents.", show_default=False
        ),
    ] = None,
    services: Annotated[
        list[str] | None,
        typer.Option(
            "--services",
            "--service",
            help="Ask live about these (a,b,c; may be given again); with TARGETS: only recordings of these.",
        ),
    ] = None,
    everywhere: Annotated[
        bool, typer.Option("--all-services", help="Ask live about every service of the ECS cluster, or of Prometheus.")
    ] = False,
    since: Annotated[
        str, typer.Option("--since", help="Live: how far back from now, for all.", show_default="30m")
    ] = "",
    begin: Annotated[str, typer.Option("--from", help="Live: begin, as in obskit triage.")] = "",
    end: Annotated[str, typer.Option("--to", help="Live: end; now by default.")] = "",
    at: Annotated[str, typer.Option("--at", help="Live: a moment of the incident, as in obskit triage.")] = "",
    cluster: Annotated[str, typer.Option("--cluster", help="Live: the ECS cluster.")] = "",
    deadline: Annotated[
        float | None,
        typer.Option("--deadline", help="Live: seconds after which sources are not waited for.", show_default="20"),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option("--workers", help="Items looked at at once here.", show_default="one a processor", min=1),
    ] = None,
    threads: Annotated[
        bool | None,
        typer.Option(
            "--threads/--processes",
            help="Work in this process, or in one a worker.",
            show_default="processes for recordings, threads for live sources",
        ),
    ] = None,
    scheduler: Annotated[
        str, typer.Option("--scheduler", help="A Dask cluster that is there already: tcp://host:8786.")
    ] = "",
    timeout: Annotated[float, typer.Option("--timeout", help="Seconds that one item may take.")] = _TIMEOUT_SECONDS,
    form: Annotated[
        str, typer.Option("--format", help="text, json, jsonl (a line each as it comes) or csv.", show_default="text")
    ] = "",
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="Write it there (.csv, .json, .jsonl, .txt) instead of printing it; - prints it.",
            callback=or_stdout,
        ),
    ] = None,
) -> None:
    """Triage many recordings, or many services, at once: who suffers from what, in one table.

    \b
    A folder:    obskit sweep incidents/ 's3://bucket/2026-11/*.obskit'
    A fleet:     obskit sweep --all-services --since 30m --format jsonl
    A cluster:   obskit sweep s3://bucket/incidents --scheduler tcp://dask:8786

    Runs on Dask (the extra obskit[fleet]). One that fails fails alone, with its reason. On a cluster
    the workers need this version of obskit, and their own settings and AWS role: no secret is sent to them.

    Exit code 1 when something failed, 3 when the scheduler or a place cannot be reached.
    """  # noqa: D301 (a \b of click, which keeps the lines as they are)
    ask = SweepAsk(
        targets=tuple(targets or ()),
        services=tuple(name.strip() for text in services or () for name in text.split(",") if name.strip()),
        everywhere=everywhere,
        since=since,
        begin=begin,
        end=end,
        at=at,
        cluster=cluster,
        deadline=deadline,
        timeout=timeout,
    )
    raise typer.Exit(_sweep(ask, workers=workers or 0, threads=threads, scheduler=scheduler, form=form, out=out))


def _sweep(ask: SweepAsk, *, workers: int, threads: bool | None, scheduler: str, form: str, out: Path | None) -> int:
    """Sweep, print, and return the exit code.

    Raises:
        UsageError: What was asked makes no sense, or names nothing.
        SourceError: The scheduler or a place cannot be reached.
    """
    from obskit.fleet.extra import distributed
    from obskit.fleet.sweep import Workers
    from obskit.fleet.sweep import sweep as run

    form = form_for(form, out, FORMS)
    _sensible(ask, out)
    if scheduler and (workers or threads is not None):
        raise UsageError("--scheduler brings its own workers", hint="drop --workers, --threads, --processes")
    distributed()  # before a bucket is listed
    items = _items(ask, here=not scheduler)
    hired = Workers(scheduler=scheduler, count=workers, threads=_threads(threads, workers, live=not ask.targets))
    rows: list[Row] = []
    with _telling(form, out, len(items)) as tell, contextlib.closing(run(items, hired, timeout=ask.timeout)) as coming:
        for row in coming:
            rows.append(row)
            tell(row)
    if not rows:
        raise UsageError(f"none of the {len(items)} recordings is of {', '.join(ask.services)}")
    _print(rows, form, out)
    return int(any(row.error for row in rows))


def _threads(asked: bool | None, workers: int, *, live: bool) -> bool:
    """Say whether to work in this process: live sources are waited for, and one worker hinders nobody."""
    return asked if asked is not None else live or workers == 1


def _sensible(ask: SweepAsk, out: Path | None) -> None:
    """Refuse what makes no sense before anything is asked or listed."""
    if out is not None:
        writable(out)
    if not 0 < ask.timeout <= 86_400:
        raise UsageError(f"a time limit of {ask.timeout:g} s makes no sense", hint="up to 86400 seconds")
    live = (ask.since, ask.begin, ask.end, ask.at, ask.cluster, ask.deadline is not None, ask.everywhere)
    if ask.targets and any(live):
        raise UsageError(
            "a recording already holds its window and cluster",
            hint="drop --since, --from, --to, --at, --cluster, --deadline, --all-services",
        )
    if ask.everywhere and ask.services:
        raise UsageError("--all-services and --services both say which", hint="drop one of them")
    if not (ask.targets or ask.services or ask.everywhere):
        raise UsageError("sweep what?", hint="obskit sweep incidents/, or --services a,b,c, or --all-services")


def _items(ask: SweepAsk, *, here: bool) -> Sequence[Item]:
    """Return what shall be looked at, by name; *here*, or by workers that have settings of their own."""
    if ask.targets:
        from obskit.fleet.recorded import find

        return find(ask.targets, services=ask.services)
    from obskit.cli.sweep_live import live_items

    now = datetime.now(UTC)
    window = window_of(since=ask.since, begin=ask.begin, end=ask.end, at=ask.at, now=now)
    return live_items(
        ask.services, window, cluster=ask.cluster, deadline_seconds=ask.deadline, everywhere=ask.everywhere, here=here
    )


@contextlib.contextmanager
def _telling(form: str, out: Path | None, count: int) -> Iterator[Callable[[Row], None]]:
    """Tell each row as it comes: as a line on stdout where the format has one, else as progress on stderr."""
    from obskit.fleet.table import line, values

    stdout = sys.stdout
    seen = lost = 0

    def print_it(row: Row) -> None:
        nonlocal seen
        seen += 1
        said = (
            harmless(json.dumps(values(row), ensure_ascii=False))
            if form == "jsonl"
            else f"[{seen}/{count}] {line(row)}"
        )
        stdout.write(said + "\n")
        stdout.flush()

    if out is None and form in ("text", "jsonl") and stdout.isatty():
        yield print_it  # the lines are the progress
        return
    with progress("sweeping") as tell:

        def told(row: Row) -> None:
            nonlocal seen, lost
            lost += bool(row.error)
            if out is None and form in ("text", "jsonl"):
                print_it(row)
            else:
                seen += 1
            tell(f"{seen} of {count}{f', {lost} failed' if lost else ''}")

        tell(f"0 of {count}")
        yield told


def _print(rows: Sequence[Row], form: str, out: Path | None) -> None:
    """Print what is told at the end, or write the whole to a file."""
    from obskit.fleet import table

    if form == "json":
        text = harmless(json.dumps(table.document(rows), indent=2, ensure_ascii=False, allow_nan=False)) + "\n"
    elif form == "csv":
        text = table.as_csv(rows)
    elif form == "jsonl":
        told = [json.dumps(table.values(row), ensure_ascii=False) for row in table.in_order(rows)]
        text = "" if out is None else harmless("\n".join(told)) + "\n"
    else:
        text = "\n".join(([""] if out is None else []) + table.lines(rows)) + "\n"
    if out is None:
        sys.stdout.write(text)
        return
    write_text(out, text)
    print(f"sweep written to {out.resolve()}", file=sys.stderr)
