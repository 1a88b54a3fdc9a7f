"""An alert knows whom it is about.

What it looks for: an alert on a signal of services that drops the label of the service although its query
has it; one none of whose labels its query can give; a condition whose query gives none of the labels that
it is joined by.

Why: without the service nobody knows whom to call, routes and inhibitions do not match, and of three
bad services one alert comes. A label that is not there is empty in the text, and a condition that is
joined by it holds for nothing.

How to mend it: leave ``by`` out, for then it is the signal's own; or add the service to it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from obskit.ascode.alerts.check import Built, Case
from obskit.ascode.alerts.check._trees import bare
from obskit.ascode.definition import Problem
from obskit.ascode.promql_labels import labels_given
from obskit.ascode.promql_tree import children, kind


def problems(case: Case) -> Iterable[Problem]:
    """Yield each alert without its service, and each label that its query cannot give."""
    names = case.writer.settings.labels
    for one in case.alerts("PromQL"):
        if one.said is None or one.said.slo is not None or one.tree is None:
            continue
        rule = one.said.rule
        parts = [node for node in _outermost(one.tree) if _by(node)]
        if rule.catalogued.scope == "service" and rule.by and names.service not in rule.by:
            inner = next(iter(_outermost(one.tree)), None)
            if inner is None or labels_given(inner.expr).may_have(names.service):
                yield one.problem(f"it drops the label {names.service}, whom it is about", "by", hint="add it to by")
                continue
        yield from _not_given(one, parts)


def _not_given(one: Built, parts: list[Any]) -> Iterable[Problem]:
    """Yield what the query cannot give, or gives and its condition does not.

    Exporters may name the same thing differently, so that of several labels one is enough.
    """
    for number, node in enumerate(parts):
        given = labels_given(node.expr)
        lost = [label for label in _by(node) if not given.may_have(label)]
        if number == 0 and len(lost) == len(_by(node)):
            yield one.problem(f"its query gives no label {', '.join(lost)}", "by", hint="leave by out, or name another")
        if number:
            first = labels_given(parts[0].expr)
            needed = [label for label in lost if first.may_have(label)]
            if needed and len(needed) == sum(first.may_have(label) for label in _by(node)):
                yield one.problem(
                    f"its condition's query gives no label {', '.join(needed)}: it never holds", "where", "by"
                )


def _by(node: Any) -> list[str]:
    """Return what an aggregation is by; of ``without`` nothing is known."""
    modifier = node.modifier
    return [] if modifier is None or str(modifier.type).endswith("Without") else list(modifier.labels)


def _outermost(node: Any) -> Iterable[Any]:
    """Yield the aggregations that no other stands around, in the order of the text."""
    node = bare(node)
    if kind(node) == "AggregateExpr":
        yield node
        return
    for child in children(node):
        yield from _outermost(child)
