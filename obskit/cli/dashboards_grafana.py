"""What ``obskit dashboards diff``, ``push`` and ``pull`` do: the half that talks to Grafana."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from obskit.cli import dashboards_text as words
from obskit.cli.dashboards_command import CheckAsk, checked, load
from obskit.cli.git import head
from obskit.cli.output import harmless, known_form, print_json, progress
from obskit.errors import SourceError, UsageError
from obskit.escape import clean
from obskit.files import folder_of, write_text
from obskit.settings import Connection, Settings, load_settings

if TYPE_CHECKING:
    from obskit.ascode.definition import Definition
    from obskit.ascode.grafana import Grafana
    from obskit.ascode.push import Plan

#: What a whole push or diff may take.
GRAFANA_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class PushAsk:
    """What shall be pushed, and what a push may do."""

    folder: Path | None
    only: tuple[str, ...]
    prune: bool
    prune_limit: int
    overwrite_edits: bool

    def refuse_contradictions(self) -> None:
        """Refuse to prune on the word of a part of the folder."""
        if self.only and self.prune:
            raise UsageError("--only and --prune do not go together", hint="prune looks at the whole folder")


def diff(ask: PushAsk, form: str) -> None:
    """Print what a push would do; exit 1 when it would do something."""
    known_form(form, "text", "json", "md")
    ask.refuse_contradictions()
    settings = load_settings()
    loaded = load(_own_folder(ask.folder))
    loaded.refuse_broken()
    planned = _planned(ask, loaded.chosen(ask.only), _grafana(settings), settings)
    if form == "json":
        print_json(words.plan_document(planned))
    else:
        print(words.of_plan(planned, markdown=form == "md"))
    if planned.differs:
        raise typer.Exit(1)


def push(ask: PushAsk, *, dry_run: bool, commit: str, form: str) -> None:
    """Check, plan, say what will be done, do it, say what was done."""
    from obskit.ascode.push import push as carry_out

    known_form(form, "text", "json")
    ask.refuse_contradictions()
    settings = load_settings()
    # Loaded once: what is checked is what is pushed, and a file that fails never counts as gone.
    loaded = load(_own_folder(ask.folder))
    result, excluded = checked(CheckAsk(folder=ask.folder, only=ask.only), loaded)
    if any(p.severity == "error" for p in result.problems):
        print(words.of_result(result, excluded), file=sys.stderr)
        print("nothing was pushed", file=sys.stderr)
        raise typer.Exit(1)
    print(words.of_unchecked(result), end="", file=sys.stderr)
    grafana = _grafana(settings)
    planned = _planned(ask, loaded.chosen(ask.only), grafana, settings)
    if form == "text":
        print(words.of_plan(planned))
    if dry_run:
        if form == "json":
            print_json(words.plan_document(planned))
        raise typer.Exit(1 if planned.differs else 0)
    with progress("pushing") as tell:
        outcome = carry_out(
            planned, grafana, commit=commit or head(loaded.folder), progress=lambda action: tell(action.title)
        )
    if form == "json":
        print_json(words.outcome_document(planned, outcome))
    else:
        print(words.of_outcome(outcome, settings.grafana.url))
    if outcome.failed or outcome.not_done:
        raise typer.Exit(SourceError.exit_code)
    if any(not action.foreign for action in planned.of_kind("refused")):
        raise typer.Exit(1)


def _planned(ask: PushAsk, definitions: Sequence[Definition], grafana: Grafana, settings: Settings) -> Plan:
    from obskit.ascode.push import plan

    with progress("reading Grafana"):
        return plan(
            definitions,
            grafana,
            settings.dashboards,
            prune=ask.prune,
            prune_limit=ask.prune_limit,
            overwrite_edits=ask.overwrite_edits,
        )


def pull(uid: str, out: Path | None) -> None:
    """Bring a dashboard back, and say on stderr which signals its queries match."""
    from obskit.ascode.build import as_text
    from obskit.ascode.pull import pull as bring

    with progress("reading Grafana"):
        model, matches = bring(_uid_in(uid), _grafana(load_settings()))
    if out is None:
        print(harmless(as_text(model)), end="")
    else:
        write_text(out, as_text(model))
        print(f"wrote {clean(str(out))}", file=sys.stderr)
    print(words.of_matches(matches), file=sys.stderr)


def _uid_in(text: str) -> str:
    """Return the uid in a dashboard's address; what is no address is one."""
    found = re.search(r"/d/([^/?#]+)", text)
    return found[1] if found else text


def _own_folder(folder: Path | None) -> Path:
    """Return the folder to push: never, unasked, the one that obskit brings.

    A command that was run one folder too deep would otherwise prune everything of somebody's own.
    """
    if folder is None and not Path("dashboards").is_dir():
        raise UsageError(
            "there is no folder dashboards here",
            hint=f"run it where it is, or name it with --folder; obskit's own are in {folder_of('dashboards')}",
        )
    return folder or Path("dashboards")


def _grafana(settings: Settings) -> Grafana:
    from obskit.ascode.grafana import Grafana

    connection: Connection = settings.grafana
    if not connection.url:
        raise UsageError(
            "no Grafana is configured",
            hint="set OBSKIT_GRAFANA_URL and OBSKIT_GRAFANA_BEARER_TOKEN, then run: obskit doctor",
        )
    return Grafana(connection, deadline_seconds=GRAFANA_SECONDS)
