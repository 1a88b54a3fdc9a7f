"""A cause is one that triage knows.

What it looks for: a ``cause`` that is no id of ``obskit/incident/causes``; a symptom that names one.

Why: Alertmanager silences the symptoms that a cause brings about, by what triage knows of it. A
misspelt cause silences nothing, and a symptom that is taken for a cause hides what it shows.

How to mend it: correct the id; leave ``cause`` out where triage knows none.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from obskit.ascode.alerts.check import Case
from obskit.ascode.definition import Problem
from obskit.incident.causes import all_causes


def problems(case: Case) -> Iterable[Problem]:
    """Yield each cause that is none."""
    known = [cause.id for cause in all_causes()]
    for one in case.said:
        cause = one.rule.cause
        if cause and cause not in known:
            near = difflib.get_close_matches(cause, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
            yield one.problem(f"triage knows no cause {cause!r}", "cause", hint=hint)
        elif cause and one.rule.kind == "symptom":
            yield one.problem(f"it is a symptom, and names the cause {cause}", "cause", hint="leave cause out")
