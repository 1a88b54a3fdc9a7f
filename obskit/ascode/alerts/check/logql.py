"""Every expression on logs can be read by Loki.

What it looks for: a LogQL expression that Grafana's own grammar refuses. The grammar knows no types.

Why: Loki's ruler refuses the whole group, and an alert on a message that only logs tell never comes.

How to mend it: the column is where the text stops making sense. Queries are the catalogue's.

Needs Node.js, for the grammar is published for nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable

from obskit.ascode.alerts.check import Case
from obskit.ascode.check.logql import first_errors
from obskit.ascode.definition import Problem


def problems(case: Case) -> Iterable[Problem]:
    """Yield each expression that cannot be read.

    Raises:
        Skipped: There are some, and no node.
    """
    asked = [one for one in case.built if one.language == "LogQL"]
    for one, position in zip(asked, first_errors([one.expr for one in asked]), strict=True):
        if position is not None:
            rest = one.expr[position:].strip()[:20]
            what = f"LogQL does not go on with {rest!r}" if rest else "LogQL: the end of the expression is missing"
            yield one.problem(what, "by", "over", query=one.expr, column=position + 1)
