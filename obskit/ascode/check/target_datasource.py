"""A query is written in the language of the source that it is sent to.

What it looks for: a target whose data source is of another type than its panel's, where the panel
is not of mixed sources.

Why: Grafana sends the query to the panel's source, whatever the target says. PromQL sent to Loki is
an error in the corner of a panel; a LogQL text that happens to be PromQL too is an empty one.

How to mend it: give panel and targets the same source, or make the panel's ``-- Mixed --``.
"""

from __future__ import annotations

from collections.abc import Iterable

from obskit.ascode.check import Case
from obskit.ascode.check._panels import MIXED, source_of, targets
from obskit.ascode.definition import Problem


def problems(case: Case) -> Iterable[Problem]:
    """Yield each target of another type than its panel."""
    for definition in case.definitions:
        for panel in definition.panels:
            kind, uid = source_of(panel)
            for target in targets(panel):
                own = source_of(target)[0]
                if uid != MIXED and kind and own and own != kind:
                    yield definition.problem(
                        f"query {target.get('refId') or '?'} is for {own}, and the panel asks {kind}", panel=panel
                    )
