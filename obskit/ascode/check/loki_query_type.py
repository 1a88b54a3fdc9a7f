"""A Loki query says by its queryType whether it wants one moment or a range.

What it looks for: a LogQL target that sets ``instant`` and whose ``queryType`` is not ``instant``;
a ``queryType`` that Loki's data source does not know.

Why: ``instant`` is Prometheus's switch, and Loki's data source does not read it. A stat that should
count the errors of the whole range shows those of the last few seconds: 0, in green.

How to mend it: set ``queryType`` to ``instant`` or ``range``.
"""

from __future__ import annotations

from collections.abc import Iterable

from obskit.ascode.check import Case
from obskit.ascode.check._panels import source_of, targets
from obskit.ascode.check._shape import word
from obskit.ascode.definition import Problem

_KNOWN = frozenset({"range", "instant", "stream"})


def problems(case: Case) -> Iterable[Problem]:
    """Yield each Loki target whose kind of query is not what it seems."""
    for definition in case.definitions:
        for panel in definition.panels:
            for target in targets(panel):
                if (source_of(target)[0] or source_of(panel)[0]) != "loki":
                    continue
                kind, ref = word(target, "queryType"), target.get("refId") or "?"
                if kind and kind not in _KNOWN:
                    yield definition.problem(
                        f"query {ref} has the queryType {kind!r}, which Loki does not know", panel=panel
                    )
                elif target.get("instant") and kind != "instant":
                    yield definition.problem(
                        f"query {ref} sets instant, which Loki does not read",
                        panel=panel,
                        hint='set queryType to "instant"',
                    )
