"""An alert is quiet while all is well.

What it looks for: an expression without a comparison that drops series. ``> bool`` answers 0 instead
of nothing.

Why: Prometheus fires on every series that an expression answers, whatever its value, also 0.

How to mend it: give the alert a level.
"""

from __future__ import annotations

from collections.abc import Iterable

from obskit.ascode.alerts.check import Case
from obskit.ascode.alerts.check._trees import filters
from obskit.ascode.definition import Problem


def problems(case: Case) -> Iterable[Problem]:
    """Yield each alert that always fires, or never."""
    for built in case.alerts("PromQL"):
        if built.tree is not None and not filters(built.tree):
            yield built.problem(
                "nothing is compared: it fires for every series", query=built.expr, hint="give it a level"
            )
