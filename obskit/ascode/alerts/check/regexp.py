"""Regular expressions are used where they are needed, as they are meant.

What it looks for: in matchers: ``^`` and ``$`` around the whole, which Prometheus adds itself; a
regular expression without anything regular in it, which ``=`` says; ``.*`` alone with ``=~``, which
matches all, also series without the label.

Why: ``=~"^shop"`` looks like "begins with shop" and matches the service called shop alone.

How to mend it: take the anchors out, write ``=``, or leave the matcher out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from obskit.ascode.alerts.check import Case
from obskit.ascode.definition import Problem
from obskit.ascode.promql_tree import selectors

_REGULAR = re.compile(r"[.*+?()\[\]{}|^$\\]")


def problems(case: Case) -> Iterable[Problem]:
    """Yield each matcher that says more than it means."""
    for one in case.built:
        if one.tree is None:
            continue
        for selector in selectors(one.tree, one.expr):
            for label, op, value in selector.matchers:
                if op in ("=~", "!~") and (said := wrong(value)):
                    yield one.problem(
                        f'{label}{op}"{value}" of {selector}: {said}',
                        query=one.expr,
                        column=selector.column,
                        severity="warning",
                    )


def wrong(pattern: str) -> str:
    """Return what is wrong with a matcher's regular expression, or ""."""
    if pattern.startswith("^") or (pattern.endswith("$") and not pattern.endswith("\\$")):
        return "it is anchored already"
    if pattern == ".*":
        return "it matches everything, also nothing"
    if pattern and not _REGULAR.search(pattern):
        return "nothing in it is regular: write =, or !="
    return ""
