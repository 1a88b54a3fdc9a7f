"""No number is lost in a division by nothing.

What it looks for: a division whose divisor may be zero, below ``sum``, ``avg`` or ``stddev``.

Why: nothing divided by nothing is NaN, and a sum with one NaN in it is NaN: the one idle task hides
the errors of all others, for a comparison with NaN never holds. ``max`` and ``min`` pass it over.

How to mend it: aggregate the two sides first, or divide by ``(… > 0)``.
"""

from __future__ import annotations

from collections.abc import Iterable

from obskit.ascode.alerts.check import Case
from obskit.ascode.alerts.check._trees import POISONED, divisions, operator
from obskit.ascode.definition import Problem
from obskit.ascode.promql_tree import kind


def problems(case: Case) -> Iterable[Problem]:
    """Yield each aggregation that a division makes NaN."""
    for one in case.built:
        if one.tree is None:
            continue
        poisoned = {
            operator(node)
            for _, above in divisions(one.tree)
            for node in above
            if kind(node) == "AggregateExpr" and operator(node) in POISONED
        }
        for name in sorted(poisoned):
            yield one.problem(
                f"{name} of a division: one idle series makes all of it NaN",
                query=one.expr,
                hint="aggregate both sides first, or divide by (… > 0)",
            )
