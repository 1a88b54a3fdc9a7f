"""What the faces in Markdown share: text of others made harmless, and lines that they write alike."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from obskit.escape import clean, cut
from obskit.incident.report import phrases as say
from obskit.model import Claim, Diagnosis, LogTemplate

#: Keeps a renderer from seeing a mention, an issue number or an address; it has no width.
_WORD_JOINER = "\u2060"

#: Characters of a log line that are shown.
_LINE = 160

_MARKUP = re.compile(r"[\\`*{}\[\]<>|~#&!$]|(?<!\w)_|_(?!\w)")
_BLOCK_START = re.compile(r"^([-+=]|\d+[.)](?=\s|$))")
_TRIGGER = re.compile(r"(@|:(?=//)|\bwww(?=\.)|#(?=\d)|(?<!\d):(?=[a-z0-9_+-]+:))", re.IGNORECASE)


def escape(text: str) -> str:
    """Return the text so that Markdown shows it as it stands, in one line, without links or mentions."""
    plain = _MARKUP.sub(r"\\\g<0>", clean(text))
    plain = _BLOCK_START.sub(lambda found: found[0][:-1] + "\\" + found[0][-1], plain)
    return _TRIGGER.sub(rf"\1{_WORD_JOINER}", plain)


def code(text: str) -> str:
    """Return the text as a code span that its own backticks cannot end; "" stays ""."""
    plain = clean(text)
    if not plain:
        return ""
    longest = max((len(run) for run in re.findall("`+", plain)), default=0)
    fence, blank = "`" * (longest + 1), " " if longest else ""
    return f"{fence}{blank}{plain}{blank}{fence}"


@dataclass(slots=True)
class Queries:
    """The queries of a document, which stand at its end: its text refers to them by number."""

    numbers: dict[str, int] = field(default_factory=dict)

    def reference(self, *queries: str) -> str:
        """Return ``1, 2``, the numbers under which these queries stand at the end; "" without any."""
        sent = filter(None, map(clean, queries))
        numbers = {self.numbers.setdefault(query, len(self.numbers) + 1) for query in sent}
        return ", ".join(map(str, sorted(numbers)))

    def cited(self, *queries: str) -> str:
        """Return `` (query 1)`` to put behind what was seen by it; "" without a query."""
        numbers = self.reference(*queries)
        return f" ({'queries' if ',' in numbers else 'query'} {numbers})" if numbers else ""

    def lines(self) -> Iterator[str]:
        """Yield as a numbered list what was referred to so far."""
        yield from (f"{number}. {code(query)}" for query, number in self.numbers.items())


def claim_line(side: str, claim: Claim) -> str:
    """Return a claim as an item of a list: strength, time, words, and below them the query."""
    when = f" {say.clock(claim.at)}" if claim.at else ""
    query = f"  \n  {code(claim.query)}" if claim.query else ""
    return f"- **{side}** ({say.strength(claim)}){when}: {escape(claim.words)}{query}"


def template_line(template: LogTemplate) -> str:
    """Return a log template as an item of a list: how it changed, lines a minute, and below it one of its lines.

    The rate is that of all lines which differ only in their masked parts: no single line came so often.
    """
    rates = f"{say.rates(template)} lines a minute"
    shown, line = clean(template.template), clean(template.example)
    example = f"  \n  for example {code(cut(line, _LINE))}" if line and line != shown else ""
    return f"- {escape(template.change)}, {rates}: {code(cut(shown, _LINE))}{example}"


def gap_lines(diagnosis: Diagnosis) -> Iterator[str]:
    """Yield as items of a list what could not be seen."""
    for gap in diagnosis.gaps:
        part = " (in part)" if gap.partial else ""
        yield f"- **not seen:** {escape(gap.source)}: {code(gap.query)}: {escape(gap.reason)}{part}"


def suspect_lines(diagnosis: Diagnosis, limit: int, queries: Queries | None = None) -> Iterator[str]:
    """Yield as a numbered list whom statistics suspect where no cause fits; nothing where nobody is.

    Args:
        diagnosis: Whose suspects are told.
        limit: Most contributions that are told of each.
        queries: Where queries are put; None to tell each below what it shows.
    """
    shown = say.suspects(diagnosis)
    if not shown:
        return
    yield f"{say.SCORES.capitalize()}."
    yield ""
    for number, suspect in enumerate(shown, 1):
        yield f"{number}. **{escape(say.entity(suspect.service, suspect.task))}**, score {suspect.score:.1f}"
        told, rest = say.contributions(suspect, limit)
        for found in told:
            below = f"  \n     {code(found.query)}" if found.query else ""
            query = below if queries is None else queries.cited(found.query)
            yield f"   - {escape(say.evidence(found.evidence))} {escape(say.contribution(found))}{query}"
        if len(told) < len(suspect.contributions):
            yield f"   - {escape(say.evidence(rest))} smaller parts"
