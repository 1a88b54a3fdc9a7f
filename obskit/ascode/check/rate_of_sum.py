"""Rates are summed; sums have no rate.

What it looks for: ``rate``, ``irate`` or ``increase`` over a subquery of an aggregation.

Why: a counter starts again at 0 when its process does, and ``rate`` makes up for that. In a sum of
counters the restart of one task is a small dip, which ``rate`` takes for a restart of all: it adds
the whole sum. The panel shows a burst of traffic that never was, at each deployment.

How to mend it: write ``sum(rate(…))``.
"""

from __future__ import annotations

from collections.abc import Iterable

from obskit.ascode.check import Case
from obskit.ascode.definition import Problem
from obskit.ascode.promql_tree import RATES, asked, column_of, kind, nodes


def problems(case: Case) -> Iterable[Problem]:
    """Yield each rate of an aggregation."""
    for definition in case.definitions:
        for query, root in asked(definition):
            for node, _ in nodes(root):
                if kind(node) != "Call" or node.func.name not in RATES:
                    continue
                if any(kind(inner) == "AggregateExpr" for inner, _ in nodes(node)):
                    yield definition.problem(
                        f"{node.func.name} of an aggregation takes one restart for that of all",
                        query=query,
                        column=column_of(query.text, node.func.name),
                        hint=f"aggregate the {node.func.name}, not its counters",
                    )
