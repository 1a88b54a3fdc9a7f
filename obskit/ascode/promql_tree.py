"""The syntax tree of a PromQL query, as the rules look at it.

Grafana's variables are filled in by `obskit.ascode.variables`; what a rule has to recognise
again in the tree (a range, the value of a matcher) is marked before that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any

from obskit.ascode.definition import Definition, Query
from obskit.ascode.variables import filled

#: Ranges that nobody writes, by which Grafana's own are known in the tree: primes, in milliseconds.
RATE_INTERVAL = timedelta(milliseconds=86_028_157)
INTERVAL = timedelta(milliseconds=67_867_967)
RANGE = timedelta(milliseconds=49_979_687)
_RANGES = {"__rate_interval": RATE_INTERVAL, "__interval": INTERVAL, "__range": RANGE}

#: Variables whose place in a matcher is recognised in the tree.
KEPT = ("job", "instance")

#: What the counters' own functions are called.
RATES = frozenset({"rate", "irate", "increase"})
#: Aggregations that hand series through as they are: they choose, and summarise nothing.
CHOOSING = ("topk", "bottomk", "limitk", "limit_ratio")


@dataclass(frozen=True, slots=True, kw_only=True)
class Selector:
    """One vector selector of a query.

    Attributes:
        metric: Its name; "" when it has none.
        matchers: ``(label, operator, value)``; the operator is ``=``, ``!=``, ``=~`` or ``!~``.
        above: The nodes that it stands in, the nearest first.
        column: Where its name stands in the query, from 1; 0 when that is not known.
    """

    metric: str
    matchers: tuple[tuple[str, str, str], ...]
    above: tuple[Any, ...]
    column: int

    def __str__(self) -> str:
        return self.metric or "{…}"


def reference(name: str) -> str:
    """Return the regular expression of a reference to a variable, in all of Grafana's spellings."""
    name = re.escape(name)
    return rf"\$\{{{name}(?:[:.][^}}]*)?\}}|\${name}\b|\[\[{name}(?::[^\]]*)?\]\]"


def mark(name: str) -> str:
    """Return the text that stands for a kept variable in the tree."""
    return f"obskit_kept_{name}"


class Same:
    """A definition as a key of a cache: the same one, not an equal one; a model cannot be hashed."""

    def __init__(self, definition: Definition) -> None:
        self.definition = definition

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and self.definition is other.definition

    def __hash__(self) -> int:
        return id(self.definition)


def parsed(text: str, definition: Definition) -> Any:
    """Return the tree of a PromQL text with Grafana's variables in it.

    Args:
        text: No function of Grafana's own, as variables ask.
        definition: The dashboard; gives the variables' values. Those of `KEPT` become their `mark`.

    Returns:
        None when it does not parse, which is another check's to say.
    """
    return _parse(_filled(text, Same(definition)))


@lru_cache(maxsize=4096)
def _filled(text: str, same: Same) -> str:
    for name in KEPT:
        text = re.sub(reference(name), mark(name), text)
    text = re.sub(r"\$\{__range_(s|ms)\}\1", "$__range", text)
    for name, marked in _RANGES.items():
        text = re.sub(reference(name), f"{marked // timedelta(milliseconds=1)}ms", text)
    return filled(text, same.definition.model, "PromQL").text


@lru_cache(maxsize=4096)
def _parse(text: str) -> Any:
    import promql_parser  # a Rust library; only checks need it

    try:
        return promql_parser.parse(text)
    except ValueError:
        return None


def asked(definition: Definition) -> Iterator[tuple[Query, Any]]:
    """Yield the PromQL queries of panels and annotations with their trees."""
    for query in definition.queries:
        if query.language == "PromQL" and query.role != "variable":
            root = parsed(query.text, definition)
            if root is not None:
                yield query, root


def kind(node: Any) -> str:
    """Return what a node is, as the parser calls it, for example ``AggregateExpr``."""
    return type(node).__name__


def children(node: Any) -> tuple[Any, ...]:
    """Return a node's children, in the order of the text."""
    match kind(node):
        case "AggregateExpr":
            return (node.expr,) if node.param is None else (node.param, node.expr)
        case "Call":
            return tuple(node.args)
        case "BinaryExpr":
            return (node.lhs, node.rhs)
        case "ParenExpr" | "UnaryExpr" | "SubqueryExpr":
            return (node.expr,)
        case "MatrixSelector":
            return (node.vector_selector,)
    return ()


def nodes(node: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """Yield every node of a tree with those that it stands in, the nearest first."""
    yield node, above
    for child in children(node):
        yield from nodes(child, (node, *above))


def selectors(root: Any, text: str) -> Iterator[Selector]:
    """Yield the vector selectors of a tree.

    Args:
        root: The tree.
        text: The query as the definition has it; columns are counted in it.
    """
    seen: dict[str, int] = {}
    for node, above in nodes(root):
        if kind(node) != "VectorSelector":
            continue
        matchers = tuple(_matchers(node.matchers))
        named = next((value for label, op, value in matchers if label == "__name__" and op == "="), "")
        metric = node.name or named
        seen[metric] = seen.get(metric, 0) + 1
        yield Selector(metric=metric, matchers=matchers, above=above, column=column_of(text, metric, seen[metric]))


def column_of(text: str, name: str, number: int = 1) -> int:
    """Return the column, from 1, of the *number*-th time that a name stands in a query; 0 where it does not."""
    found = re.finditer(rf"(?<![\w:]){re.escape(name)}(?![\w:])", text) if name else ()
    return next((m.start() + 1 for count, m in enumerate(found, 1) if count == number), 0)


def bare(above: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the nodes without parentheses, which mean nothing."""
    return tuple(node for node in above if kind(node) != "ParenExpr")


def _matchers(found: Any) -> Iterator[tuple[str, str, str]]:
    operators = {"Equal": "=", "NotEqual": "!=", "Re": "=~", "NotRe": "!~"}
    for group in (found.matchers, *found.or_matchers):
        for matcher in group:
            yield matcher.name, operators[str(matcher.op).rpartition(".")[2]], matcher.value
