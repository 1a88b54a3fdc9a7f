"""Ranges of LogQL are $__auto.

What it looks for: a LogQL query of a panel with a range that is not ``$__auto``. An instant query
may use ``$__range``, which is what ``$__auto`` means there. Hidden queries are left alone.

Why: a fixed range is right for one zoom only. Zoomed out, a range of five minutes at points an
hour apart leaves eleven twelfths of the lines uncounted: the burst of errors falls between two
points. Zoomed in, neighbouring points count the same lines again and again.

How to mend it: write ``[$__auto]``.

This is the rule target-logql-auto-rule of Grafana's dashboard-linter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from obskit.ascode.check import Case
from obskit.ascode.check._panels import targets
from obskit.ascode.check._texts import spans
from obskit.ascode.definition import Definition, Problem, Query
from obskit.ascode.promql_tree import reference

_AUTO = re.compile(reference("__auto"))
_RANGE = re.compile(reference("__range"))


def problems(case: Case) -> Iterable[Problem]:
    """Yield each range of LogQL that does not follow the zoom."""
    for definition in case.definitions:
        for query in definition.queries:
            if query.role == "panel" and query.language == "LogQL":
                yield from _of(definition, query)


def _of(definition: Definition, query: Query) -> Iterator[Problem]:
    target = next((t for t in targets(query.owner) if str(t.get("refId") or "") == query.ref), {})
    if target.get("hide"):
        return
    for start, end in spans(query.text, "[", "]"):
        written = query.text[start:end].strip()
        instant = target.get("queryType") == "instant" and _RANGE.fullmatch(written)
        if not _AUTO.fullmatch(written) and not instant:
            yield definition.problem(
                f"the range [{written}] does not follow the zoom", query=query, column=start, hint="write [$__auto]"
            )
