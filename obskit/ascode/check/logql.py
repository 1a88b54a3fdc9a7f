"""Every LogQL query can be read by Loki.

What it looks for: queries to Loki that Grafana's own LogQL grammar refuses, once Grafana's
variables are filled in: braces that are not closed, a line filter without quotes, a stage
that does not exist, ``rate`` without a range.

Why: Grafana stores any text. A logs panel whose query cannot be read is empty in the middle of
an incident, and empty looks like calm.

How to mend it: the column is where the text stops making sense; look just before it, too. The
grammar knows no types and no label names: that ``| unwrap size`` finds a label has to be tried.

Needs Node.js, for the grammar is published for nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from obskit.ascode import npm
from obskit.ascode.check import Case
from obskit.ascode.definition import Definition, Problem, Query
from obskit.ascode.variables import filled

#: Functions of Grafana's query variables for Loki; only the first holds LogQL.
_LABEL_VALUES = re.compile(r"\s*label_values\(\s*(?P<inner>\{.*\})\s*,\s*[^,{}\"]+\)\s*", re.DOTALL)
_NAMES = re.compile(r"\s*(?:label_values\(\s*[^,(){}]*\)|label_names\(.*\))\s*", re.DOTALL)
#: As much of a query as a message quotes.
_QUOTED = 20


def problems(case: Case) -> Iterator[Problem]:
    """Yield one problem for each query that cannot be read.

    Raises:
        Skipped: There is no node.
    """
    asked = [
        (definition, query, *part)
        for definition in case.definitions
        for query in definition.queries
        if query.language == "LogQL"
        for part in inside(query)
    ]
    found = _wrong(asked)
    for (definition, query, text, begins), position in zip(asked, found, strict=True):
        if position is not None:
            rest = text[position:].strip()
            what = f"LogQL does not go on with {rest[:_QUOTED]!r}" if rest else "LogQL: the end of the query is missing"
            yield definition.problem(what, query=query, column=begins + position + 1)


def inside(query: Query) -> Iterator[tuple[str, int]]:
    """Yield the LogQL in a query, and where it begins."""
    if query.role != "variable":
        yield query.text, 0
    elif found := _LABEL_VALUES.fullmatch(query.text):
        yield found["inner"], found.start("inner")
    elif not _NAMES.fullmatch(query.text):
        yield query.text, 0


def first_errors(texts: Sequence[str], folder: Path | None = None) -> list[int | None]:
    """Return for each LogQL text the position, from 0, of its first error; None where there is none.

    Args:
        texts: Their variables filled in. One process of node reads them all.
        folder: Where the npm packages are; see `obskit.ascode.npm.tools`.

    Raises:
        Skipped: There is no node.
    """
    answers = npm.run("logql.mjs", list(texts), folder) if texts else []
    return [None if answer is None else int(answer[0]) for answer in answers]


def _wrong(asked: Sequence[tuple[Definition, Query, str, int]]) -> list[int | None]:
    whole = [filled(text, definition.model, "LogQL") for definition, _, text, _ in asked]
    errors = first_errors([one.text for one in whole])
    return [None if at is None else one.original(at) for one, at in zip(whole, errors, strict=True)]
