r"""A variable that asks Prometheus asks something that Grafana can send.

What it looks for: a query variable of a Prometheus data source that is none of ``label_names()``,
``label_values(label)``, ``label_values(selector, label)``, ``metrics(regex)``,
``query_result(query)`` and a bare series selector; or whose selector or query is no PromQL.

Why: the variable's list stays empty, without an error that anybody sees. Every panel below then
matches nothing and says "No data", which at night looks like a service that is down.

How to mend it: write one of the forms above. (The queries of panels and annotations are judged by
the checks `promql` and `logql`, which stand for the linter's target-promql and target-logql.)

This is the rule template-label-promql-rule of Grafana's dashboard-linter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from obskit.ascode.check import Case
from obskit.ascode.definition import Definition, Problem
from obskit.ascode.promql_tree import kind, parsed

_FUNCTION = re.compile(r"\s*([a-z_]+)\s*\((.*)\)\s*\Z", re.DOTALL)
_LABEL = re.compile(r"[a-zA-Z_]\w*|\$\w+|\$\{\w+(?::\w+)?\}")


def problems(case: Case) -> Iterable[Problem]:
    """Yield each variable whose query Grafana cannot use."""
    for definition in case.definitions:
        for query in definition.queries:
            if query.role == "variable" and query.language == "PromQL":
                wrong = _wrong(query.text, definition)
                if wrong:
                    yield definition.problem(
                        f"the variable {query.title!r} {wrong}",
                        query=query,
                        hint="write label_values(selector, label) or query_result(query)",
                    )


def _wrong(text: str, definition: Definition) -> str:
    """Return what is wrong with a variable's query, or ""."""
    found = _FUNCTION.match(text)
    name, inside = (found.group(1), found.group(2).strip()) if found else ("", text)
    match name:
        case "label_names":
            wrong = ""
        case "metrics":
            wrong = "" if inside else "asks metrics() of nothing"
        case "query_result":
            wrong = "" if parsed(inside, definition) is not None else "asks a query_result() that is no PromQL"
        case "label_values":
            wrong = _wrong_label_values(inside, definition)
        case "":
            wrong = "" if _selects(text, definition) else "is neither a function of Grafana nor a selector"
        case _:
            wrong = f"asks {name}(), which Grafana does not know"
    return wrong


def _wrong_label_values(inside: str, definition: Definition) -> str:
    selector, comma, label = inside.rpartition(",")
    if not _LABEL.fullmatch(label.strip()):
        return f"asks label_values() of {label.strip()!r}, which is no label"
    return "asks label_values() of what is no selector" if comma and not _selects(selector, definition) else ""


def _selects(text: str, definition: Definition) -> bool:
    return kind(parsed(text, definition)) == "VectorSelector"
