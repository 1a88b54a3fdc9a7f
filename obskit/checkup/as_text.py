"""A round as text: what is wrong as a table, each green system on one line, what was not seen last."""

from __future__ import annotations

import io

from rich.console import Console
from rich.table import Table
from rich.text import Text

from obskit.checkup import wording as say
from obskit.checkup.words import Report, Round, Row, State
from obskit.model import stamp

#: Where nobody's terminal sets the width: a line is a line, and grep finds it whole.
PIPED_WIDTH = 400
#: In a narrower terminal the comparisons would leave no room for the words.
_COMPARED_FROM = 100
_STYLES: dict[State, str] = {"bad": "bold red", "look": "yellow", "not seen": "magenta", "ok": "green"}


def render(found: Round, *, width: int | None = None, colour: bool = False, verbose: bool = False) -> str:
    """Return the text, with a line end.

    Args:
        found: The round.
        width: Of the terminal, in columns; None where there is none.
        colour: Whether states are coloured.
        verbose: List every signal of every system, and what has no answer.
    """
    out = io.StringIO()
    console = Console(
        file=out,
        width=width or PIPED_WIDTH,
        color_system="standard" if colour else None,
        force_terminal=colour,
        highlight=False,
        emoji=False,
        markup=False,
        legacy_windows=False,
    )
    console.print(Text(f"obskit check, {stamp(found.at)}: {say.headline(found)}"))
    for report in found.reports:
        if report.wrong or (verbose and report.well):
            _system(console, report, found, verbose=verbose)
    _lines(console, found, verbose=verbose)
    if found.unseen:
        console.print()
        for unseen in found.unseen:
            asked = f"{unseen.questions} question{'' if unseen.questions == 1 else 's'}"
            words = f"{unseen.source}: {unseen.reason} ({asked} of {', '.join(unseen.systems)})"
            console.print(_stated("not seen", words))
    console.print(Text(f"\n{found.asked} questions in {found.seconds:.1f} s"))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def _system(console: Console, report: Report, found: Round, *, verbose: bool) -> None:
    console.print()
    console.print(_stated(report.state, f"{report.system.name}: {report.system.title}"))
    rows = [*report.wrong, *(report.well if verbose else ())]
    compared = console.width >= _COMPARED_FROM
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_edge=False, header_style="dim")
    table.add_column("  state", no_wrap=True)
    for heading in ("what", "entity", "now", "threshold", "since"):
        table.add_column(heading, overflow="fold")
    for heading in ("yesterday", "last week") if compared else ():
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*_cells(row, found, compared=compared))
    console.print(table)
    if verbose and report.silent:
        console.print(Text(f"  no answer: {', '.join(report.silent)}"))


def _cells(row: Row, found: Round, *, compared: bool) -> list[Text]:
    then = [say.number(row.yesterday, row.unit), say.number(row.last_week, row.unit)] if compared else []
    texts = [row.what, say.entity_of(row), say.now_of(row), say.threshold_of(row), say.since_of(row, found.at), *then]
    return [Text(f"  {row.state}", style=_STYLES[row.state]), *map(Text, texts)]


def _lines(console: Console, found: Round, *, verbose: bool) -> None:
    """Print the systems that need no table, one line each."""
    quiet = [r for r in found.reports if not r.wrong and not (verbose and r.well)]
    width = max((len(r.system.name) for r in quiet), default=0)
    if quiet:
        console.print()
    for report in quiet:
        words = say.told(report) if report.state == "ok" else report.why
        console.print(_stated(report.state, f"{report.system.name:<{width}}  {words}"))


def _stated(state: State, words: str) -> Text:
    return Text.assemble((f"{state:<8}", _STYLES[state]), "  ", words)
