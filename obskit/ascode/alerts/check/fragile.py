"""An alert does not flap.

What it looks for: ``topk``, ``bottomk`` and ``limitk`` in an alert; and a ratio that fires at once.

Why: the largest three are others each minute, so that no alert lasts as long as it must hold. Of a
ratio the two sides come from different scrapes: for one evaluation it may be anything.

How to mend it: compare all series with the level; let a ratio hold for some evaluations.
"""

from __future__ import annotations

from collections.abc import Iterable

from obskit.ascode.alerts.check import Case
from obskit.ascode.alerts.check._trees import divisions, operator
from obskit.ascode.alerts.rule import seconds
from obskit.ascode.definition import Problem
from obskit.ascode.promql_tree import CHOOSING, kind, nodes
from obskit.errors import UsageError


def problems(case: Case) -> Iterable[Problem]:
    """Yield each alert that flaps."""
    for one in case.alerts("PromQL"):
        if one.tree is None:
            continue
        for node, _ in nodes(one.tree):
            if kind(node) == "AggregateExpr" and operator(node) in CHOOSING:
                yield one.problem(f"{operator(node)} chooses other series each time", query=one.expr)
        if _is_at_once(str(one.document.get("for", "0s"))) and any(divisions(one.tree)):
            yield one.problem("it is a ratio, and fires at once", "hold", hint="let it hold for some evaluations")


def _is_at_once(hold: str) -> bool:
    try:
        return seconds(hold) == 0
    except UsageError:
        return False
