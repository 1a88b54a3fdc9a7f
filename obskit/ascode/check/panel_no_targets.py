"""Every panel asks something.

What it looks for: a panel that is there to show data and has no target, or only hidden ones, or a
Prometheus or Loki target without a query.

Why: it says "No data" for ever, and at night nobody can tell that from a service that has stopped.

How to mend it: give it a query, or take it out. Words belong in a text panel.

This is the rule panel-no-targets-rule of Grafana's dashboard-linter, for all types of panels.
"""

from __future__ import annotations

from collections.abc import Iterable

from obskit.ascode.check import Case
from obskit.ascode.check._panels import asks, source_of, targets
from obskit.ascode.definition import LANGUAGES, Problem


def problems(case: Case) -> Iterable[Problem]:
    """Yield each panel that asks nothing."""
    for definition in case.definitions:
        for panel in definition.panels:
            if not asks(panel):
                continue
            found = targets(panel)
            if not any(not target.get("hide") for target in found):
                what = "the panel asks nothing" if not found else "the panel's queries are all hidden"
                yield definition.problem(what, panel=panel, hint="give it a query, or take it out")
            for target in found:
                kind = source_of(target)[0] or source_of(panel)[0]
                if kind in LANGUAGES and not str(target.get("expr") or "").strip():
                    yield definition.problem(f"query {target.get('refId') or '?'} is empty", panel=panel)
