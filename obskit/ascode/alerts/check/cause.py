"""A cause is one that triage knows.

What it looks for: a ``cause`` that is no id of ``obskit/incident/causes``; a symptom that names one.

Why: Alertmanager silences the symptoms that a cause brings about, by what triage knows of it. A
misspelt cause silences nothing, and a symptom that is taken for a cause hides what it shows.

How to mend it: correct the id; leave ``cause`` out where triage knows none.
"""

from __future__ import annotations

from collections.abc import Iterable

from obskit.ascode.alerts.check import Case
from obskit.ascode.definition import Problem
from obskit.incident.causes import all_causes
from obskit.settings_values import nearest


def problems(case: Case) -> Iterable[Problem]:
    """Yield each cause that is none."""
    known = [cause.id for cause in all_causes()]
    for one in case.said:
        cause = one.rule.cause
        if cause and cause not in known:
            yield one.problem(f"triage knows no cause {cause!r}", "cause", hint=nearest(cause, known))
        elif cause and one.rule.kind == "symptom":
            yield one.problem(f"it is a symptom, and names the cause {cause}", "cause", hint="leave cause out")
