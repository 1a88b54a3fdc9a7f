"""Buckets are aggregated before they are drawn.

What it looks for: a ``_bucket`` metric in a panel's query under no aggregation (``sum``, ``topk``, …).

Why: a histogram is a dozen series a route, a status and a task. Drawn one by one, some ten thousand
lines come over: the browser of whoever is on call stands still, and Prometheus answers the
alert's own queries late.

How to mend it: write ``sum by (le) (rate(…))``.
"""

from __future__ import annotations

from collections.abc import Iterable

from obskit.ascode.check import Case
from obskit.ascode.definition import Problem
from obskit.ascode.promql_tree import asked, kind, selectors


def problems(case: Case) -> Iterable[Problem]:
    """Yield each bucket that is drawn bare."""
    for definition in case.definitions:
        for query, root in asked(definition):
            for selector in selectors(root, query.text):
                bare = not any(kind(node) == "AggregateExpr" for node in selector.above)
                if query.role == "panel" and selector.metric.endswith("_bucket") and bare:
                    yield definition.problem(
                        f"{selector.metric} is under no aggregation",
                        query=query,
                        column=selector.column,
                        hint="write sum by (le) (rate(…))",
                    )
