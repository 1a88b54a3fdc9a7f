"""A counter is never shown as it is.

What it looks for: a metric whose name ends in ``_total`` or ``_bucket`` and that does not stand
directly under ``rate``, ``irate`` or ``increase``. Functions that do not read its value
(``count``, ``group``, ``absent``, ``resets``, ``changes``, ``timestamp`` and their like) are fine.

Why: a counter says how much there was since the process started. Its line climbs while nothing
happens, falls to zero at each restart, and hides the burst that it is asked about. A quantile of
raw buckets is that of the process's whole life: it does not move when latency triples.

How to mend it: write ``rate(name[$__rate_interval])``, inside of any ``sum``.

This is the rule target-counter-agg-rule of Grafana's dashboard-linter, and buckets besides.
"""

from __future__ import annotations

from collections.abc import Iterable

from obskit.ascode.check import Case
from obskit.ascode.definition import Problem
from obskit.ascode.promql_tree import RATES, Selector, asked, bare, kind, selectors

_COUNTERS = ("_total", "_bucket")
#: What asks whether or how often there is a sample, not how high it is.
_BLIND_TO_VALUE = frozenset(
    {
        "absent",
        "absent_over_time",
        "changes",
        "count",
        "count_over_time",
        "group",
        "present_over_time",
        "resets",
        "timestamp",
    }
)


def problems(case: Case) -> Iterable[Problem]:
    """Yield each counter that is read as a level."""
    for definition in case.definitions:
        for query, root in asked(definition):
            for selector in selectors(root, query.text):
                if selector.metric.endswith(_COUNTERS) and not _as_counter(selector):
                    yield definition.problem(
                        f"the counter {selector.metric} is not under rate, irate or increase",
                        query=query,
                        column=selector.column,
                        hint=f"write rate({selector.metric}[$__rate_interval])",
                    )


def _as_counter(selector: Selector) -> bool:
    above = [node for node in bare(selector.above) if kind(node) not in ("MatrixSelector", "SubqueryExpr")]
    if not above:
        return False
    nearest = above[0]
    if kind(nearest) == "Call":
        return nearest.func.name in RATES | _BLIND_TO_VALUE
    return kind(nearest) == "AggregateExpr" and str(nearest.op) in _BLIND_TO_VALUE
