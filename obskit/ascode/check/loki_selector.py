"""A LogQL selector asks for something in particular.

What it looks for: a stream selector all of whose matchers take the empty value too
(``{}``, ``{service=~".*"}``, ``{level!="debug"}``); a variable counts as what its "All" is.

Why: Loki refuses it: "queries require at least one regexp or equality matcher that does not have
an empty-compatible value". The log panel is an error as soon as somebody chooses "All".

How to mend it: name a label that must be there, ``job=~".+"``; set a variable's ``allValue`` to ``.+``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from obskit.ascode.check import Case
from obskit.ascode.check._texts import Matcher, selectors
from obskit.ascode.definition import Definition, Problem
from obskit.ascode.promql_tree import reference


def problems(case: Case) -> Iterable[Problem]:
    """Yield each stream selector that Loki would refuse."""
    for definition in case.definitions:
        for query in definition.queries:
            if query.language != "LogQL":
                continue
            for column, found in selectors(query.text):
                if not any(_asks(matcher, definition) for matcher in found):
                    yield definition.problem(
                        "the stream selector takes streams without any of its labels",
                        query=query,
                        column=column,
                        hint='add a matcher such as job=~".+"',
                    )


def _asks(matcher: Matcher, definition: Definition) -> bool:
    """Return whether a matcher refuses a stream without the label."""
    value = matcher.value
    for variable in definition.variables:
        # What a reader can choose is not empty; "All" is what allValue says.
        everything = variable.get("allValue") if variable.get("includeAll") else None
        text = str(everything or "x")
        value = text.join(re.split(reference(str(variable.get("name") or "")), value))
    if matcher.op not in ("=", "=~"):
        return False
    if matcher.op == "=":
        return value != ""
    try:
        return re.fullmatch(value, "") is None
    except re.error:  # RE2 knows what Python does not; whether it is valid is the check logql's to say
        return True
