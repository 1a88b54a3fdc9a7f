"""Each label that a panel selects by is carried by its metric.

What it looks for, with ``--prometheus URL``: a matcher on a label that no series of the metric
carried in the last hour, where the matcher does not let its absence pass (``label=~".*"`` does).

Why: the metric is there, the selector finds nothing, and the panel is as empty as without it.
It happens when the scrape configuration names ``service`` what dashboards call ``ecs_service``.

How to mend it: set the label's name under ``[labels]`` of obskit.toml, or add it in the scrape
configuration.
"""

from __future__ import annotations

from collections.abc import Iterable

from obskit.ascode.check import Case
from obskit.ascode.check._live import metrics_of, missing, of_panels, sent, unlabelled
from obskit.ascode.checking import server
from obskit.ascode.definition import Problem
from obskit.ascode.promql_tree import column_of, parsed


def problems(case: Case) -> Iterable[Problem]:
    """Yield each query that selects by a label which is not there."""
    prometheus = server(case.prometheus)
    names = prometheus.metric_names()
    found = [(definition, query, root) for definition, query, root in of_panels(case) if not missing(root, names)]
    labels = dict(prometheus.labels_of(sorted({m for _, _, root in found for m in metrics_of(root) & names})))
    for definition, query, _ in found:
        root = parsed(sent(query, definition), definition)
        for metric, label in () if root is None else unlabelled(root, names, labels):
            yield definition.problem(
                f"{metric} carries no label {label}",
                query=query,
                column=column_of(query.text, label),
                hint=f"it has {_listed(labels[metric])}; see [labels] of obskit.toml",
            )


def _listed(labels: frozenset[str]) -> str:
    return ", ".join(sorted(labels - {"__name__"})) or "none"
