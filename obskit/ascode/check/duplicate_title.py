"""No two dashboards of one folder have the same title.

What it looks for: a title that several definitions of one folder set; capitals and blanks around
it make no difference. A dashboard without a title is one too.

Why: a search at night shows two lines that read the same. Grafana before version 11 refuses the
second one besides ("name-exists").

How to mend it: say in the title what is different.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from obskit.ascode.check import Case
from obskit.ascode.definition import Definition, Problem


def problems(case: Case) -> Iterable[Problem]:
    """Yield a problem for each definition whose title is missing or an earlier one's."""
    first: dict[tuple[Path, str], Definition] = {}
    for definition in case.definitions:
        key = definition.path.parent, definition.title.strip().lower()
        if not key[1]:
            yield definition.problem("the dashboard has no title")
        elif key in first:
            yield definition.problem(
                f"the title {definition.title!r} is that of {first[key].file}",
                line=definition.line_of(definition.title),
            )
        first.setdefault(key, definition)
