"""A share is drawn as one.

What it looks for: a panel made from a signal whose unit is ``ratio`` (0 to 1), with the unit
``percent`` (0 to 100) and a query that does not multiply by 100.

Why: one request in a hundred fails and the panel says 0.01 %. Nobody gets up for that.

How to mend it: set the unit to ``percentunit``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from obskit.ascode.check import Case
from obskit.ascode.check._shape import mapping
from obskit.ascode.definition import Problem, signals_of
from obskit.catalogue import all_signals

_TIMES_HUNDRED = re.compile(r"\*\s*100\b|\b100\s*\*")


def problems(case: Case) -> Iterable[Problem]:
    """Yield each share that is drawn a hundred times too small."""
    known = all_signals()
    for definition in case.definitions:
        for panel in definition.panels:
            unit = mapping(panel, "fieldConfig", "defaults").get("unit")
            shares = [name for name in signals_of(panel) if name in known and known[name].unit == "ratio"]
            scaled = any(_TIMES_HUNDRED.search(q.text) for q in definition.queries if q.owner is panel)
            if unit == "percent" and shares and not scaled:
                yield definition.problem(
                    f"{shares[0]} is a share of 1, and the panel's unit is percent of 100",
                    panel=panel,
                    hint="set the unit to percentunit",
                )
