"""A quantile of a histogram keeps the buckets apart.

What it looks for: ``histogram_quantile`` over ``_bucket`` series whose aggregation drops ``le``.

Why: without ``le`` there are no buckets to find a quantile in. Prometheus answers with nothing, and
the latency panel is empty in the one hour when it is needed.

How to mend it: write ``sum by (le, …)``, or leave ``le`` out of ``without (…)``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from obskit.ascode.check import Case
from obskit.ascode.definition import Problem
from obskit.ascode.promql_labels import labels_given
from obskit.ascode.promql_tree import asked, children, column_of, kind, nodes


def problems(case: Case) -> Iterable[Problem]:
    """Yield each quantile of what has no buckets."""
    for definition in case.definitions:
        for query, root in asked(definition):
            for number in _wrong(root):
                yield definition.problem(
                    "histogram_quantile is asked over buckets that have lost their le",
                    query=query,
                    column=column_of(query.text, "histogram_quantile", number),
                    hint="add le to the aggregation's by (…)",
                )


def _wrong(root: Any) -> Iterator[int]:
    """Yield which of the query's quantiles, from 1, have no ``le``."""
    calls = [n for n, _ in nodes(root) if kind(n) == "Call" and n.func.name == "histogram_quantile"]
    for number, call in enumerate(calls, 1):
        asked_of = children(call)[1]
        named = [n.name for n, _ in nodes(asked_of) if kind(n) == "VectorSelector" and n.name]
        if any(name.endswith("_bucket") for name in named) and not labels_given(asked_of).may_have("le"):
            yield number
