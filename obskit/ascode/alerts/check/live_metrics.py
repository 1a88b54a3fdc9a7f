"""Somebody emits each metric that a rule asks for.

What it looks for, with ``--prometheus URL``: an expression that can answer nothing, because a metric
that it needs was not there in the last hour. Of two sides of ``or`` one is enough. What our own rules
record counts as there.

Why: an alert over a metric that was renamed half a year ago is quiet for ever.

How to mend it: is it scraped? Correct the name; exclude, with the reason, what this environment does not
have, and counters that do not exist before they first count.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from obskit.ascode.alerts.check import Case
from obskit.ascode.alerts.check._live import readable, recorded
from obskit.ascode.check._live import missing
from obskit.ascode.checking import server
from obskit.ascode.definition import Problem
from obskit.ascode.promql_tree import column_of


def problems(case: Case) -> Iterable[Problem]:
    """Yield each rule that can answer nothing."""
    names = server(case.prometheus).metric_names() | recorded(case)
    for one, tree in readable(case):
        lost = missing(tree, names)
        if lost:
            near = difflib.get_close_matches(lost[0], sorted(names), n=1, cutoff=0.8)
            yield one.problem(
                f"nothing emits {', '.join(lost)}",
                query=one.expr,
                column=column_of(one.expr, lost[0]),
                hint=f"did you mean {near[0]}?" if near else "is it scraped? correct the name, or exclude it",
            )
