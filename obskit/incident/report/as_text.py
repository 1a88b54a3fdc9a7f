"""A diagnosis for the terminal: what matters at 03:12 first, queries last."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from io import StringIO

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from obskit.escape import clean, cut
from obskit.incident.dashboard_link import dashboard_path
from obskit.incident.report import phrases as say
from obskit.incident.report._fold import fold_command, fold_query
from obskit.incident.units import percent
from obskit.model import Claim, Diagnosis, Hypothesis, Step, stamp

_TIMELINE_LINES = 15
_LOG_TEMPLATES = 8
_STEPS = 3
_CAUSES = 6
_CONTRIBUTIONS = 5
_COLOURS = {"cause_found": "bold red", "possible": "bold yellow", "no_clear_cause": "bold yellow", "calm": "bold green"}


def render(diagnosis: Diagnosis, *, width: int = 80, color: bool = False, grafana: str = "") -> str:
    """Return the report as lines for a terminal, a pipe or a mail.

    Args:
        diagnosis: What to tell.
        width: Columns; no line is wider, but for queries and commands with a string or a word that is. Below 40 it is
            taken as 40.
        color: Add ANSI colours; the text reads the same without them.
        grafana: Its address; "" leaves the link to the dashboard out.
    """
    page = _Page(width=max(width, 40), color=color)
    _verdict(page, diagnosis, grafana)
    _suspects(page, diagnosis)
    if diagnosis.hypotheses:
        _ranking(page, diagnosis)
        _first(page, diagnosis)
        _others(page, diagnosis.hypotheses[1:])
    _next_query(page, diagnosis)
    _timeline(page, diagnosis)
    _unsuspicious(page, diagnosis)
    _abnormal(page, diagnosis)
    _templates(page, diagnosis)
    _queries(page)
    return page.text(f"{diagnosis.elapsed_seconds:.1f} s")


@dataclass
class _Page:
    """Collects lines, and the queries that the lines refer to by number."""

    width: int
    color: bool
    queries: dict[str, int] = field(default_factory=dict)
    out: StringIO = field(default_factory=StringIO)

    def __post_init__(self) -> None:
        self.console = Console(
            file=self.out,
            width=self.width,
            color_system="standard" if self.color else None,
            force_terminal=self.color,
            legacy_windows=False,
            highlight=False,
            markup=False,
            emoji=False,
            _environ={},  # the same text wherever it runs
        )

    def line(self, text: RenderableType = "") -> None:
        self.console.print(text, overflow="fold")

    def heading(self, words: str) -> None:
        self.line()
        self.line(Text(words, "bold"))

    def rows(self, rows: Iterable[tuple[Text | str, ...]], *, indent: int = 2) -> None:
        """Print rows of cells; the last takes what room is left and wraps within it."""
        table = Table.grid(padding=(0, 1))
        cells = list(rows)
        for position in range(len(cells[0]) if cells else 0):
            last = position == len(cells[0]) - 1
            table.add_column(overflow="fold", no_wrap=not last, ratio=1 if last else None)
        for row in cells:
            table.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in row))
        self.line(Padding(table, (0, 0, 0, indent)))

    def verbatim(self, label: Text, lines: Iterable[str], *, indent: int, style: str = "") -> None:
        """Print lines to be copied, the first beside its label: as they are, wider than the page if need be."""
        aside = Text(" " * indent) + label + Text(" ")
        for line in lines:
            self.console.print(aside + Text(line, style), soft_wrap=True)
            aside = Text(" " * len(aside))

    def reference(self, query: str) -> Text:
        """Return the number under which the query stands at the end, or a blank."""
        text = clean(query, lines=True)
        if not text:
            return Text("")
        return Text(f"[{self.queries.setdefault(text, len(self.queries) + 1)}]", "cyan")

    def text(self, elapsed: str) -> str:
        self.line()
        self.line(Text(f"investigated in {elapsed}", "dim"))
        return "".join(f"{line.rstrip()}\n" for line in self.out.getvalue().splitlines())


def _verdict(page: _Page, diagnosis: Diagnosis, grafana: str) -> None:
    page.line(Text(say.headline(diagnosis), _COLOURS[diagnosis.verdict]))
    page.line(Text(clean(diagnosis.summary)))
    window = f"{stamp(diagnosis.window.start)} to {say.clock(diagnosis.window.end)}"
    where = (
        f"{clean(diagnosis.service)} in {clean(diagnosis.cluster)}" if diagnosis.cluster else clean(diagnosis.service)
    )
    rows = [("began", say.began(diagnosis)), ("culprit", say.culprit(diagnosis)), ("looked at", f"{where}, {window}")]
    rows += [("dashboard", grafana + dashboard_path(diagnosis))] if grafana else []
    steps = diagnosis.hypotheses[0].next_steps[:1] if diagnosis.hypotheses else ()
    rows += [("do first", clean(step.words)) for step in steps]
    page.rows((Text(f"{name:9}", "dim"), value) for name, value in rows if value)
    for step in steps:
        _command(page, step.command, "$", indent=12)


def _suspects(page: _Page, diagnosis: Diagnosis) -> None:
    shown = say.suspects(diagnosis)
    if not shown:
        return
    page.heading(f"Suspects, by statistics ({say.SCORES})")
    for number, suspect in enumerate(shown, 1):
        name = Text(say.entity(suspect.service, suspect.task), "bold") + Text(f", score {suspect.score:.1f}")
        page.rows([(Text(f"{number}.", "bold"), name)])
        told, rest = say.contributions(suspect, _CONTRIBUTIONS)
        rows = [(say.evidence(c.evidence), Text(say.contribution(c) + " ") + page.reference(c.query)) for c in told]
        rows += [(say.evidence(rest), Text("smaller parts", "dim"))] * (len(told) < len(suspect.contributions))
        page.rows(((Text(f"{share:>5}", "cyan"), words) for share, words in rows), indent=5)


def _ranking(page: _Page, diagnosis: Diagnosis) -> None:
    page.heading("Causes")
    shown = diagnosis.hypotheses[:_CAUSES]
    rows = [(h.probability, Text(clean(h.title), "bold" * (i == 0)), _aside(h, diagnosis)) for i, h in enumerate(shown)]
    rest = diagnosis.hypotheses[_CAUSES:]
    if rest:
        rows.append((sum(h.probability for h in rest), Text(f"{len(rest)} more"), ""))
    rows.append((diagnosis.unknown_probability, Text("unknown", "dim"), ""))
    page.rows(
        (
            Text(f"{percent(share):>5}"),
            Text(_bar(share), "red"),
            Text.assemble(title, (f"  {aside}" * bool(aside), "dim")),
        )
        for share, title, aside in rows
    )


def _aside(hypothesis: Hypothesis, diagnosis: Diagnosis) -> str:
    """Return who, when, and how it hangs together with the first."""
    judgement, first = hypothesis.judgement, diagnosis.hypotheses[0]
    same = (judgement.service, judgement.task) == (first.judgement.service, first.judgement.task)
    parts = ["" if same and hypothesis is not first else say.entity(judgement.service, judgement.task)]
    parts += [say.clock(judgement.onset), say.follows(hypothesis, diagnosis)]
    if hypothesis.independent:
        parts.append("a fault of its own")
    return ", ".join(part for part in parts if part)


def _bar(share: float) -> str:
    filled = min(10, max(0, round(share * 10))) if math.isfinite(share) else 0
    return "█" * filled + "░" * (10 - filled)


def _first(page: _Page, diagnosis: Diagnosis) -> None:
    hypothesis = diagnosis.hypotheses[0]
    judgement = hypothesis.judgement
    page.heading(f"Why: {say.named(hypothesis)}")
    _claims(page, "+", say.strongest(judgement.claims_for))
    if judgement.claims_against:
        _claims(page, "-", say.strongest(judgement.claims_against))
    if judgement.not_seen:
        page.rows((Text("?", "yellow"), f"not seen: {clean(words)}") for words in judgement.not_seen)
    if hypothesis.brings_about:
        page.rows(
            [(Text(">", "dim"), f"brings about: {', '.join(say.cause(diagnosis, c) for c in hypothesis.brings_about)}")]
        )
    _steps(page, hypothesis.next_steps[:_STEPS], clean(hypothesis.runbook))


def _claims(page: _Page, sign: str, claims: Iterable[Claim]) -> None:
    style = "green" if sign == "+" else "magenta"
    page.rows(
        (
            Text(sign, style),
            Text(f"{say.clock(claim.at):9}", "dim"),
            Text(clean(claim.words))
            + Text(f" ({say.strength(claim)})", "dim")
            + Text(" ")
            + page.reference(claim.query),
        )
        for claim in claims
    )


def _steps(page: _Page, steps: Iterable[Step], runbook: str) -> None:
    """Print the steps; the first one's command stands at the top of the page already."""
    page.heading("Next steps")
    for number, step in enumerate(steps, 1):
        first = number == 1 and bool(step.command)
        page.rows([(Text(f"{number}.", "bold"), clean(step.words) + " (command above)" * first)])
        if not first:
            _command(page, step.command, "$")
    if runbook:
        page.rows([(Text("runbook", "dim"), runbook)])


def _command(page: _Page, command: str, prompt: str, *, indent: int = 5) -> None:
    """Print a command or query so that what is copied from the screen still works."""
    fold = fold_command if prompt == "$" else fold_query
    lines = fold(clean(command, lines=True).expandtabs(4), page.width - indent - len(prompt) - 1)
    page.verbatim(Text(prompt, "dim"), lines, indent=indent, style="cyan")


def _others(page: _Page, hypotheses: Iterable[Hypothesis]) -> None:
    others = list(hypotheses)[: _CAUSES - 1]
    if not others:
        return
    page.heading("Why not the others")
    for hypothesis in others:
        page.rows([(Text(f"{percent(hypothesis.probability):>5}"), Text(clean(hypothesis.title), "bold"))])
        best = [("+", c) for c in say.strongest(hypothesis.judgement.claims_for)[:1]]
        worst = [("-", c) for c in say.strongest(hypothesis.judgement.claims_against)[:2]]
        page.rows(
            ((sign, Text(clean(claim.words) + " ") + page.reference(claim.query)) for sign, claim in (*best, *worst)),
            indent=8,
        )


def _next_query(page: _Page, diagnosis: Diagnosis) -> None:
    query = diagnosis.next_query
    if not (query.words or query.query):
        return
    page.heading("To tell the first two apart" if len(diagnosis.hypotheses) > 1 else "To look further")
    page.rows([(clean(query.words),)])
    _command(page, query.query, {"PromQL": "promql>", "LogQL": "logql>", "aws": "$"}.get(query.language, ">"))


def _timeline(page: _Page, diagnosis: Diagnosis) -> None:
    findings = say.told_once(diagnosis.timeline)
    shown = say.telling(findings, _TIMELINE_LINES)
    if not shown:
        return
    page.heading("Timeline" + (f" ({len(shown)} of {len(findings)})" if len(shown) < len(findings) else ""))
    page.rows(
        (
            Text(say.clock(finding.onset), "dim"),
            f"{say.relative(finding.onset, diagnosis.onset):>7}",
            Text(f"{finding.pillar:7}", "cyan"),
            Text(say.owner(finding, diagnosis) + clean(finding.words) + " ") + page.reference(finding.query),
        )
        for finding in shown
    )


def _unsuspicious(page: _Page, diagnosis: Diagnosis) -> None:
    if diagnosis.clean:
        page.heading("Looked for and not found")
        page.rows([(", ".join(map(say.readable, diagnosis.clean)),)])
    if diagnosis.not_judged:
        page.heading("Not judged")
        named = ((say.cause(diagnosis, cause), clean(why)) for cause, why in diagnosis.not_judged)
        page.rows((Text("?", "yellow"), f"{cause}: {why}") for cause, why in named)
    if diagnosis.gaps:
        page.heading("Not seen (a gap is not zero)")
        page.rows(
            (Text("!", "yellow"), f"{clean(g.source)}: {clean(g.query)}: {clean(g.reason)}{' (in part)' * g.partial}")
            for g in diagnosis.gaps
        )


def _abnormal(page: _Page, diagnosis: Diagnosis) -> None:
    if not diagnosis.abnormal_series:
        return
    page.heading("Most abnormal series")
    page.rows(
        (
            Text(f"{say.clock(finding.onset)}", "dim"),
            Text(f"{say.subject(finding)} {clean(finding.subject)} ", "bold")
            + Text(say.levels(finding) + " ")
            + page.reference(finding.query),
        )
        for finding in diagnosis.abnormal_series
    )


def _templates(page: _Page, diagnosis: Diagnosis) -> None:
    if not diagnosis.log_templates:
        return
    page.heading("Log templates (lines a minute, calm → troubled)")
    page.rows(
        (
            Text(f"{clean(template.change):8}", "cyan"),
            Text(say.rates(template), justify="right"),
            cut(clean(template.template), 2 * page.width),
        )
        for template in diagnosis.log_templates[:_LOG_TEMPLATES]
    )


def _queries(page: _Page) -> None:
    if page.queries:
        page.heading("Queries")
        longest = len(f"[{len(page.queries)}]")
        for query, number in page.queries.items():
            lines = _folded(query.expandtabs(4), page.width - longest - 3)
            page.verbatim(Text(f"[{number}]".ljust(longest), "cyan"), lines, indent=2)


def _folded(query: str, width: int) -> list[str]:
    """Return a claim's query in lines; those that ask AWS are commands."""
    return fold_command(query, width) if query.startswith("aws ") else fold_query(query, width)
