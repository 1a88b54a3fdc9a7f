"""A diagnosis as JSON, for machines; the keys are described in ``schema.json``."""

from __future__ import annotations

import math
from datetime import datetime

import orjson

from obskit.escape import clean
from obskit.incident.dashboard_link import dashboard_path
from obskit.model import Claim, Diagnosis, Finding, Hypothesis, LogTemplate, Suspect, stamp

#: Raised when a key goes away or changes its meaning; new keys do not raise it.
SCHEMA_VERSION = 1


def render(diagnosis: Diagnosis) -> str:
    """Return the diagnosis as indented JSON with a newline at its end.

    The same diagnosis gives the same bytes. Times are UTC with a ``Z``, levels are in base
    units with six significant digits, probabilities have four decimals, "no value" is null.
    """
    return orjson.dumps(document(diagnosis), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


def document(diagnosis: Diagnosis) -> dict[str, object]:
    """Return the diagnosis as plain values, as ``schema.json`` describes them."""
    window = diagnosis.window
    return {
        "schema_version": SCHEMA_VERSION,
        "service": _text(diagnosis.service),
        "cluster": _text(diagnosis.cluster),
        "window": {
            "start": stamp(window.start),
            "end": stamp(window.end),
            "step_seconds": _number(window.step.total_seconds()),
        },
        "verdict": diagnosis.verdict,
        "summary": _text(diagnosis.summary),
        "onset": _time(diagnosis.onset),
        "hypotheses": [_hypothesis(hypothesis) for hypothesis in diagnosis.hypotheses],
        "unknown_probability": _share(diagnosis.unknown_probability),
        "culprit": {name: _text(getattr(diagnosis.culprit, name)) for name in ("service", "task", "series")},
        "suspects": [_suspect(suspect) for suspect in diagnosis.suspects],
        "clean": [_text(words) for words in diagnosis.clean],
        "not_judged": [{"cause": _text(cause), "reason": _text(why)} for cause, why in diagnosis.not_judged],
        "gaps": [
            {"source": _text(g.source), "query": _text(g.query), "reason": _text(g.reason), "partial": g.partial}
            for g in diagnosis.gaps
        ],
        "timeline": [_finding(finding) for finding in diagnosis.timeline],
        "abnormal_series": [_finding(finding) for finding in diagnosis.abnormal_series],
        "log_templates": [_template(template) for template in diagnosis.log_templates],
        "next_query": {name: _text(getattr(diagnosis.next_query, name)) for name in ("words", "language", "query")},
        "dashboard": dashboard_path(diagnosis),
        "facts": {_text(name): _text(diagnosis.facts[name]) for name in sorted(diagnosis.facts)},
        "elapsed_seconds": _number(diagnosis.elapsed_seconds),
    }


def _hypothesis(hypothesis: Hypothesis) -> dict[str, object]:
    judgement = hypothesis.judgement
    return {
        "cause": _text(hypothesis.cause),
        "title": _text(hypothesis.title),
        "probability": _share(hypothesis.probability),
        "service": _text(judgement.service),
        "task": _text(judgement.task),
        "onset": _time(judgement.onset),
        "reason": _text(judgement.reason),
        "for": [_claim(claim) for claim in judgement.claims_for],
        "against": [_claim(claim) for claim in judgement.claims_against],
        "not_seen": [_text(words) for words in judgement.not_seen],
        "brings_about": [_text(name) for name in hypothesis.brings_about],
        "explained_by": _text(hypothesis.explained_by),
        "independent": hypothesis.independent,
        "next_steps": [{"words": _text(s.words), "command": _text(s.command)} for s in hypothesis.next_steps],
        "runbook": _text(hypothesis.runbook),
    }


def _claim(claim: Claim) -> dict[str, object]:
    return {
        "words": _text(claim.words),
        "weight": _number(claim.weight),
        "pillar": claim.pillar,
        "query": _text(claim.query),
        "at": _time(claim.at),
    }


def _suspect(suspect: Suspect) -> dict[str, object]:
    return {
        "service": _text(suspect.service),
        "task": _text(suspect.task),
        "score": _number(suspect.score),
        "series": _text(suspect.series),
        "onset": _time(suspect.onset),
        "contributions": [
            {
                "part": contribution.part,
                "evidence": _number(contribution.evidence),
                "words": _text(contribution.words),
                "series": _text(contribution.series),
                "query": _text(contribution.query),
                "onset": _time(contribution.onset),
            }
            for contribution in suspect.contributions
        ],
    }


def _finding(finding: Finding) -> dict[str, object]:
    return {
        "kind": _text(finding.kind),
        "pillar": finding.pillar,
        "subject": _text(finding.subject),
        "service": _text(finding.service),
        "task": _text(finding.task),
        "labels": {_text(name): _text(value) for name, value in finding.labels},
        "onset": _time(finding.onset),
        "until": _time(finding.until),
        "words": _text(finding.words),
        "before": _number(finding.before),
        "after": _number(finding.after),
        "peak": _number(finding.peak),
        "unit": finding.unit,
        "count": finding.count,
        "score": _number(finding.score),
        "example": _text(finding.example),
        "query": _text(finding.query),
    }


def _template(template: LogTemplate) -> dict[str, object]:
    return {
        "id": _text(template.id),
        "template": _text(template.template),
        "service": _text(template.service),
        "level": _text(template.level),
        "change": _text(template.change),
        "before_per_minute": _number(template.before),
        "after_per_minute": _number(template.after),
        "count": template.count,
        "signature": _text(template.signature),
        "example": _text(template.example),
        "onset": _time(template.onset),
    }


def _text(text: str) -> str:
    """Return text that is safe to print; line breaks stay, a command may need them."""
    return clean(text, lines=True)


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else stamp(moment)


def _share(share: float) -> float | None:
    return round(float(share), 4) if math.isfinite(share) else None


def _number(value: float) -> float | None:
    """Return six significant digits: enough for a person, the same on every machine."""
    return float(f"{value:.6g}") if math.isfinite(value) else None
