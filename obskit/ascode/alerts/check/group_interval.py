"""Rules are evaluated often enough.

What it looks for: a rule group whose interval is more than five minutes, or no duration.

Why: Prometheus looks five minutes back for a series' last sample. Of what is recorded less often
there are gaps, in which an alert ends and begins again.

How to mend it: five minutes or less; what costs too much is recorded in steps.
"""

from __future__ import annotations

from collections.abc import Iterable

from obskit.ascode.alerts.check import Case
from obskit.ascode.alerts.rule import is_duration, seconds
from obskit.ascode.definition import Problem

#: Prometheus' look-back.
LONGEST_SECONDS = 300


def problems(case: Case) -> Iterable[Problem]:
    """Yield each group that is evaluated too rarely."""
    groups = {(one.language, one.group): one for one in reversed(case.built)}
    for one in groups.values():
        if not is_duration(one.interval) or not 0 < seconds(one.interval) <= LONGEST_SECONDS:
            yield one.problem(f"its group {one.group} is evaluated each {one.interval!r}: 5m is the most")
