"""Every selector of a PromQL query follows the variable instance.

What it looks for: a selector without ``instance=~"$instance"``. Only PromQL queries of panels are
looked at; selectors are read from the query's syntax tree, not from its text.

Why: a query that ignores the choice shows the same numbers whatever is chosen. Who narrows a
dashboard down to the instance that misbehaves is then looking at all of them.

How to mend it: add the matcher. Where tasks are told apart by another label, exclude the check
with that reason.

A dashboard with a variable ``service`` is left out: there a service is chosen, whatever job scrapes it.

This is the rule target-instance-rule of Grafana's dashboard-linter.
"""

from __future__ import annotations

from collections.abc import Iterable

from obskit.ascode.check import Case
from obskit.ascode.check._target_variable import matcher_problems
from obskit.ascode.definition import Problem


def problems(case: Case) -> Iterable[Problem]:
    """Yield each query with a selector that ignores ``$instance``."""
    return matcher_problems(case, "instance")
