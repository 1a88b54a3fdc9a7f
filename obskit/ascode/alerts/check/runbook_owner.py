"""Every runbook belongs to an alert or a cause, and every cause has one.

What it looks for: a page of ``runbooks/alerts`` whose alert is not defined, a page of
``runbooks/causes`` whose cause triage does not know; where there are pages of causes, one without its page.

Why: a page that nothing links is read by nobody and becomes wrong; a cause without a page leaves the
reader with a name.

How to mend it: rename or remove the page with its alert; write the missing one.
"""

from __future__ import annotations

from collections.abc import Iterable

from obskit.ascode.alerts.check import Case
from obskit.ascode.definition import Problem, shown
from obskit.incident.causes import all_causes


def problems(case: Case) -> Iterable[Problem]:
    """Yield each page of nothing, and each cause without a page.

    Raises:
        Skipped: There is no folder of runbooks.
    """
    causes = {cause.id for cause in all_causes()}
    known = {"alerts": {one.name for one in case.said}, "causes": causes}
    for page in case.pages:
        if page.name not in known[page.kind]:
            what = "alert is defined" if page.kind == "alerts" else "cause is known"
            yield page.problem(f"no {what} of the name {page.name}", hint="rename or remove the page")
    if not (case.runbooks / "causes").is_dir():
        return
    for lost in sorted(causes - {page.name for page in case.pages if page.kind == "causes"}):
        place = shown(case.runbooks / "causes" / f"{lost}.md")
        yield Problem(check="", message=f"the cause {lost} has no runbook", file=place, hint="write the page")
