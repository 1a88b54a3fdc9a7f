"""A variable that asks something asks again when the time range changes.

What it looks for: a query variable whose ``refresh`` is not 2.

Why: tasks come and go. A list that was filled when the dashboard was opened does not hold the
task that started since, nor, after a jump to last night, the ones that were running then: what
broke cannot be chosen.

How to mend it: set ``refresh`` to 2 ("On time range change").

This is the rule template-on-time-change-reload-rule of Grafana's dashboard-linter.
"""

from __future__ import annotations

from collections.abc import Iterable

from obskit.ascode.check import Case
from obskit.ascode.definition import Problem

_ON_TIME_RANGE_CHANGE = 2


def problems(case: Case) -> Iterable[Problem]:
    """Yield each query variable that is not asked again."""
    for definition in case.definitions:
        for variable in definition.variables:
            if variable.get("type") == "query" and variable.get("refresh") != _ON_TIME_RANGE_CHANGE:
                name = str(variable.get("name") or "")
                yield definition.problem(
                    f"the variable {name!r} is not asked again when the time range changes",
                    line=definition.line_of(name),
                    hint="set refresh to 2",
                )
