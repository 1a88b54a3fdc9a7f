"""Somebody emits each metric that a panel asks for.

What it looks for, with ``--prometheus URL``: a query that can answer nothing, because a metric
that it needs was not there in the last hour. Of two sides of ``or`` one is enough: a panel that
takes several instrumentations needs one of them.

Why: "No data" looks like "nothing happens". At night, a panel over a metric that was renamed
half a year ago says that there are no errors.

How to mend it: correct the name; ``obskit doctor --service NAME`` says what the service speaks.
A counter that does not exist before it first counts is excluded, with that reason, in
``dashboards/checks.toml``.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from obskit.ascode.check import Case
from obskit.ascode.check._live import missing, of_panels
from obskit.ascode.checking import server
from obskit.ascode.definition import Definition, Problem, Query
from obskit.ascode.promql_tree import column_of


def problems(case: Case) -> Iterable[Problem]:
    """Yield what each dashboard lacks: one problem for the queries that lack the same."""
    names = server(case.prometheus).metric_names()
    lacking: dict[tuple[str, tuple[str, ...]], list[tuple[Definition, Query]]] = {}
    for definition, query, root in of_panels(case):
        lost = missing(root, names)
        if lost:
            lacking.setdefault((definition.name, lost), []).append((definition, query))
    for (_, lost), found in lacking.items():
        definition, query = found[0]
        near = difflib.get_close_matches(lost[0], sorted(names), n=1, cutoff=0.8)
        titles = list(dict.fromkeys(q.title for _, q in found))
        others = f"; {len(titles) - 1} more panels ask for it: {', '.join(titles[1:])}" if len(titles) > 1 else ""
        yield definition.problem(
            f"nothing emits {', '.join(lost)}{others}",
            query=query,
            column=column_of(query.text, lost[0]),
            hint=f"did you mean {near[0]}?" if near else "is it scraped? correct the name, or exclude it",
        )
