"""No two dashboards have the same uid.

What it looks for: a uid that several definitions set.

Why: Grafana keeps one dashboard a uid. The second push replaces the first one, silently, and the
link in the alert opens the wrong one.

How to mend it: give one of them another uid. The uid of ours comes from the file's name.
"""

from __future__ import annotations

from collections.abc import Iterable

from obskit.ascode.check import Case
from obskit.ascode.definition import Definition, Problem


def problems(case: Case) -> Iterable[Problem]:
    """Yield a problem for each definition whose uid an earlier one has."""
    first: dict[str, Definition] = {}
    for definition in case.definitions:
        if definition.uid and definition.uid in first:
            other = first[definition.uid]
            yield definition.problem(f"the uid {definition.uid!r} is that of {other.file}", hint="choose another uid")
        first.setdefault(definition.uid, definition)
