"""Ranges hold at least four scrapes.

What it looks for: a range of less than a minute in an expression.

Why: four scrapes of 15 seconds are what a rate needs to survive a lost one. A shorter range holds one
sample or none, and the alert ends and begins again, or never comes.

How to mend it: leave ``over`` out, which is 5m, or say a minute and more.
"""

from __future__ import annotations

from collections.abc import Iterable

from obskit.ascode.alerts.check import Case
from obskit.ascode.definition import Problem
from obskit.ascode.promql_tree import kind, nodes
from obskit.ascode.scrapes import FOUR_SCRAPES


def problems(case: Case) -> Iterable[Problem]:
    """Yield each expression with a range that is too short."""
    for one in case.built:
        short = [
            node.range
            for node, _ in (() if one.tree is None else nodes(one.tree))
            if kind(node) == "MatrixSelector" and node.range < FOUR_SCRAPES
        ]
        if short:
            yield one.problem(f"a range of {min(short).total_seconds():g} s holds fewer than four scrapes", "over")
