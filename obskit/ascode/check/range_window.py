"""Fixed ranges hold at least four scrapes.

What it looks for: a fixed range of less than a minute in a PromQL query, under any function.

Why: Grafana takes 15 seconds for the distance of scrapes where nobody says otherwise, and four
scrapes are what a rate needs to survive a lost one. A shorter range holds one sample or none:
the line breaks up, or is empty, and reads as "the service does nothing".

How to mend it: write ``$__rate_interval``, or a range of a minute or more.
"""

from __future__ import annotations

from collections.abc import Iterable

from obskit.ascode.check import Case
from obskit.ascode.definition import Problem
from obskit.ascode.promql_tree import asked, kind, selectors
from obskit.ascode.scrapes import FOUR_SCRAPES


def problems(case: Case) -> Iterable[Problem]:
    """Yield each fixed range that is too short."""
    for definition in case.definitions:
        for query, root in asked(definition):
            for selector in selectors(root, query.text):
                over = [node.range for node in selector.above[:1] if kind(node) == "MatrixSelector"]
                if over and over[0] < FOUR_SCRAPES:
                    yield definition.problem(
                        f"a range of {over[0].total_seconds():g} s of {selector} holds fewer than four scrapes",
                        query=query,
                        column=selector.column,
                        hint="write [$__rate_interval], or a minute or more",
                    )
