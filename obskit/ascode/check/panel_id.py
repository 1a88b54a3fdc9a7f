"""Every panel has an id, and no other panel of the dashboard has the same.

What it looks for: a panel, rows and those inside them included, whose id is missing or no
positive whole number; an id that two panels of one dashboard have.

Why: alerts and reports point at panels by their ids. Where none is set, Grafana numbers them by
their place, and inserting one panel moves every link to its neighbour. Of two with the same id
Grafana shows one, and "view panel" opens whichever comes first.

How to mend it: build panels through `obskit.ascode.board`, which makes ids from what a panel
shows; where two show the same, give one of them a ``key``.
"""

from __future__ import annotations

from collections.abc import Iterable

from obskit.ascode.check import Case
from obskit.ascode.definition import Model, Problem


def problems(case: Case) -> Iterable[Problem]:
    """Yield each panel without an id of its own."""
    for definition in case.definitions:
        first: dict[int, Model] = {}
        for panel in definition.panels:
            number = panel.get("id")
            if not isinstance(number, int) or isinstance(number, bool) or number < 1:
                yield definition.problem(
                    f"the panel's id is {number!r}" if number is not None else "the panel has no id",
                    panel=panel,
                    hint="set a positive whole number",
                )
            elif number in first:
                other = first[number].get("title") or "another panel"
                yield definition.problem(f"the panel's id {number} is that of {other!r}", panel=panel)
            else:
                first[number] = panel
