"""Queries of runbooks are those of the catalogue.

What it looks for: a block ```` ```promql SIGNAL ```` or ```` ```logql SIGNAL ```` whose text is no
variant of that signal, written for ``SERVICE`` with the labels that obskit takes by default; a
``promql`` block that does not parse.

Why: a query is corrected in the catalogue, and the page goes on showing the old one: at night, with a
number that is not the alert's.

How to mend it: copy the query anew; its hint shows the variant that is nearest.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from obskit.ascode.alerts.check import Case
from obskit.ascode.alerts.runbooks import Block, Runbook, queries_of
from obskit.ascode.check.promql import wrong
from obskit.ascode.definition import Problem
from obskit.catalogue import all_signals
from obskit.settings_values import nearest


def problems(case: Case) -> Iterable[Problem]:
    """Yield each query that is not the catalogue's, and each that does not parse.

    Raises:
        Skipped: There is no folder of runbooks.
    """
    for page in case.pages:
        for block in page.blocks:
            if block.language in ("promql", "logql") and block.closed:
                yield from _of(page, block)


def _of(page: Runbook, block: Block) -> Iterable[Problem]:
    known = all_signals()
    if block.signal and block.signal not in known:
        hint = nearest(block.signal, known, otherwise="obskit dashboards signals lists all")
        yield page.problem(f"there is no signal {block.signal!r}", block.line, hint)
    elif block.signal:
        languages = {variant.language.lower() for variant in known[block.signal].variants}
        queries = queries_of(block.signal)
        if block.text.strip() not in {query.strip() for query in queries}:
            near = difflib.get_close_matches(block.text, queries, n=1, cutoff=0.0)
            yield page.problem(f"the query is no variant of {block.signal}", block.line, f"write: {near[0]}")
        elif block.language not in languages:
            yield page.problem(f"{block.signal} is asked in {', '.join(languages)}", block.line)
    elif block.language == "promql" and (found := wrong(block.text)):
        line = block.line + 1 + block.text.count("\n", 0, found[1])
        yield page.problem(f"PromQL: {found[0]}", line)
