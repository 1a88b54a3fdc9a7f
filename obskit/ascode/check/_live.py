"""What a query needs of a live Prometheus, and what it would send there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from obskit.ascode.check import Case
from obskit.ascode.definition import Definition, Query
from obskit.ascode.promql_tree import Same, asked, children, kind

#: These answer where there is no series, so that what they ask for need not be there.
_OF_NOTHING = ("absent", "absent_over_time", "vector", "time")
#: What Grafana's own variables are computed from; only their kinds matter here.
_SCRAPE_SECONDS = 15.0


def of_panels(case: Case) -> Iterator[tuple[Definition, Query, Any]]:
    """Yield the PromQL queries of panels and annotations with their trees."""
    for definition in case.definitions:
        for query, root in asked(definition):
            yield definition, query, root


def missing(node: Any, names: frozenset[str]) -> tuple[str, ...]:
    """Return the metrics for want of which an expression can answer nothing; none when it can answer.

    Of two sides of ``or`` one is enough, of any other operator both are needed; ``unless``
    needs its left side only. Of several alternatives the one that lacks least is told.
    """
    match kind(node):
        case "VectorSelector":
            metric = _name(node)
            return () if not metric or metric in names else (metric,)
        case "BinaryExpr":
            left, right = missing(node.lhs, names), missing(node.rhs, names)
            operator = str(node.op)
            if operator == "or":
                return min(left, right, key=len) if left and right else ()
            return left if operator == "unless" else tuple(dict.fromkeys((*left, *right)))
        case "Call" if node.func.name in _OF_NOTHING:
            return ()
    return tuple(dict.fromkeys(name for child in children(node) for name in missing(child, names)))


def unlabelled(node: Any, names: frozenset[str], labels: dict[str, frozenset[str]]) -> tuple[tuple[str, str], ...]:
    """Return ``(metric, label)`` for want of which an expression can answer nothing.

    A matcher that the empty text satisfies needs no label. Alternatives are judged as in
    `missing`; one whose metric is not there is no alternative.
    """
    match kind(node):
        case "VectorSelector":
            metric = _name(node)
            if not metric or metric not in labels:
                return ()
            return tuple((metric, label) for label in _needed(node) if label not in labels[metric])
        case "BinaryExpr" if str(node.op) == "or":
            sides = [unlabelled(n, names, labels) for n in (node.lhs, node.rhs) if not missing(n, names)]
            return min(sides, key=len, default=())
        case "BinaryExpr" if str(node.op) == "unless":
            return unlabelled(node.lhs, names, labels)
        case "Call" if node.func.name in _OF_NOTHING:
            return ()
    found = (pair for child in children(node) for pair in unlabelled(child, names, labels))
    return tuple(dict.fromkeys(found))


def metrics_of(node: Any) -> frozenset[str]:
    """Return the names of the metrics that an expression asks for."""
    if kind(node) == "VectorSelector":
        return frozenset(filter(None, (_name(node),)))
    return frozenset().union(*(metrics_of(child) for child in children(node)))


def sent(query: Query, definition: Definition) -> str:
    """Return the query as Grafana would send it, with everything chosen in its variables."""
    return _sent(query.text, Same(definition))


@lru_cache(maxsize=4096)
def _sent(text: str, key: Same) -> str:
    from obskit.ascode.choose import builtin, chosen
    from obskit.ascode.interpolate import interpolate
    from obskit.model import Window

    end = datetime(2000, 1, 1, tzinfo=UTC)
    window = Window(start=end - timedelta(hours=1), end=end)
    values = {**chosen(key.definition, ()), **builtin(window, _SCRAPE_SECONDS, _SCRAPE_SECONDS)}
    return interpolate(text, values)


def _name(node: Any) -> str:
    """Return a selector's metric; "" where it is none in particular."""
    if node.name:
        return str(node.name)
    for matcher in node.matchers.matchers:
        if matcher.name == "__name__" and str(matcher.op).endswith("Equal") and "Not" not in str(matcher.op):
            return str(matcher.value)
    return ""


def _needed(node: Any) -> Iterator[str]:
    """Yield the labels that a selector's matchers cannot do without."""
    for matcher in node.matchers.matchers:
        operator = str(matcher.op).rpartition(".")[2]
        if matcher.name == "__name__" or operator in ("NotEqual", "NotRe"):
            continue
        if (operator == "Equal" and matcher.value) or (operator == "Re" and not _matches_nothing(matcher.value)):
            yield matcher.name


def _matches_nothing(pattern: str) -> bool:
    """Return whether the empty text satisfies a pattern, as series without the label have it."""
    try:
        return re.fullmatch(pattern, "") is not None
    except re.error:
        return True
