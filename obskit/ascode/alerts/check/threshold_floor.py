"""A level is beyond what its signal calls noise.

What it looks for: of a signal that is bad when it is high, a level that is not above zero, or is below
the signal's floor, the smallest change that matters. A condition that asks for at least nothing.

Why: a level of 0 fires always, and one below the floor fires for what triage does not even look at.

How to mend it: raise the level; the floor stands in the catalogue.
"""

from __future__ import annotations

from collections.abc import Iterable

from obskit.ascode.alerts.check import Case
from obskit.ascode.alerts.rule import number
from obskit.ascode.definition import Problem


def problems(case: Case) -> Iterable[Problem]:
    """Yield each level that is reached by noise."""
    for one in case.said:
        rule = one.rule
        if one.slo is None and rule.op == ">=":
            signal = rule.catalogued
            if rule.threshold <= 0:
                yield one.problem(f"{signal.id} is always >= {number(rule.threshold)}", "level")
            elif rule.threshold < signal.floor:
                yield one.problem(
                    f"its level {number(rule.threshold)} is below {signal.id}'s floor of {number(signal.floor)}",
                    "level",
                    severity="warning",
                )
        for condition in rule.where:
            if condition.op == ">=" and condition.value <= 0:
                yield one.problem(f"{condition.signal} >= {number(condition.value)} always holds", "where")
