"""Every panel says what it shows, in a title and in a description.

What it looks for: a panel without a title, and one that asks something without a description.
Text panels may go without either; a row needs a title.

Why: who looks at a panel at night has not built it. "Pool waiting" is no help without the sentence
that says what waits, from when on that is bad, and what to do about it.

How to mend it: build the panel from a signal, which brings both; or write them.

This is the rule panel-title-description-rule of Grafana's dashboard-linter, for all types of panels.
"""

from __future__ import annotations

from collections.abc import Iterable

from obskit.ascode.check import Case
from obskit.ascode.check._panels import asks
from obskit.ascode.definition import Problem


def problems(case: Case) -> Iterable[Problem]:
    """Yield each panel without a title or without a description."""
    for definition in case.definitions:
        for panel in definition.panels:
            which = f"panel {panel.get('id', '?')} of type {panel.get('type', '?')}"
            titled = bool(str(panel.get("title") or "").strip())
            if not titled and (asks(panel) or panel.get("type") == "row"):
                yield definition.problem(f"{which} has no title", panel=panel)
            if asks(panel) and not str(panel.get("description") or "").strip():
                yield definition.problem(
                    "the panel has no description" if titled else f"{which} has no description",
                    panel=panel,
                    hint="say what it means and what to do when it turns bad",
                )
