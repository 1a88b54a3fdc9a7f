"""Every number has its reason.

What it looks for: an alert whose level, hold, keep or condition says no reason, or less than three
words; a reason for a keep that is not there.

Why: who is woken for the third time by a threshold wants to know whether it may be changed. Without
the reason it is changed until it is quiet.

How to mend it: say what the number is compared with: a time-out, a restart, a budget, what users feel.
"""

from __future__ import annotations

from collections.abc import Iterable

from obskit.ascode.alerts.check import Case, Said
from obskit.ascode.definition import Problem

#: "too slow" is none.
LEAST_WORDS = 3


def problems(case: Case) -> Iterable[Problem]:
    """Yield each number without its reason."""
    for one in case.said:
        if one.slo is None:
            yield from _of(one)


def _of(one: Said) -> Iterable[Problem]:
    rule = one.rule
    said = [("its level", rule.reason, "reason", "level"), ("its hold", rule.hold_reason, "hold_reason", "hold")]
    if rule.keep:
        said.append(("its keep", rule.keep_reason, "keep_reason", "keep"))
    elif rule.keep_reason:
        yield one.problem("there is a reason for a keep, and no keep", "keep_reason", hint="say keep, or leave it out")
    said += [(f"its condition on {c.signal}", c.reason, "where", "where") for c in rule.where]
    for what, reason, *fields in said:
        if len(reason.split()) < LEAST_WORDS:
            yield one.problem(
                f"{what} has no reason" if not reason.strip() else f"{what} has no more reason than {reason!r}", *fields
            )
