"""A panel shows what an alert is about.

What it looks for: an alert whose signal no panel of the dashboards draws.

Why: the first question of who is woken is "since when, and how bad": that is a graph. The link to it is
derived, and missing where there is none.

How to mend it: add the signal to the dashboard of its topic.
"""

from __future__ import annotations

from collections.abc import Iterable

from obskit.ascode.alerts.check import Case, Skipped
from obskit.ascode.alerts.expression import panel_of
from obskit.ascode.definition import Problem


def problems(case: Case) -> Iterable[Problem]:
    """Yield each alert without a panel.

    Raises:
        Skipped: There are no dashboards, or one cannot be read: the panel may be in that.
    """
    if case.writer.unread:
        files = ", ".join(problem.file for problem in case.writer.unread)
        raise Skipped(f"{files} cannot be read, and a panel may be in it: obskit dashboards check says why")
    if not case.writer.dashboards:
        raise Skipped("there are no dashboards to link: run it where the folder dashboards is")
    for one in case.said:
        if panel_of(one.rule.signal, case.writer.dashboards) is None:
            yield one.problem(f"no panel shows {one.rule.signal}", hint="add it to the dashboard of its topic")
