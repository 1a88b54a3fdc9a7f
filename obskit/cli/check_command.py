"""What `obskit check` does: make the round, print it, say by the exit code what it found."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from obskit.asking import deadline_of
from obskit.cli.output import form_for, harmless, progress, writable
from obskit.errors import SourceError, UsageError
from obskit.files import write_text
from obskit.settings import Settings, load_settings

if TYPE_CHECKING:
    from obskit.checkup.words import Round

FORMS = ("text", "json", "html")


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckAsk:
    """What a round shall look at, and how it is shown.

    Attributes:
        only: Names of systems; all without any.
        prometheus: Another address than the configured one.
        deadline: Seconds; None for the configured ones.
        verbose: List every signal.
        strict: What was not seen is a problem, too.
    """

    only: Sequence[str] = ()
    prometheus: str = ""
    deadline: float | None = None
    verbose: bool = False
    strict: bool = False


def check(ask: CheckAsk, *, form: str, out: Path | None) -> None:
    """Make the round and print it; exit 1 when something is wrong.

    Args:
        ask: About what.
        form: One of `FORMS`; "" for what the file's name says.
        out: The file; None for stdout.

    Raises:
        UsageError: There is no such system, format or place to write to, or nobody is configured who could be asked.
        SourceError: Nobody of those who are could be asked.
    """
    from obskit.checkup.round import configured, make, systems_named

    form = form_for(form, out, FORMS)
    if out is not None:
        writable(out)
    systems = systems_named(ask.only)
    settings = _settings(ask)
    seconds = deadline_of(settings, ask.deadline)
    with progress("the round") as tell:
        found = make(
            settings,
            systems,
            deadline_seconds=seconds,
            everything=ask.verbose or form != "text",
            tell=tell,
        )
    if not found.answered:
        where: dict[str, str] = {}
        for unseen in found.unseen:
            where.setdefault(unseen.source, unseen.reason)
        if not set(where) & set(configured(settings)):
            hint = "set OBSKIT_PROMETHEUS_URL and OBSKIT_LOKI_URL, or name one: --prometheus http://host:9090"
            raise UsageError("no source is configured that could be asked", where=where, hint=hint)
        raise SourceError("nothing could be asked", where=where, hint="run: obskit doctor")
    _print(found, form, out, verbose=ask.verbose)
    wrong = found.of("bad") or found.of("look") or (ask.strict and (found.of("not seen") or found.unseen))
    raise typer.Exit(1 if wrong else 0)


def _settings(ask: CheckAsk) -> Settings:
    from obskit.cli.connections import prometheus_at

    settings = load_settings()
    if not ask.prometheus:
        return settings
    return replace(settings, prometheus=prometheus_at(settings.prometheus, ask.prometheus))


def _print(found: Round, form: str, out: Path | None, *, verbose: bool) -> None:
    """Write the round to the file, or print it."""
    if out is not None:
        write_text(out, _rendered(found, form, width=None, colour=False, verbose=verbose))
        print(f"round written to {out.resolve()}", file=sys.stderr)
        return
    terminal = sys.stdout.isatty()
    width = shutil.get_terminal_size().columns if terminal else None
    sys.stdout.write(_rendered(found, form, width=width, colour=terminal, verbose=verbose))


def _rendered(found: Round, form: str, *, width: int | None, colour: bool, verbose: bool) -> str:
    if form == "json":
        from obskit.checkup.as_json import document

        return harmless(json.dumps(document(found), indent=2, ensure_ascii=False, allow_nan=False)) + "\n"
    if form == "html":
        from obskit.checkup import as_html

        return as_html.render(found)
    from obskit.checkup import as_text

    return as_text.render(found, width=width, colour=colour, verbose=verbose)
