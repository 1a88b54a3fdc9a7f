"""One fault is not a hundred alerts.

What it looks for, with ``--prometheus URL``: an alert whose condition held for more than twenty series
within the last hour, whether or not it held for long enough.

Why: twenty notifications at once are read as one: "something is wrong". What was true of twenty
services in an ordinary hour is no news, and a level that is too low.

How to mend it: raise the level; aggregate by what a person would act on. ``--replay DAYS`` says when each
alert would have fired.
"""

from __future__ import annotations

from collections.abc import Iterable

from obskit.ascode.alerts.check import Case
from obskit.ascode.checking import server
from obskit.ascode.definition import Problem

#: More than anyone acts on one by one.
MOST_ALERTS = 20


def problems(case: Case) -> Iterable[Problem]:
    """Yield each alert that would come as a flood."""
    prometheus = server(case.prometheus)
    found = [one for one in case.alerts("PromQL") if one.tree is not None]
    answers = prometheus.run(one.expr for one in found)
    for one in found:
        series = answers[one.expr].series
        if series > MOST_ALERTS:
            yield one.problem(
                f"in the last hour its condition held for {series} series: more than {MOST_ALERTS}",
                query=one.expr,
                severity="warning",
                hint="raise the level, or aggregate",
            )
