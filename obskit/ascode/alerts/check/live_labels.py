"""Each label that a rule selects by is carried by its metric.

What it looks for, with ``--prometheus URL``: a matcher on a label that no series of the metric carried in
the last hour, where the matcher does not let its absence pass.

Why: the metric is there, the selector finds nothing, and the alert never comes.

How to mend it: set the label's name under ``[labels]`` of obskit.toml, or add it in the scrape
configuration.
"""

from __future__ import annotations

from collections.abc import Iterable

from obskit.ascode.alerts.check import Case
from obskit.ascode.alerts.check._live import readable
from obskit.ascode.check._live import metrics_of, missing, unlabelled
from obskit.ascode.checking import server
from obskit.ascode.definition import Problem
from obskit.ascode.promql_tree import column_of


def problems(case: Case) -> Iterable[Problem]:
    """Yield each rule that selects by a label which is not there."""
    prometheus = server(case.prometheus)
    names = prometheus.metric_names()
    found = [(one, tree) for one, tree in readable(case) if not missing(tree, names)]
    labels = dict(prometheus.labels_of(sorted({m for _, tree in found for m in metrics_of(tree) & names})))
    for one, tree in found:
        for metric, label in unlabelled(tree, names, labels):
            has = ", ".join(sorted(labels[metric] - {"__name__"})) or "none"
            yield one.problem(
                f"{metric} carries no label {label}",
                query=one.expr,
                column=column_of(one.expr, label),
                hint=f"it has {has}; see [labels] of obskit.toml",
            )
