"""Brings a dashboard back from Grafana, and says which signals of the catalogue it asks for.

Two queries are the same when they compute the same from the same metrics: what labels are
called, which services are chosen, the grouping and the range of a rate belong to an
environment, not to a signal. A matcher of anything else (a status, a state) makes another query.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any, Literal

from obskit.ascode.canonical import canonical
from obskit.ascode.definition import Definition, Model, Query
from obskit.ascode.grafana import Grafana
from obskit.catalogue import CLUSTER_LABELS, NOT_TRAFFIC, ROUTE_LABELS, SERVICE_LABELS, TASK_LABELS, all_signals
from obskit.catalogue._written import Filling, written_variant
from obskit.errors import SourceError, UsageError
from obskit.settings import LabelNames

How = Literal["same query", "same metrics", "none"]

#: What a file of a dashboard keeps, although two that only differ in it mean the same.
KEPT = ("schemaVersion",)

#: Stands for a choice that a variable makes; no query of the catalogue holds it.
_CHOSEN = "obskit_chosen"
#: Labels that say whom a query is about, not what it asks.
_WHOM = frozenset(
    (*SERVICE_LABELS, *TASK_LABELS, *CLUSTER_LABELS, *ROUTE_LABELS, "namespace", "environment", "env", "region")
)
_FILLING = Filling(
    labels=LabelNames(), services=f'service=~"{_CHOSEN}"', scope=f'cluster=~"{_CHOSEN}"', names=_CHOSEN, rate="5m"
)
_GRAFANA_VARIABLE = re.compile(r"\$\{[A-Za-z_]\w*(?:[:.][^}]*)?\}|\$[A-Za-z_]\w*|\[\[\w+\]\]")
_RANGE = re.compile(r"\[([^\[\]\"]*\$[^\[\]\"]*)\]")
_LOGQL_SELECTOR = re.compile(r"""(?<!\{)\{(?!\{)(?:[^"`{}]|"(?:\\.|[^"\\])*"|`[^`]*`)*\}""")
_LOGQL_ENVIRONMENT = re.compile(
    r"\[[^\[\]\"`]*\]|\bby\s*\([^)]*\)"  # ranges, groupings, and then what services are called and which are chosen
    rf"|(?<=\blabel_format)\s+\w+(?=\s*=)|\|\s*\w+\s*=~?\s*[\"`]{_CHOSEN}[\"`]"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Which signal a panel's query asks for.

    Attributes:
        panel: The panel's title, as Grafana has it.
        ref: The query's letter.
        signal_id: "" when there is none.
        how: ``same metrics`` when it computes something else from them.
    """

    panel: str
    ref: str
    signal_id: str
    how: How


def pull(uid: str, grafana: Grafana) -> tuple[Model, tuple[Match, ...]]:
    """Return a dashboard for keeping in a repository, and the signals that its panels ask for.

    Raises:
        UsageError: Grafana has no dashboard of that uid.
        SourceError: Grafana could not be asked, or holds a number that JSON has no word for.
    """
    stored = grafana.get(uid)
    if stored is None:
        hint = "its uid stands in its address, after /d/"
        raise UsageError(f"Grafana has no dashboard with the uid {uid!r}", hint=hint)
    model = canonical(stored.model, keep=KEPT)
    try:
        json.dumps(model, allow_nan=False)
    except ValueError as error:  # 1e999 can be saved, and is no number to anybody who reads it
        hint = "correct it in Grafana: Dashboard settings, JSON Model"
        raise SourceError("the dashboard is no JSON", where={"uid": uid, "said": str(error)}, hint=hint) from error
    return model, matches(model)


def matches(model: Model) -> tuple[Match, ...]:
    """Return what each query of the dashboard's panels asks for, in the panels' order.

    A query that computes a signal has one match; one that only uses the metrics of some has one
    for each of them.
    """
    definition = Definition(name="", path=Path(), source="", model=model)
    return tuple(match for query in definition.queries if query.role == "panel" for match in _matches(query))


def _matches(query: Query) -> Iterator[Match]:
    signal = _same_query(query)
    others: tuple[str, ...] = ()
    if not signal and query.language != "LogQL":
        others = _catalogue().by_metrics.get(_asked(query.text).metrics, ())
    found: list[tuple[str, How]] = [(signal, "same query")] if signal else [(other, "same metrics") for other in others]
    for signal_id, how in found or [("", "none")]:
        yield Match(panel=query.title, ref=query.ref, signal_id=signal_id, how=how)


def _same_query(query: Query) -> str:
    """Return the signal that the query computes, whole or as one number of all its series; or ""."""
    if query.language == "LogQL":
        return _catalogue().by_logql.get(_logql(query.text), "")
    asked = _asked(query.text)
    for number in range(len(_Matchers)):
        for parts in (asked.parts, asked.inner_parts):
            signals = [_catalogue().by_part.get(part[number], ()) for part in parts]
            of_all = [s for s in (signals[0] if signals else ()) if all(s in others for others in signals)]
            if of_all:  # of two that share this alternative, the one that has fewer others means it
                known = _catalogue()
                return min(
                    of_all,
                    key=lambda s: (
                        known.alternatives[s],
                        asked.grouped not in known.grouped[s],
                        asked.labels not in known.labels[s],
                    ),
                )
    return ""


class _Matchers(Enum):
    """What of a selector tells one query from another: the closest that two share decides."""

    NAMED = 0
    BY_VALUE = 1
    BY_QUESTION = 2


_Part = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Catalogue:
    """Signals by what they ask; the first in the catalogue's order comes first.

    Attributes:
        by_part: Shape of one alternative of a query -> signals.
        by_metrics: Names of all metrics of one variant -> signals.
        by_logql: Shape of a LogQL query -> signal.
        alternatives: Signal -> how many alternatives its query has.
        grouped: Signal -> whether its variants are an aggregation by groups: tells two apart that
            differ in nothing else.
        labels: Signal -> by how many labels its variants group: the same, of a finer kind.
    """

    by_part: dict[str, tuple[str, ...]]
    by_metrics: dict[frozenset[str], tuple[str, ...]]
    by_logql: dict[str, str]
    alternatives: Counter[str]
    grouped: dict[str, frozenset[bool]]
    labels: dict[str, frozenset[int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What a PromQL query asks, environment left out; empty when it cannot be parsed.

    Attributes:
        parts: Of each of its alternatives, as joined by ``or``: its shape by each of `_Matchers`.
        inner_parts: The same of what an outermost aggregation without groups makes one number of.
        grouped: It is an aggregation by groups.
        labels: By how many, at most.
        metrics: The names that it selects.
    """

    parts: tuple[_Part, ...] = ()
    inner_parts: tuple[_Part, ...] = ()
    grouped: bool = False
    labels: int = 0
    metrics: frozenset[str] = frozenset()


@cache
def _catalogue() -> _Catalogue:
    by_part: dict[str, dict[str, None]] = defaultdict(dict)
    by_metrics: dict[frozenset[str], dict[str, None]] = defaultdict(dict)
    by_logql: dict[str, str] = {}
    alternatives: Counter[str] = Counter()
    grouped: dict[str, set[bool]] = defaultdict(set)
    labels: dict[str, set[int]] = defaultdict(set)
    for signal in all_signals().values():
        for variant in signal.variants:
            query = written_variant(variant, _FILLING)
            if variant.language == "LogQL":
                by_logql.setdefault(_logql(query), signal.id)
                continue
            asked = _asked(query)
            alternatives[signal.id] += len(asked.parts)
            grouped[signal.id].add(asked.grouped)
            labels[signal.id].add(asked.labels)
            for shape in chain.from_iterable(asked.parts):
                by_part[shape][signal.id] = None
            if asked.metrics:
                by_metrics[asked.metrics][signal.id] = None
    return _Catalogue(
        by_part={key: tuple(signals) for key, signals in by_part.items()},
        by_metrics={key: tuple(signals) for key, signals in by_metrics.items()},
        by_logql=by_logql,
        alternatives=alternatives,
        grouped={signal: frozenset(which) for signal, which in grouped.items()},
        labels={signal: frozenset(counts) for signal, counts in labels.items()},
    )


def _asked(text: str) -> _Asked:
    import promql_parser

    ranged = _RANGE.sub(lambda m: "[" + _GRAFANA_VARIABLE.sub("5m", m[1]) + "]", text)
    try:
        tree = promql_parser.parse(_GRAFANA_VARIABLE.sub(_CHOSEN, ranged))
    except (ValueError, RecursionError):  # its own errors are ValueErrors
        return _Asked()
    bare = _bare(tree)
    aggregates = isinstance(bare, promql_parser.AggregateExpr)
    one_number = aggregates and not bare.modifier and bare.param is None
    return _Asked(
        parts=_parts(tree),
        inner_parts=_parts(bare.expr) if one_number else (),
        grouped=aggregates and bool(bare.modifier),
        labels=max((len(m.labels) for m in _modifiers(tree)), default=0),
        metrics=frozenset(_metrics(tree)),
    )


def _modifiers(tree: Any) -> Iterator[Any]:
    from obskit.ascode.promql_tree import nodes

    for node, _ in nodes(tree):
        if type(node).__name__ == "AggregateExpr" and node.modifier is not None:
            yield node.modifier


def _parts(tree: Any) -> tuple[_Part, ...]:
    return tuple(tuple(f"{how.name} {_shape(part, how)}" for how in _Matchers) for part in _alternatives(tree))


def _bare(node: Any) -> Any:
    """Return what parentheses enclose: the tree says what belongs together."""
    import promql_parser

    while isinstance(node, promql_parser.ParenExpr):
        node = node.expr
    return node


def _alternatives(node: Any) -> Iterator[Any]:
    node = _bare(node)
    if str(getattr(node, "op", "")) == "or":
        yield from _alternatives(node.lhs)
        yield from _alternatives(node.rhs)
    else:
        yield node


def _shape(node: Any, how: _Matchers) -> str:
    """Return what a query computes, as text that is the same for all that compute it."""
    import promql_parser as promql

    node = _bare(node)
    shape = repr(getattr(node, "val", ""))
    if isinstance(node, promql.VectorSelector):
        shape = _selected(node, how)
    elif isinstance(node, promql.MatrixSelector):
        shape = f"{_selected(node.vector_selector, how)}[]"
    elif isinstance(node, promql.SubqueryExpr):
        shape = f"{_shape(node.expr, how)}[:] {node.offset or ''}"
    elif isinstance(node, promql.Call):
        shape = f"{node.func.name}({', '.join(_shape(arg, how) for arg in node.args)})"
    elif isinstance(node, promql.AggregateExpr):
        param = "" if node.param is None else f"{_shape(node.param, how)}, "
        shape = f"{node.op}({param}{_shape(node.expr, how)})"
    elif isinstance(node, promql.BinaryExpr):
        as_bool = " bool" if node.modifier and node.modifier.return_bool else ""
        shape = f"({_shape(node.lhs, how)} {node.op}{as_bool} {_shape(node.rhs, how)})"
    elif isinstance(node, promql.UnaryExpr):
        shape = f"-{_shape(node.expr, how)}"
    return shape


def _selected(selector: Any, how: _Matchers) -> str:
    """Return a selector's metric and what it is told by."""
    telling = set()
    for matcher in selector.matchers.matchers:
        chosen = _CHOSEN in matcher.value or matcher.value in (NOT_TRAFFIC, ".+") or matcher.name == "__name__"
        if not chosen and not (how is _Matchers.BY_QUESTION and matcher.name in _WHOM):
            telling.add(f"{matcher.name if how is _Matchers.NAMED else ''} {matcher.op} {matcher.value}")
    return f"{_metric(selector)}{sorted(telling)} {selector.offset or ''}"


def _metric(selector: Any) -> str:
    named = (m.value for m in selector.matchers.matchers if m.name == "__name__")
    return selector.name or next(named, "")


def _metrics(node: Any) -> Iterator[str]:
    """Yield the names of the metrics that a query selects."""
    import promql_parser

    if isinstance(node, promql_parser.VectorSelector):
        yield _metric(node)
    for below in ("vector_selector", "expr", "param", "lhs", "rhs"):
        if (inner := getattr(node, below, None)) is not None:
            yield from _metrics(inner)
    for argument in getattr(node, "args", ()):
        yield from _metrics(argument)


def _logql(text: str) -> str:
    """Return a LogQL query without its environment: selectors, groupings, ranges, white space."""
    chosen = _GRAFANA_VARIABLE.sub(_CHOSEN, text)
    bare = _LOGQL_ENVIRONMENT.sub("", _LOGQL_SELECTOR.sub("{}", chosen))
    return re.sub(r"\s+", "", bare)
