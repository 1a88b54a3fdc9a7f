"""Every selector of a PromQL query follows the variable job.

What it looks for: a selector without ``job=~"$job"``. Only PromQL queries of panels are looked
at; selectors are read from the query's syntax tree, not from its text.

Why: a query that ignores the choice shows the same numbers whatever is chosen. The reader
believes that they are of the job in the heading, and they are of all jobs.

How to mend it: add the matcher. Where targets are told apart by another label, exclude the check
with that reason.

A dashboard with a variable ``service`` is left out: there a service is chosen, whatever job scrapes it.

This is the rule target-job-rule of Grafana's dashboard-linter.
"""

from __future__ import annotations

from collections.abc import Iterable

from obskit.ascode.check import Case
from obskit.ascode.check._target_variable import matcher_problems
from obskit.ascode.definition import Problem


def problems(case: Case) -> Iterable[Problem]:
    """Yield each query with a selector that ignores ``$job``."""
    return matcher_problems(case, "job")
