"""Who is to blame: the entity that the first cause names, and the series that changed most."""

from __future__ import annotations

from collections.abc import Sequence

from obskit.model import Culprit, Finding, Hypothesis


def culprit(hypotheses: Sequence[Hypothesis], abnormal: Sequence[Finding], *, service: str) -> Culprit:
    """Return the culprit; with no cause, the service whose series changed most.

    Args:
        hypotheses: By probability.
        abnormal: Metric findings, largest effect first.
        service: The service under investigation.
    """
    if hypotheses:
        judged = hypotheses[0].judgement
        blamed, task = judged.service, judged.task
        cited = {claim.query for claim in judged.claims_for if claim.query}
        series = next((f for f in abnormal if f.query in cited), None)
    elif abnormal:
        blamed, task = abnormal[0].service or service, abnormal[0].task
        series = None
    else:
        return Culprit()
    series = series or next((f for f in abnormal if f.service == blamed), None) or next(iter(abnormal), None)
    named = f"{series.subject}{{{series.service}{', ' + series.task[:12] if series.task else ''}}}" if series else ""
    return Culprit(service=blamed, task=task, series=named)
