"""A variable of several values stands in a regular expression.

What it looks for: a matcher with ``=`` or ``!=`` whose value refers to a variable that takes several
values or has an "All".

Why: Grafana fills ``(api|web)`` in, and no label has that value. As long as one is chosen all is
well; who chooses two, or "All", to see how far the incident reaches, sees "No data".

How to mend it: write ``=~`` or ``!~``.
"""

from __future__ import annotations

from collections.abc import Iterable

from obskit.ascode.check import Case
from obskit.ascode.check._texts import matchers, names
from obskit.ascode.definition import Problem


def problems(case: Case) -> Iterable[Problem]:
    """Yield each exact matcher of a variable that holds several values."""
    for definition in case.definitions:
        several = [
            str(v.get("name"))
            for v in definition.variables
            if v.get("type") != "datasource" and (v.get("multi") or v.get("includeAll"))
        ]
        for query in definition.queries:
            for matcher in matchers(query.text):
                for name in several:
                    if matcher.op in ("=", "==", "!=") and names(matcher.value, name):
                        right = "!~" if matcher.op == "!=" else "=~"
                        yield definition.problem(
                            f"{matcher} matches nothing when {name} holds several values",
                            query=query,
                            column=matcher.column,
                            hint=f"write {matcher.label}{right}",
                        )
