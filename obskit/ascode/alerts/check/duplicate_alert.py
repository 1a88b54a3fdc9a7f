"""One fact wakes nobody twice.

What it looks for: two alerts of one name; two alerts of one severity whose expressions are the same but
for the number compared with.

Why: a name is a runbook, a route and a silence; of two of a name nobody knows which fired. Two alerts on
one fact are two pages for one incident, and two runbooks to keep.

How to mend it: rename or remove one; of one signal a ticket comes before a page.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from obskit.ascode.alerts.check import Built, Case, Said
from obskit.ascode.definition import Problem, shown

_LEVEL = re.compile(r"(\n\) (?:>=|<=|>|<)) \S+")


def problems(case: Case) -> Iterable[Problem]:
    """Yield the later one of each two."""
    named: dict[str, Said] = {}
    for one in case.said:
        first = named.setdefault(one.name, one)
        if first is not one and not (first.slo and one.slo):
            place = f"{shown(first.place.file.path)}:{first.place.line()}"
            yield one.problem(f"there is an alert of this name in {place} already")
    facts: dict[tuple[str, ...], Built] = {}
    for built in case.alerts():
        first_one = facts.setdefault(_fact(built), built)
        if first_one.name != built.name:
            yield built.problem(f"it fires for the same fact as {first_one.name}, at the same severity")


def _fact(one: Built) -> tuple[str, ...]:
    """Return what an alert is about: its expression without its first level, and whom it wakes."""
    labels = one.document.get("labels", {})
    return (one.language, _LEVEL.sub(r"\1", one.expr, count=1), str(labels.get("severity")), str(labels.get("slo")))
