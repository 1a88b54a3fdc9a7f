"""A legend names labels that the query can give.

What it looks for: ``{{label}}`` in the legend of a PromQL query whose outermost aggregation, or
matching of two sides, drops that label; a warning. Labels are read from the query's syntax tree.

Why: Grafana leaves the place empty. Of twelve lines each is called "errors of", and which task
it is that fails stands nowhere.

How to mend it: add the label to ``by (…)``, or take it out of the legend.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from obskit.ascode.check import Case
from obskit.ascode.check._panels import targets
from obskit.ascode.definition import Problem
from obskit.ascode.promql_labels import labels_given
from obskit.ascode.promql_tree import asked

_LABEL = re.compile(r"\{\{\s*([A-Za-z_]\w*)\s*\}\}")


def problems(case: Case) -> Iterable[Problem]:
    """Yield each label of a legend that its query has dropped."""
    for definition in case.definitions:
        for query, root in asked(definition):
            given = labels_given(root)
            target = next((t for t in targets(query.owner) if t.get("expr") == query.text), query.owner)
            legend = str(target.get("legendFormat") or target.get("titleFormat") or "")
            for label in dict.fromkeys(_LABEL.findall(legend)):
                if not given.may_have(label):
                    yield definition.problem(
                        f"the legend names {{{{{label}}}}}, and the query drops that label",
                        query=query,
                        severity="warning",
                        hint=f"add {label} to by (…), or take it out of the legend",
                    )
