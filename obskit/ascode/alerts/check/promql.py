"""Every expression can be read by Prometheus.

What it looks for: a PromQL expression that promql_parser refuses. It knows types too: ``rate(x)``
without a range is refused. It is a second judge beside promtool, and newer than the oldest
Prometheus that obskit's rules are for.

Why: a server that meets a rule which it cannot read refuses the whole file, and goes on with the
rules of yesterday.

How to mend it: a query is the catalogue's; what a definition adds are labels (``by``) and durations
(``over``, ``ahead``).
"""

from __future__ import annotations

from collections.abc import Iterable

from obskit.ascode.alerts.check import Case
from obskit.ascode.check.promql import wrong
from obskit.ascode.definition import Problem


def problems(case: Case) -> Iterable[Problem]:
    """Yield each expression that cannot be read, and each alert that cannot be built."""
    yield from (one for one in case.unbuilt if "no label" not in one.message)
    for one in case.built:
        if one.language == "PromQL" and (found := wrong(one.expr)):
            said, position = found
            yield one.problem(f"PromQL: {said}", "by", "over", query=one.expr, column=position + 1)
