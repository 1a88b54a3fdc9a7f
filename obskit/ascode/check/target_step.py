"""Points are as close as the range of their rates.

What it looks for: a PromQL target with an ``intervalFactor`` of more than 1 or a fixed ``step``.

Why: ``$__rate_interval`` is made for the distance of points without that factor. With a factor of
2, each rate looks at one half of the time between two points: on a wide zoom, half of all samples
are never looked at, and the burst of errors falls through.

How to mend it: leave ``step`` out and ``intervalFactor`` at 1. Where a panel is too dense, set the
panel's ``maxDataPoints``, which ``$__rate_interval`` knows of.
"""

from __future__ import annotations

from collections.abc import Iterable

from obskit.ascode.check import Case
from obskit.ascode.check._panels import source_of, targets
from obskit.ascode.definition import Problem


def problems(case: Case) -> Iterable[Problem]:
    """Yield each PromQL target whose points are further apart than its ranges know."""
    for definition in case.definitions:
        for panel in definition.panels:
            for target in targets(panel):
                if (source_of(target)[0] or source_of(panel)[0]) != "prometheus":
                    continue
                for key, usual in (("intervalFactor", 1), ("step", 0)):
                    if target.get(key, usual) not in (usual, None, ""):
                        yield definition.problem(
                            f"query {target.get('refId') or '?'} sets {key} to {target[key]!r}",
                            panel=panel,
                            hint=f"leave {key} out",
                        )
