"""Ranges of rate and irate are $__rate_interval.

What it looks for: ``rate`` or ``irate`` over a range that is not ``$__rate_interval``, and
``increase`` over ``$__interval``. Two ranges are meant where they stand and are fine:
``$__range`` (one number for all that is shown), and a fixed range of ``increase`` ("in the last
hour"). Ranges are read from the query's syntax tree.

Why: a range shorter than two scrapes holds one sample, and a rate of one sample is nothing: the
panel is empty, on some zooms only. A range shorter than the distance of two points skips what
happened between them. ``$__rate_interval`` is never shorter than four scrapes nor than a point.

How to mend it: write ``[$__rate_interval]``. Where a fixed range is meant ("over the last day"),
exclude the check for that panel with the reason.

This is the rule target-rate-interval-rule of Grafana's dashboard-linter.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from obskit.ascode.check import Case
from obskit.ascode.definition import Problem
from obskit.ascode.promql_tree import INTERVAL, RANGE, RATE_INTERVAL, Selector, asked, bare, kind, selectors

_MEANT = (RATE_INTERVAL, RANGE)


def problems(case: Case) -> Iterable[Problem]:
    """Yield each rate over a range that Grafana does not choose."""
    for definition in case.definitions:
        for query, root in asked(definition):
            if query.role != "panel":
                continue
            wrong = list(_wrong(root, query.text))
            if wrong:
                named = ", ".join(dict.fromkeys(f"{function} of {selector}" for function, selector in wrong))
                yield definition.problem(
                    f"not over $__rate_interval: {named}",
                    query=query,
                    column=wrong[0][1].column,
                    hint="write [$__rate_interval]",
                )


def _wrong(root: Any, text: str) -> Iterator[tuple[str, Selector]]:
    for selector in selectors(root, text):
        above = bare(selector.above)
        if len(above) < 2 or kind(above[0]) != "MatrixSelector" or kind(above[1]) != "Call":
            continue
        name, over = above[1].func.name, above[0].range
        fine = {"rate": over in _MEANT, "irate": over in _MEANT, "increase": over != INTERVAL}
        if not fine.get(name, True):
            yield name, selector
