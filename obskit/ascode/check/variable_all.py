"""What "All" of a variable means is said.

What it looks for: a variable that asks Prometheus or Loki, offers "All", and sets no ``allValue``.

Why: "All" is then the list of what the variable found. Where it found nothing (the exporter was
down for a moment, the range is too short), the list is empty, ``=~""`` matches only what lacks
the label, and every panel says "No data". Where it found two thousand, the query is longer than
servers take.

How to mend it: set ``allValue`` to ``.+``.
"""

from __future__ import annotations

from collections.abc import Iterable

from obskit.ascode.check import Case
from obskit.ascode.definition import Problem


def problems(case: Case) -> Iterable[Problem]:
    """Yield each variable whose "All" is a list."""
    for definition in case.definitions:
        for query in definition.queries:
            variable = query.owner
            asks = query.role == "variable" and query.language
            if asks and variable.get("includeAll") and not variable.get("allValue"):
                yield definition.problem(
                    f"the variable {query.title!r} offers all and does not say what that is",
                    query=query,
                    hint='set allValue to ".+"',
                )
