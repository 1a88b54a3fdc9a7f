"""The walk from telemetry to a diagnosis. It reads as the engine's table of contents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from obskit.catalogue import PEER_LABELS, all_signals
from obskit.catalogue._kinds import forwards, kind_of
from obskit.incident.blame.explain import explain
from obskit.incident.blame.ranking import hurts, rank_suspects
from obskit.incident.blame.scene import Alert, Scene
from obskit.incident.calibration import AS_SET, Calibration, shipped
from obskit.incident.causes import Cause, all_causes
from obskit.incident.combine import with_service_columns
from obskit.incident.correlate import correlate, is_trouble
from obskit.incident.culprit import callees, culprit, in_order, noticed_within
from obskit.incident.detect import Detection, detect
from obskit.incident.events import find_ends_of_tasks, find_in_events
from obskit.incident.evidence import TELLING, Evidence
from obskit.incident.logs import LogReport, find_in_logs
from obskit.incident.placeholders import filled, names, whole
from obskit.incident.rank import Ranked, brought_about, rank
from obskit.incident.sight import blind, none_looked, watched, without_samples
from obskit.model import (
    PILLARS,
    Diagnosis,
    Finding,
    Hypothesis,
    Judgement,
    Logs,
    Metrics,
    NextQuery,
    Service,
    Step,
    Suspect,
    Telemetry,
    Verdict,
    Window,
)
from obskit.redact import redact

#: From this probability on a cause is called found; from the second on it is called possible.
FOUND, POSSIBLE = 0.6, 0.25
#: Hypotheses below this share say nothing and are left out, but for those with evidence of their own
#: that another explains: a reader who saw the CPU spike wants to be told why it is not the cause.
_LEAST = 0.005
_MOST_TIMELINE, _MOST_SERIES, _MOST_COLUMNS = 60, 15, 80
#: Signals' bad directions as numbers.
_DIRECTIONS = {"up": 1, "down": -1, "both": 0}
#: What users feel: a change here is an incident even when no cause is known.
_SYMPTOMS = (
    "http_error_ratio",
    "http_latency_p95",
    "http_latency_mean",
    "alb_target_5xx",
    "alb_elb_5xx",
    "ecs_running_tasks",
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Walk:
    """What each stage made of the telemetry, before it is told.

    Attributes:
        metrics: The matrix (T, N), with a service-level column for each group of tasks.
        detection: What changed in it, column by column.
        log_report: What the logs say: findings, and templates with their rates.
        event_findings: What ECS, deployments and alerts say.
        evidence: All findings on one timeline (``evidence.findings``), and the questions that causes ask of them.
        causes: All that obskit knows.
        judgements: By cause id; None where nothing is to be said, no entry where a gap took what the cause needs.
        ranked: The judgements for which anything speaks, likeliest first.
        lines: The log lines that were read.
    """

    metrics: Metrics
    detection: Detection
    log_report: LogReport
    event_findings: tuple[Finding, ...]
    evidence: Evidence
    causes: tuple[Cause, ...]
    judgements: Mapping[str, Judgement | None]
    ranked: tuple[Ranked, ...]
    lines: Logs

    def __repr__(self) -> str:
        seen = f"{len(self.metrics.series)} columns, {len(self.lines)} lines, {len(self.evidence.findings)} findings"
        return f"<Walk: {seen}, {len(self.judgements)} causes judged, something speaks for {len(self.ranked)}>"


def investigate(
    telemetry: Telemetry, *, service: Service, window: Window, calibration: Calibration | None = None
) -> Diagnosis:
    """Find the likeliest causes of what *service* suffered in *window*.

    Args:
        telemetry: Live or recorded; the same telemetry gives the same diagnosis.
        service, window: What is investigated; the telemetry also holds the baseline before it.
        calibration: How sure scores make; what comes with obskit unless another is given.
    """
    return diagnosis_of(walk(telemetry, service=service, window=window, calibration=calibration), service)


def ranking(telemetry: Telemetry, *, service: Service, window: Window) -> tuple[Ranked, ...]:
    """Return every cause for which anything speaks, uncalibrated, likeliest first: what a calibration is fitted to.

    Other than a diagnosis it does not leave out what is unlikely. A window in which nothing happened has none, as
    there: no probability is said of it, so that none can be learnt.
    """
    case = walk(telemetry, service=service, window=window, calibration=AS_SET)
    return () if _quiet(case.evidence, case.ranked) else case.ranked


def walk(telemetry: Telemetry, *, service: Service, window: Window, calibration: Calibration | None = None) -> Walk:
    """Go from telemetry to ranked causes, and keep what each stage made. Arguments as of `investigate`."""
    signals = all_signals()
    metrics = with_service_columns(telemetry.metrics, signals)
    detection = detect(metrics, window=window, signals=signals)
    logs = find_in_logs(telemetry.logs, window=window, service=service.name, redact=redact)
    events = find_in_events(telemetry.events, service=service.name, window=window)
    evidence = correlate(
        telemetry,
        (*detection.findings, *logs.findings, *events),
        service=service,
        window=window,
        metrics=metrics,
        metrics_onset=_onset(metrics, detection, telemetry, service, window),
        signals=signals,
    )
    causes = all_causes()
    unseen = blind(evidence)
    judged = {c.id: c.judge(evidence) for c in causes if not unseen.issuperset(c.needs)}
    ranked, _ = rank(
        [j for j in judged.values() if j is not None and j.claims_for],
        brings_about={c.id: c.brings_about for c in causes},
        resolution=evidence.resolution,
        calibration=calibration or shipped(),
    )
    return Walk(
        metrics=metrics,
        detection=detection,
        log_report=logs,
        event_findings=tuple(events),
        evidence=evidence,
        causes=causes,
        judgements=judged,
        ranked=ranked,
        lines=telemetry.logs,
    )


def _onset(
    metrics: Metrics, detection: Detection, telemetry: Telemetry, service: Service, window: Window
) -> datetime | None:
    """Return when the service, or what it stands on, began to suffer; what calls it suffers for its own reasons too."""
    callers = {k.removeprefix("relation.") for k, v in telemetry.facts.items() if v == "caller"}
    own = [i for i, s in enumerate(metrics.series) if s.service not in callers - {service.name}]
    if len(own) == len(metrics.series):
        return detection.onset
    return detect(metrics.where(own), window=window, signals=all_signals()).onset or detection.onset


def diagnosis_of(case: Walk, service: Service) -> Diagnosis:
    """Tell what a walk found.

    Args:
        case: What `walk` made.
        service: The same as it was given.
    """
    evidence, causes, ranked = case.evidence, case.causes, case.ranked
    by_id, leads_to = {c.id: c for c in causes}, {c.id: c.brings_about for c in causes}
    cluster = service.cluster or evidence.facts.get("cluster", "")
    quiet = _quiet(evidence, ranked)
    hypotheses = (
        ()
        if quiet
        else tuple(
            _hypothesis(by_id[r.judgement.cause], r, brought_about(r, ranked, leads_to), evidence, cluster)
            for r in ranked
            if r.probability >= _LEAST or (r.explained_by and r.judgement.score >= TELLING)
        )
    )
    changes = _changes(evidence)
    abnormal = changes[:_MOST_SERIES]
    verdict = _verdict(hypotheses, calm=quiet and watched(evidence, case.lines))
    scene = _scene(case) if verdict == "no_clear_cause" and not quiet else None
    suspects: tuple[Suspect, ...] = ()
    if scene:  # where no cause fits, statistics go on
        found = rank_suspects(scene)
        suspects = explain(scene, found, findings=evidence.findings, titles=_titles(evidence), redact=redact)
        abnormal = changes = in_order(changes, evidence.metrics, found)[:_MOST_SERIES]
    behind = {h.judgement.reason_cause for h in hypotheses}
    silent = [i for i, j in case.judgements.items() if (j is None or j.score <= 0) and i not in behind]
    unlooked = {c.id: none_looked(evidence, c.needs, c.told_by) for c in causes}
    return Diagnosis(
        service=service.name,
        cluster=cluster,
        window=evidence.window,
        verdict=verdict,
        summary=_summary(verdict, hypotheses, evidence, quiet=quiet),
        onset=_began(verdict, hypotheses, evidence),
        hypotheses=hypotheses,
        unknown_probability=1.0 if quiet else 1.0 - sum(h.probability for h in hypotheses),
        culprit=culprit(
            () if scene else hypotheses,
            () if quiet else changes,
            service=service.name,
            suspects=suspects,
            resolution=evidence.resolution,
        ),
        clean=tuple(by_id[i].title for i in silent if not unlooked[i]),
        not_judged=tuple((i, why) for i, why in unlooked.items() if why and (i in silent or i not in case.judgements)),
        gaps=(*evidence.gaps, *without_samples(evidence)),
        timeline=_timeline(evidence),
        abnormal_series=abnormal,
        log_templates=case.log_report.templates,
        next_query=_next_query(hypotheses, by_id, cluster),
        metrics=_drawn(evidence, hypotheses),
        facts={**evidence.facts, **{f"title.{name}": title for name, title in _titles(evidence).items()}},
        elapsed_seconds=0.0,
        suspects=suspects,
        cause_titles={c.id: c.title for c in causes},
        task_ends=find_ends_of_tasks(evidence.events, window=evidence.window),
    )


def _quiet(evidence: Evidence, ranked: Sequence[Ranked]) -> bool:
    """Say whether nothing happened: no user-visible change, no trouble in events or logs, no likely cause.

    What users feel is told by metrics alone: without them nobody can say that all is well. With them a quiet window is
    calm where it was `watched`.

    A calibration says how sure a cause is, not whether anything happened: likely is as the weights have it.
    """
    if "metrics" in blind(evidence) or any(evidence.worse(s) for s in _SYMPTOMS):
        return False
    if any(is_trouble(f) and f.service in ("", evidence.service) for f in evidence.findings):
        return False
    shares, _ = AS_SET.shares([r.score for r in ranked])
    return not shares or shares[0] < POSSIBLE


def _verdict(hypotheses: Sequence[Hypothesis], *, calm: bool) -> Verdict:
    if calm:
        return "calm"
    if not hypotheses or hypotheses[0].probability < POSSIBLE:
        return "no_clear_cause"
    standing = hypotheses[0].probability + sum(h.probability for h in hypotheses[1:] if h.independent)
    return "cause_found" if standing >= FOUND else "possible"


def _began(verdict: Verdict, hypotheses: Sequence[Hypothesis], evidence: Evidence) -> datetime | None:
    """Return when the incident began: where no change that users feel and no trouble tells, when its cause did."""
    if verdict == "calm":
        return None
    told = evidence.onset is None and verdict != "no_clear_cause"
    return hypotheses[0].judgement.onset if told else evidence.onset


def _summary(verdict: str, hypotheses: Sequence[Hypothesis], evidence: Evidence, *, quiet: bool) -> str:
    name = evidence.service
    if verdict == "calm":
        alerts = [f.subject for f in evidence.findings if f.kind == "alert"]
        though = f", though the alert {alerts[0]} fires" if alerts else ""
        return f"{name} is calm{though}: nothing changed for the worse in this window"
    if len(blind(evidence)) == len(PILLARS):
        return f"{name}: nothing could be seen, so nothing can be said"
    if verdict == "no_clear_cause" and "metrics" in blind(evidence):
        return f"{name}: no cause stands out, and without its metrics nobody can say that it is calm"
    if quiet:
        return f"{name}: nothing changed for the worse, but its requests and lines were seen too little to call it calm"
    if verdict == "no_clear_cause":
        return f"{name}: something changed, but no cause stands out"
    first = hypotheses[0]
    where = f" ({first.judgement.service})" if first.judgement.service != name else ""
    also = [h.title for h in hypotheses[1:] if h.independent]
    both = f"; beside it, a fault of its own: {also[0]}" if also else ""
    return f"{name}: {first.title}{where}{both}"


def _hypothesis(cause: Cause, ranked: Ranked, effects: tuple[str, ...], evidence: Evidence, cluster: str) -> Hypothesis:
    known = _known(ranked.judgement, evidence, cluster)
    return Hypothesis(
        cause=cause.id,
        title=cause.title,
        probability=ranked.probability,
        judgement=ranked.judgement,
        brings_about=effects,
        next_steps=tuple(
            Step(words=s.words, command=filled(s.command, known)) for s in cause.steps(ranked.judgement.reason)
        ),
        runbook=f"runbooks/causes/{cause.id}.md",
        explained_by=ranked.explained_by,
        independent=ranked.independent,
    )


def _known(judgement: Judgement, evidence: Evidence, cluster: str) -> dict[str, str]:
    """Return what the telemetry tells of the placeholders in a cause's steps."""
    tasks = (*(s.task for s in evidence.metrics.series), *(e.task for e in evidence.events))
    revisions = {e.revision for e in evidence.events if e.service == evidence.service and e.revision}
    task = whole(judgement.task, tasks)
    return names(evidence.service, cluster, judgement.service, task=task, revisions=revisions)


def _changes(evidence: Evidence) -> tuple[Finding, ...]:
    """Return what changed in metrics, the largest first."""
    found = [f for f in evidence.findings if f.pillar == "metrics" and f.kind != "high"]
    return tuple(sorted(found, key=lambda f: (-f.score, f.onset, f.subject, f.task)))


def _titles(evidence: Evidence) -> dict[str, str]:
    """Return a few words for a person by signal."""
    return {s.id: s.title for s in evidence.signals.values()}


def _scene(case: Walk) -> Scene | None:
    """Return what the statistics are asked where no cause fits; None where nothing was seen.

    The service under investigation is where the symptoms are felt: from it the calls are followed.
    """
    evidence = case.evidence
    measured = bool(evidence.metrics.series) and len(evidence.metrics.times) > 0
    if not (measured or case.log_report.records or evidence.events):
        return None
    name, series = evidence.service, evidence.metrics.series
    calls = [(name, other) if role == "dependency" else (other, name) for other, role in evidence.relations.items()]
    calls += callees(series, PEER_LABELS)
    calls += [(name, s.entity) for s in evidence.signals.values() if s.entity and evidence.seen(s.id)]
    told = next((e for e in evidence.alerts if e.service == name), None)
    kinds = [kind_of(s.signal, s.unit) for s in series]
    known = {s.id: _DIRECTIONS[s.bad] for s in evidence.signals.values()}
    return Scene(
        metrics=evidence.metrics,
        kinds=kinds,
        bad=[known.get(s.signal, hurts(kind)) for s, kind in zip(series, kinds, strict=True)],
        noticed=noticed_within(evidence.window, evidence.onset),
        calls=sorted(set(calls)),
        forwarding=[other for other in evidence.relations if forwards(other)],
        events=evidence.events,
        logs=case.log_report.records or Logs.empty(),  # grouped once
        lines=case.lines,
        alert=Alert(service=name, metric=told.code if told else "", kind=kind_of(told.code) if told else "other"),
    )


def _timeline(evidence: Evidence) -> tuple[Finding, ...]:
    """Return what is worth telling, by onset: events and signatures first, then the largest changes."""
    told = [f for f in evidence.findings if f.pillar == "events" or f.kind == "signature"]
    rest = [f for f in evidence.findings if f not in told and not f.task and f.kind != "high"]
    rest.sort(key=lambda f: -f.score)
    chosen = (told + rest)[:_MOST_TIMELINE]
    return tuple(sorted(chosen, key=lambda f: (f.onset, f.pillar, f.subject)))


def _next_query(hypotheses: Sequence[Hypothesis], by_id: dict[str, Cause], cluster: str) -> NextQuery:
    """Return the query that would tell the first two apart, when they are close."""
    if len(hypotheses) < 2:
        return NextQuery(words="")
    first, second = hypotheses[:2]
    if second.probability < 0.3 * first.probability or second.independent:
        return NextQuery(words="")
    tests = [(h, by_id[h.cause].test) for h in (first, second)]
    tests.sort(key=lambda pair: -len(pair[0].judgement.not_seen))
    for hypothesis, test in tests:
        if test is not None:
            known = names(hypothesis.judgement.service, cluster, hypothesis.judgement.service)
            return NextQuery(words=test.words, language=test.language, query=filled(test.query, known))
    return NextQuery(words="")


def _drawn(evidence: Evidence, hypotheses: Sequence[Hypothesis]) -> Metrics:
    """Return the columns that the page draws: signals that claims cite, what users feel, the largest changes."""
    cited = {c.query for h in hypotheses[:3] for c in h.judgement.claims_for if c.pillar == "metrics"}
    wanted = [s.signal for s in evidence.metrics.series if s.query in cited]
    wanted += [*_SYMPTOMS, "http_requests", *(f.subject for f in _changes(evidence)[:_MOST_SERIES])]
    order = {signal: i for i, signal in reversed(list(enumerate(dict.fromkeys(wanted))))}
    columns = [
        i
        for i, s in enumerate(evidence.metrics.series)
        if s.signal in order
        and s.service in ("", evidence.service, evidence.entity(s.signal))
        and np.isfinite(evidence.metrics.values[:, i]).any()
    ]
    columns.sort(key=lambda i: (order[evidence.metrics.series[i].signal], bool(evidence.metrics.series[i].task)))
    return evidence.metrics.where(columns[:_MOST_COLUMNS])
