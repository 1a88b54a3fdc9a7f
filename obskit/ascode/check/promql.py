"""Every PromQL query can be read by Prometheus.

What it looks for: queries of panels, annotations and variables that promql_parser refuses, once
Grafana's variables are filled in. It knows types too: ``rate(x)`` without a range is refused. Of
a variable's query it reads what is inside: the selector of ``label_values(up{job="api"},
instance)``, the expression of ``query_result(...)``.

Why: Grafana stores any text. A panel whose query cannot be read shows a red corner to the one
who looks at it at night, and to nobody before.

How to mend it: the column is the first place at which nothing could follow that would make a
query of it. A query that came from a signal is mended in ``obskit/catalogue``. A function that
your Prometheus knows and this check does not is newer than promql-parser: update that package.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from obskit.ascode.check import Case
from obskit.ascode.check._promql_column import column_of
from obskit.ascode.definition import Definition, Problem, Query
from obskit.ascode.variables import filled

#: Functions of Grafana's query variables whose first argument is a selector, or an expression.
_LABEL_VALUES = re.compile(r"\s*label_values\(\s*(?P<inner>.+?)\s*,\s*[^,{}\"]+\)\s*", re.DOTALL)
_RESULT = re.compile(r"\s*query_result\((?P<inner>.*)\)\s*", re.DOTALL)
#: Those that ask for names only, by nothing or by a regular expression.
_NAMES = re.compile(r"\s*(?:label_values\(\s*[^,(){}]*\)|label_names\(.*\)|metrics\(.*\))\s*", re.DOTALL)


def problems(case: Case) -> Iterator[Problem]:
    """Yield one problem for each query that cannot be read."""
    for definition in case.definitions:
        for query in definition.queries:
            if query.language == "PromQL":
                yield from _of(definition, query)


def _of(definition: Definition, query: Query) -> Iterator[Problem]:
    for text, begins, is_selector in inside(query):
        whole = filled(text, definition.model, "PromQL")
        if found := wrong(whole.text, is_selector=is_selector):
            said, position = found
            column = begins + whole.original(position) + 1
            yield definition.problem(f"PromQL: {said}", query=query, column=column, hint=_hint(query))


def inside(query: Query) -> Iterator[tuple[str, int, bool]]:
    """Yield the PromQL in a query: the text, where it begins, whether it has to be a selector."""
    if query.role != "variable":
        yield query.text, 0, False
    elif found := _LABEL_VALUES.fullmatch(query.text):
        yield found["inner"], found.start("inner"), True
    elif found := _RESULT.fullmatch(query.text):
        yield found["inner"], found.start("inner"), False
    elif not _NAMES.fullmatch(query.text):
        yield query.text, 0, True


def wrong(text: str, *, is_selector: bool = False) -> tuple[str, int] | None:
    """Return what is wrong with a PromQL text, and the position, from 0; None when nothing is.

    Args:
        text: Its variables filled in.
        is_selector: It has to be a plain selector, as Prometheus asks for series by.
    """
    import promql_parser  # a Rust library; only checks need it

    try:
        tree = promql_parser.parse(text)
    except ValueError as error:
        said = " ".join(str(error).split())
        return said, column_of(text, said)
    if is_selector and type(tree).__name__ != "VectorSelector":
        return "only a selector can be asked for label values; use query_result(...) for an expression", 0
    return None


def _hint(query: Query) -> str:
    return f"mend {query.ref}'s query, or the signal that it came from" if query.role == "panel" and query.ref else ""
