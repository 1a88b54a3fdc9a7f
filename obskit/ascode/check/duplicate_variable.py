"""No two variables of a dashboard have the same name.

What it looks for: a name that several template variables have, or a variable without a name.

Why: Grafana fills queries with one of them, and the list at the top that the reader changes may
be the other: the choice does nothing.

How to mend it: rename one.
"""

from __future__ import annotations

from collections.abc import Iterable

from obskit.ascode.check import Case
from obskit.ascode.definition import Problem


def problems(case: Case) -> Iterable[Problem]:
    """Yield each repeated or empty name of a variable."""
    for definition in case.definitions:
        seen: set[str] = set()
        for variable in definition.variables:
            name = str(variable.get("name") or "")
            if not name:
                yield definition.problem("a variable has no name")
            elif name in seen:
                yield definition.problem(f"the variable {name!r} is there twice", line=definition.line_of(name))
            seen.add(name)
