"""A dashboard that asks Prometheus lets its reader choose the job.

What it looks for: on dashboards with PromQL panels, a variable ``job`` that is missing, no query
of the dashboard's own Prometheus, takes one value only, whose "All" is not ``.+``, or that is
labelled otherwise.

Why: metric names repeat across jobs. Without the choice, `up` or `process_cpu_seconds_total` of
every job is drawn on one panel, and the one that is broken drowns.

How to mend it: add the variable, `label_values(up, job)`. Where targets are told apart by
another label (``service``), exclude the check with that reason.

A dashboard with a variable ``service`` is left out: there a service is chosen, whatever job scrapes it.

This is the rule template-job-rule of Grafana's dashboard-linter.
"""

from __future__ import annotations

from collections.abc import Iterable

from obskit.ascode.check import Case
from obskit.ascode.check._target_variable import variable_problems
from obskit.ascode.definition import Problem


def problems(case: Case) -> Iterable[Problem]:
    """Yield what is wrong with each dashboard's variable ``job``."""
    return variable_problems(case, "job")
