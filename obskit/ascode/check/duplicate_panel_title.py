"""No two panels of a row have the same title.

What it looks for: a title that two panels between the same headings have; a warning. A panel that
is repeated over a variable counts once.

Why: "look at the panel Requests" has to name one. Two of the same name under the same heading are
taken for each other, and often one is a copy that somebody forgot.

How to mend it: say in the title what is different.
"""

from __future__ import annotations

from collections.abc import Iterable

from obskit.ascode.check import Case
from obskit.ascode.check._panels import groups
from obskit.ascode.definition import Problem


def problems(case: Case) -> Iterable[Problem]:
    """Yield each panel with the title of an earlier one of its row."""
    for definition in case.definitions:
        for heading, panels in groups(definition):
            seen: set[str] = set()
            for panel in panels:
                title = str(panel.get("title") or "").strip().lower()
                if title and title in seen:
                    where = f"the row {heading!r}" if heading else "the panels above the first row"
                    yield definition.problem(f"the title is there twice in {where}", panel=panel, severity="warning")
                seen.add(title)
