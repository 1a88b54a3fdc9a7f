"""A dashboard that asks Prometheus lets its reader choose the instance.

What it looks for: on dashboards with PromQL panels, a variable ``instance`` that is missing, no
query of the dashboard's own Prometheus, takes one value only, whose "All" is not ``.+``, or that
is labelled otherwise.

Why: one bad instance of twenty is what is looked for at night. Without the choice, nobody can
look at it alone.

How to mend it: add the variable, `label_values(up, instance)`. Where tasks are told apart by
another label (``task_id``: an instance of Fargate is an address that lives as long as its task),
exclude the check with that reason.

A dashboard with a variable ``service`` is left out: there a service is chosen, whatever job scrapes it.

This is the rule template-instance-rule of Grafana's dashboard-linter.
"""

from __future__ import annotations

from collections.abc import Iterable

from obskit.ascode.check import Case
from obskit.ascode.check._target_variable import variable_problems
from obskit.ascode.definition import Problem


def problems(case: Case) -> Iterable[Problem]:
    """Yield what is wrong with each dashboard's variable ``instance``."""
    return variable_problems(case, "instance")
