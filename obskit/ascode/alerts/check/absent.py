"""What is absent must be so for longer than a scrape.

What it looks for: ``absent`` or ``absent_over_time`` in an alert that holds for less than two scrapes.

Why: between two scrapes nothing is there, after a restart of Prometheus nothing is there yet, and a
service that is scraped by another instance from now on is gone for a moment.

How to mend it: let it hold for two minutes or more.
"""

from __future__ import annotations

from collections.abc import Iterable

from obskit.ascode.alerts.check import Case
from obskit.ascode.alerts.check._trees import operator
from obskit.ascode.alerts.rule import is_duration, seconds
from obskit.ascode.definition import Problem
from obskit.ascode.promql_tree import kind, nodes
from obskit.ascode.scrapes import SCRAPE

#: Of which the second may have been lost.
_TWO_SCRAPES = 2 * SCRAPE


def problems(case: Case) -> Iterable[Problem]:
    """Yield each alert on what is absent that does not wait."""
    for one in case.alerts("PromQL"):
        hold = str(one.document.get("for", "0s"))
        if one.tree is None or not is_duration(hold) or seconds(hold) >= _TWO_SCRAPES.total_seconds():
            continue
        for node, _ in nodes(one.tree):
            if kind(node) == "Call" and operator(node) in ("absent", "absent_over_time"):
                yield one.problem(f"{operator(node)} holds between two scrapes: it must hold for longer", "hold")
                break
