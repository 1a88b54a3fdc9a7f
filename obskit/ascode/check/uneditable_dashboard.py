"""Nobody edits in Grafana what the repository writes.

What it looks for: a dashboard whose ``editable`` is not false.

Why: a change in the browser lives until the next push, which takes it away. Who has built
a panel during an incident loses it, and the repository never learns what was needed.

How to mend it: set ``editable`` to false. Who wants to try something saves a copy.

This is the rule uneditable-dashboard of Grafana's dashboard-linter.
"""

from __future__ import annotations

from collections.abc import Iterable

from obskit.ascode.check import Case
from obskit.ascode.definition import Problem


def problems(case: Case) -> Iterable[Problem]:
    """Yield each dashboard that can be edited; Grafana takes a missing ``editable`` for yes."""
    for definition in case.definitions:
        if definition.model.get("editable") is not False:
            yield definition.problem("the dashboard can be edited in Grafana", hint="set editable to false")
