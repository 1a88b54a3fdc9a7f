"""Every runbook has the same form.

What it looks for: a page of an alert whose title is not the alert's name; sections other than Meaning,
Impact, Diagnosis and Mitigation, in this order, or an empty one; fewer than 25 or more than 80 lines; a
block that is never closed or of no known language; a link to a page that is not there, or to itself.

Why: a tired person finds the same thing in the same place. What does not fit two screens is not read at
night; what fits half of one says nothing.

How to mend it: see any page of ``runbooks/causes``.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import unquote, urlsplit

from obskit.ascode.alerts.check import Case
from obskit.ascode.alerts.runbooks import SECTIONS, Runbook
from obskit.ascode.definition import Problem

LEAST_LINES, MOST_LINES = 25, 80
#: A section of fewer characters is a heading with a word.
LEAST_CHARACTERS = 40
LANGUAGES = ("sh", "sql", "promql", "logql", "json", "yaml", "python", "text")


def problems(case: Case) -> Iterable[Problem]:
    """Yield what is wrong with each page's form.

    Raises:
        Skipped: There is no folder of runbooks.
    """
    for page in case.pages:
        yield from _of_headings(page)
        yield from _of_blocks(page)
        yield from _of_links(page)
        if not LEAST_LINES <= page.length <= MOST_LINES:
            yield page.problem(f"it has {page.length} lines; {LEAST_LINES} to {MOST_LINES} are a page")


def _of_headings(page: Runbook) -> Iterable[Problem]:
    titles = [(line, text) for line, depth, text in page.headings if depth == 1]
    if [line for line, _ in titles] != [1]:
        yield page.problem("its title is not its first line, or there are two", max((n for n, _ in titles), default=1))
    elif page.kind == "alerts" and titles[0][1] != page.name:
        yield page.problem(f"its title is {titles[0][1]!r}", 1, hint=f"write # {page.name}")
    tops = [(line, text) for line, depth, text in page.headings if depth == 2]
    if [text for _, text in tops] != list(SECTIONS):
        wrong = next((line for (line, text), due in zip(tops, SECTIONS, strict=False) if text != due), 0)
        beyond = tops[len(SECTIONS)][0] if not wrong and len(tops) > len(SECTIONS) else wrong
        yield page.problem(f"its sections are not {', '.join(SECTIONS)}, in this order", beyond)
        return
    for line, text in tops:
        if len(page.body(text)) < LEAST_CHARACTERS:
            yield page.problem(f"its section {text} says nothing", line)


def _of_blocks(page: Runbook) -> Iterable[Problem]:
    for block in page.blocks:
        if not block.closed:
            yield page.problem("a block is never closed", block.line)
        elif block.language not in LANGUAGES:
            yield page.problem(
                f"a block is of no known language: {block.info!r}", block.line, hint=", ".join(LANGUAGES)
            )
        elif not block.text.strip():
            yield page.problem("a block is empty", block.line)


def _of_links(page: Runbook) -> Iterable[Problem]:
    for line, target in page.links:
        try:
            parts = urlsplit(target)
        except ValueError:
            yield page.problem(f"{target!r} is no address", line)
            continue
        if parts.scheme or parts.netloc or not parts.path:
            continue
        there = page.path.parent / unquote(parts.path)
        if not there.is_file():
            yield page.problem(f"its link to {target} leads nowhere", line)
        elif there.resolve() == page.path.resolve():
            yield page.problem(f"its link to {target} leads to itself", line)
