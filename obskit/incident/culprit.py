"""Who is to blame: what the first cause names; where none fits, whom the statistics suspect most."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from obskit.incident.blame.scene import Ranking
from obskit.model import Culprit, Finding, Hypothesis, Judgement, Metrics, Series, Suspect, Window


def culprit(
    hypotheses: Sequence[Hypothesis],
    abnormal: Sequence[Finding],
    *,
    service: str,
    suspects: Sequence[Suspect] = (),
    resolution: timedelta = timedelta(0),
) -> Culprit:
    """Return the culprit; with no cause, the first suspect, or the service whose series changed most.

    Beside whom a cause names stands a series of its own: one that the cause cites, or the first that did not change
    before the cause began; none where there is no such series.

    Args:
        hypotheses: By probability; empty when no cause fits.
        abnormal: Metric findings, most telling first.
        service: The service under investigation.
        suspects: Of the statistics, most suspect first; asked when there is no hypothesis.
        resolution: How exactly the order of two onsets can be told.
    """
    task = ""
    if hypotheses:
        judged = hypotheses[0].judgement
        blamed, task = judged.service, judged.task
        series = _own(judged, abnormal, asked=blamed == service, resolution=resolution)
    elif suspects and suspects[0].score > 0:
        blamed, task = suspects[0].service, suspects[0].task
        series = next((f for f in abnormal if f.service == blamed and (not task or f.task in (task, ""))), None)
        if series is None:
            return Culprit(service=blamed, task=task, series=suspects[0].series)
    elif abnormal:
        series = abnormal[0]
        blamed, task = series.service or service, series.task
    else:
        return Culprit()
    named = f"{series.subject}{{{series.service}{', ' + series.task[:12] if series.task else ''}}}" if series else ""
    return Culprit(service=blamed, task=task, series=named)


def _own(judged: Judgement, abnormal: Sequence[Finding], *, asked: bool, resolution: timedelta) -> Finding | None:
    """Return the change that is told of whom a judgement blames: never one of somebody else, nor of a sibling task.

    Args:
        judged: Names service and task.
        abnormal: Metric findings, most telling first.
        asked: Whether that service is the one under investigation, whose series need not name it.
        resolution: How exactly the order of two onsets can be told.
    """
    names = (judged.service, "") if asked else (judged.service,)
    cited = {claim.query for claim in judged.claims_for if claim.query}
    own = [f for f in abnormal if f.service in names and (not judged.task or f.task in (judged.task, ""))]
    own.sort(key=lambda f: (f.query not in cited, bool(judged.task) and f.task != judged.task))
    began = judged.onset - resolution if judged.onset else None
    return next((f for f in own if f.query in cited or began is None or f.onset >= began), None)


def callees(series: Sequence[Series], peers: Collection[str]) -> list[tuple[str, str]]:
    """Return (caller, callee) of the columns about calls.

    Args:
        series: Of any signals; those about calls begin with ``client_``.
        peers: Labels that name the callee.
    """
    calls = [s for s in series if s.signal.startswith("client_")]
    return [(s.service, callee) for s in calls for label, callee in s.labels if label in peers]


def noticed_within(window: Window, onset: datetime | None) -> datetime:
    """Return when the incident was noticed: its onset, but never outside of the window that is investigated.

    An onset of triage is the earliest of many, and what a calm baseline does by chance may be among them.

    Args:
        window: Of the investigation.
        onset: When triage says that it began; None where it cannot say.
    """
    return min(max(onset or window.start, window.start), window.end)


def in_order(findings: Sequence[Finding], metrics: Metrics, ranking: Ranking) -> tuple[Finding, ...]:
    """Return metric findings in the order of the ranking's series; those of no ranked series come last.

    Args:
        findings: In the order that they keep among equals.
        metrics: The matrix that was ranked.
        ranking: Of its columns.
    """
    series = metrics.series
    places = {
        (series[i].signal, series[i].service, series[i].task, series[i].labels): place
        for place, i in reversed(list(enumerate(ranking.columns.tolist())))
    }
    last = len(series)
    return tuple(sorted(findings, key=lambda f: places.get((f.subject, f.service, f.task, f.labels), last)))
