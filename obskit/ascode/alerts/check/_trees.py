"""What the checks ask of an expression's tree."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from obskit.ascode.promql_tree import children, kind, nodes

COMPARISONS = frozenset({">", ">=", "<", "<=", "==", "!="})
#: Aggregations that one NaN among their series makes NaN; ``max`` and ``min`` pass it over.
POISONED = frozenset({"sum", "avg", "stddev", "stdvar"})


def operator(node: Any) -> str:
    """Return the operator of a binary expression, or the name of an aggregation or function; else ""."""
    match kind(node):
        case "BinaryExpr" | "AggregateExpr":
            return str(node.op)
        case "Call":
            return str(node.func.name)
    return ""


def bare(node: Any) -> Any:
    """Return a node without the parentheses around it, which mean nothing."""
    while kind(node) == "ParenExpr":
        node = node.expr
    return node


def filters(node: Any) -> bool:
    """Return whether an expression answers nothing while all is well: a comparison that drops series decides.

    Of ``and`` one side is enough, of ``or`` both are needed, arithmetic hands on what it is given.
    """
    node = bare(node)
    match kind(node):
        case "BinaryExpr":
            return _side_filters(node)
        case "AggregateExpr" | "UnaryExpr":
            return filters(node.expr)
        case "Call":
            return operator(node) in ("absent", "absent_over_time") or any(filters(arg) for arg in node.args)
    return False


def _side_filters(node: Any) -> bool:
    op = operator(node)
    if op in COMPARISONS:
        return not (node.modifier and node.modifier.return_bool)
    if op == "unless":
        return filters(node.lhs)
    both = filters(node.lhs), filters(node.rhs)
    return all(both) if op == "or" else any(both)


def number(node: Any) -> float | None:
    """Return the number that a node is, or None."""
    node = bare(node)
    match kind(node):
        case "NumberLiteral":
            return float(node.val)
        case "UnaryExpr":
            inner = number(node.expr)
            return None if inner is None else -inner
    return None


def divisions(node: Any) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """Yield the divisions whose divisor may be zero, with the nodes that they stand in, the nearest first."""
    for found, above in nodes(node):
        if kind(found) == "BinaryExpr" and operator(found) == "/" and not _is_never_zero(found.rhs):
            yield found, above


def _is_never_zero(node: Any) -> bool:
    """Return whether a divisor is a number, is kept above zero by a comparison, or is a constant beside it."""
    node = bare(node)
    if number(node) is not None:
        return number(node) != 0
    op = operator(node)
    if kind(node) == "BinaryExpr" and op in COMPARISONS:
        return True
    if op in ("clamp_min", "scalar", "vector"):
        return True
    if kind(node) in ("AggregateExpr", "Call"):
        return any(_is_never_zero(child) for child in children(node) if number(child) is None)
    return False
