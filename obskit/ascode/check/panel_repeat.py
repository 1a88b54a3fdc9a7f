"""A panel is repeated over a variable that there is.

What it looks for: a panel or row whose ``repeat`` names a variable that the dashboard does not
have, or one that takes a single value.

Why: Grafana then shows the panel once, with the first value, and whoever chose five services
believes to see all five.

How to mend it: name a variable that takes several values.
"""

from __future__ import annotations

from collections.abc import Iterable

from obskit.ascode.check import Case
from obskit.ascode.definition import Problem


def problems(case: Case) -> Iterable[Problem]:
    """Yield each repeat over nothing."""
    for definition in case.definitions:
        several = {str(v.get("name")): bool(v.get("multi") or v.get("includeAll")) for v in definition.variables}
        for panel in definition.panels:
            name = str(panel.get("repeat") or "")
            if name and name not in several:
                yield definition.problem(f"the panel repeats over {name!r}, and there is no such variable", panel=panel)
            elif name and not several[name]:
                yield definition.problem(
                    f"the panel repeats over {name!r}, which takes one value", panel=panel, hint="set multi"
                )
