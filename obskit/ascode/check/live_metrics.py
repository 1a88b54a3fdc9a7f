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
from obskit.ascode.check._live import missing, of_panels, server
from obskit.ascode.definition import Problem
from obskit.ascode.promql_tree import column_of


def problems(case: Case) -> Iterable[Problem]:
    """Yield each query that lacks a metric."""
    names = server(case).metric_names()
    for definition, query, root in of_panels(case):
        lost = missing(root, names)
        if lost:
            near = difflib.get_close_matches(lost[0], sorted(names), n=1, cutoff=0.8)
            yield definition.problem(
                f"nothing emits {', '.join(lost)}",
                query=query,
                column=column_of(query.text, lost[0]),
                hint=f"did you mean {near[0]}?"
                if near
                else "is it scraped? correct the name, or exclude it with a reason",
            )
