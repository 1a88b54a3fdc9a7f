"""No query costs more than a dashboard may.

What it looks for, with ``--prometheus URL``: a query over an hour that reads more than 10
million samples, a fifth of what Prometheus itself allows (``query.max-samples``, 50 million),
or that returns more than 500 series, more than anyone can tell apart.

Why: everybody opens the dashboard at the same moment, the bad one. A query that takes the
server's memory then takes the alerts down with it.

How to mend it: aggregate, select by job, take ``topk``, or record it by a rule.
"""

from __future__ import annotations

from collections.abc import Iterable

from obskit.ascode.check import Case
from obskit.ascode.check._live import missing, of_panels, sent
from obskit.ascode.checking import server
from obskit.ascode.definition import Problem

MOST_SAMPLES = 10_000_000
MOST_SERIES = 500


def problems(case: Case) -> Iterable[Problem]:
    """Yield each query that costs too much."""
    prometheus = server(case.prometheus)
    names = prometheus.metric_names()
    found = [(d, q, sent(q, d)) for d, q, root in of_panels(case) if not missing(root, names)]
    answers = prometheus.run(text for _, _, text in found)
    for definition, query, text in found:
        ran = answers[text]
        if ran.samples > MOST_SAMPLES:
            yield definition.problem(
                f"it reads {ran.samples} samples over an hour, more than {MOST_SAMPLES}",
                query=query,
                hint="aggregate, or record it by a rule",
            )
        if ran.series > MOST_SERIES:
            yield definition.problem(
                f"it returns {ran.series} series, more than {MOST_SERIES}", query=query, hint="aggregate, or take topk"
            )
