"""No two objectives record the same series.

What it looks for: an objective of the same name in two files, or twice for the same services.

Why: two recordings of one series overwrite each other at each evaluation: the budget jumps, and the
burn rate is of neither.

How to mend it: another name; or all of one name in one file, where those of single services are left
out of the one for all.
"""

from __future__ import annotations

from collections.abc import Iterable

from obskit.ascode.alerts import slo
from obskit.ascode.alerts.check import Case
from obskit.ascode.definition import Problem


def problems(case: Case) -> Iterable[Problem]:
    """Yield the later one of each two."""
    return slo.problems(case.files)
