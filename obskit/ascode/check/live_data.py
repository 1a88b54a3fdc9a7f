"""Each query returns data, and the server does not refuse it.

What it looks for, with ``--prometheus URL``: a query that gives no series over the last hour
with everything chosen in the dashboard's variables, although its metrics and labels are there
(``live-metrics`` and ``live-labels`` tell where they are not); and one that the server refuses:
its own version may know less than the parser.

Why: an empty panel is read as "all is well".

How to mend it: run the query by hand, a part at a time. What is rightly empty in calm times is
excluded, with that reason, in ``dashboards/checks.toml``.
"""

from __future__ import annotations

from collections.abc import Iterable

from obskit.ascode.check import Case
from obskit.ascode.check._live import missing, of_panels, sent
from obskit.ascode.checking import server
from obskit.ascode.definition import Problem


def problems(case: Case) -> Iterable[Problem]:
    """Yield each query without an answer."""
    prometheus = server(case.prometheus)
    names = prometheus.metric_names()
    found = [(d, q, sent(q, d)) for d, q, root in of_panels(case) if not missing(root, names)]
    answers = prometheus.run(text for _, _, text in found)
    for definition, query, text in found:
        if answers[text].refused:
            yield definition.problem(f"Prometheus refuses it: {answers[text].refused}", query=query)
        elif not answers[text].series:
            yield definition.problem(
                "it returns nothing over the last hour",
                query=query,
                hint="run it by hand, a part at a time; exclude it with a reason where that is right",
            )
