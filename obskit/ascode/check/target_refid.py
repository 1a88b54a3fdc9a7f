"""Every query of a panel has a letter of its own.

What it looks for: a target whose ``refId`` is missing, or that of another target of the panel.

Why: Grafana asks all queries of a panel at once and tells the answers apart by this letter. Of two
with the same one is lost: a line is missing, and nothing says so.

How to mend it: letter them A, B, C.
"""

from __future__ import annotations

from collections.abc import Iterable

from obskit.ascode.check import Case
from obskit.ascode.check._panels import targets
from obskit.ascode.definition import Problem


def problems(case: Case) -> Iterable[Problem]:
    """Yield each target without a ``refId`` of its own."""
    for definition in case.definitions:
        for panel in definition.panels:
            seen: set[str] = set()
            for number, target in enumerate(targets(panel), 1):
                ref = str(target.get("refId") or "")
                if not ref:
                    yield definition.problem(f"query {number} of the panel has no refId", panel=panel)
                elif ref in seen:
                    yield definition.problem(f"two queries of the panel have the refId {ref!r}", panel=panel)
                seen.add(ref)
