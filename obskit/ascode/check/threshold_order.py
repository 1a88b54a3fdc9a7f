"""Thresholds rise, and the first one is open below.

What it looks for: threshold steps whose first value is not null, or whose values do not rise.

Why: Grafana takes the last step that it passes on the way up. Out of order, the panel is green
where it should be red.

How to mend it: write the steps from low to high, the first with the value null.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from obskit.ascode.check import Case
from obskit.ascode.check._shape import listed, mapping
from obskit.ascode.definition import Problem


def problems(case: Case) -> Iterable[Problem]:
    """Yield each panel whose thresholds are out of order."""
    for definition in case.definitions:
        for panel in definition.panels:
            found = mapping(panel, "fieldConfig", "defaults", "thresholds")
            values = [step.get("value") for step in listed(found.get("steps"))]
            if values and values[0] is not None:
                yield definition.problem(
                    f"the first threshold is {values[0]!r}, not open below", panel=panel, hint="set its value to null"
                )
            rising = [v for v in values[1:] if isinstance(v, int | float)]
            for low, high in pairwise(rising):
                if high <= low:
                    yield definition.problem(f"the threshold {high:g} stands after {low:g}", panel=panel)
