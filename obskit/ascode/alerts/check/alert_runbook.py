"""Every alert has its runbook.

What it looks for: an alert without a page ``runbooks/alerts/NAME.md``.

Why: the link is in every notification. Behind it is all that somebody knows who was woken and has not
built the service.

How to mend it: write the page: what it means, what users feel, how to find the cause, how to stop it.
"""

from __future__ import annotations

from collections.abc import Iterable

from obskit.ascode.alerts.check import Case
from obskit.ascode.definition import Problem, shown


def problems(case: Case) -> Iterable[Problem]:
    """Yield each alert without a page.

    Raises:
        Skipped: There is no folder of runbooks.
    """
    there = {page.name for page in case.pages if page.kind == "alerts"}
    for one in {said.name: said for said in reversed(case.said)}.values():
        if one.name not in there:
            yield one.problem(
                f"there is no {shown(case.runbooks / 'alerts' / f'{one.name}.md')}", hint="write the page"
            )
