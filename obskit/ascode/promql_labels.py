"""Which labels the answer of a PromQL query can carry.

After Prometheus's own rules (promql/engine.go: aggregation, resultMetric, VectorOr), as far as
they can be known without the series.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from obskit.ascode.promql_tree import CHOOSING, children, kind

_SET_OPERATORS = ("and", "unless")
_NO_SERIES = ("vector", "time", "scalar", "pi")
#: Functions whose labels come from elsewhere than their first vector.
_UNKNOWN = ("absent", "absent_over_time", "info")


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """The labels that an answer may have.

    Attributes:
        only: No others than these; None when that is not known.
        never: Not these, whatever the series have.
    """

    only: frozenset[str] | None = None
    never: frozenset[str] = frozenset()

    def may_have(self, label: str) -> bool:
        """Return whether the answer can carry a label."""
        return (self.only is None or label in self.only) and label not in self.never

    def kept(self, labels: frozenset[str]) -> Given:
        """Return what is left when only these are kept."""
        return Given(only=frozenset(label for label in labels if self.may_have(label)))

    def without(self, labels: frozenset[str]) -> Given:
        """Return what is left when these are dropped."""
        if self.only is None:
            return Given(never=self.never | labels)
        return Given(only=self.only - labels)

    def added(self, labels: frozenset[str]) -> Given:
        """Return what there is when these come to it."""
        only = None if self.only is None else self.only | labels
        return Given(only=only, never=self.never - labels)

    def joined(self, other: Given) -> Given:
        """Return what series of either may have."""
        if self.only is not None and other.only is not None:
            return Given(only=self.only | other.only)
        denied = self.never | other.never
        return Given(never=frozenset(n for n in denied if not (self.may_have(n) or other.may_have(n))))


_NONE = Given(only=frozenset())


def labels_given(node: Any) -> Given:
    """Return the labels that the answer of an expression can carry."""
    match kind(node):
        case "AggregateExpr":
            return _aggregated(node)
        case "Call":
            return _called(node)
        case "BinaryExpr":
            return _combined(node)
        case "ParenExpr" | "UnaryExpr" | "SubqueryExpr":
            return labels_given(node.expr)
        case "NumberLiteral" | "StringLiteral":
            return _NONE
    return Given()


def _aggregated(node: Any) -> Given:
    inner, op = labels_given(node.expr), str(node.op)
    if op in CHOOSING:
        return inner
    named = frozenset(node.modifier.labels) if node.modifier else frozenset()
    excludes = node.modifier is not None and str(node.modifier.type).endswith("Without")
    found = inner.without(named) if excludes else inner.kept(named)
    return found.added(frozenset({node.param.val})) if op == "count_values" else found


def _called(node: Any) -> Given:
    name, args = node.func.name, children(node)
    if name in _NO_SERIES:
        return _NONE
    if name in _UNKNOWN:
        return Given()
    inner = next((labels_given(a) for a in args if kind(a) not in ("NumberLiteral", "StringLiteral")), _NONE)
    if name in ("label_replace", "label_join"):
        return inner.added(frozenset({args[1].val}))
    return inner.without(frozenset({"le"})) if name == "histogram_quantile" else inner


def _combined(node: Any) -> Given:
    left, right, op = labels_given(node.lhs), labels_given(node.rhs), str(node.op)
    if op == "or":
        return left.joined(right)
    if op in _SET_OPERATORS:
        return left
    modifier = node.modifier
    if _is_scalar(node.lhs) or _is_scalar(node.rhs):
        return right if _is_scalar(node.lhs) else left
    matching = modifier.matching if modifier else None
    named = frozenset(matching.labels) if matching else frozenset()
    on = matching is not None and str(matching.type).endswith("Include")
    many = str(modifier.card).rpartition(".")[2] if modifier else "OneToOne"
    if many == "ManyToOne":
        return left.added(frozenset(modifier.group_labels or ()))
    if many == "OneToMany":
        return right.added(frozenset(modifier.group_labels or ()))
    # One to one: Prometheus keeps of the left side's labels those that were matched on.
    return left.kept(named) if on else left.without(named)


def _is_scalar(node: Any) -> bool:
    match kind(node):
        case "NumberLiteral":
            return True
        case "ParenExpr" | "UnaryExpr":
            return _is_scalar(node.expr)
        case "Call":
            return node.func.name in ("time", "scalar", "pi")
        case "BinaryExpr":
            return _is_scalar(node.lhs) and _is_scalar(node.rhs)
    return False
