"""What all faces of a diagnosis say in the same words."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import zip_longest
from types import MappingProxyType

from obskit.escape import clean
from obskit.incident.units import humanize, percent
from obskit.model import Claim, Contribution, Diagnosis, Finding, Hypothesis, LogTemplate, Part, Suspect

VERDICTS = {
    "cause_found": "CAUSE FOUND",
    "possible": "POSSIBLE CAUSE",
    "no_clear_cause": "NO CLEAR CAUSE",
    "calm": "CALM",
}

#: The steps on which weights are given (see `obskit.model.Claim`), from the top.
_STRENGTHS = ((4.0, "verdict"), (2.5, "strong"), (1.2, "telling"), (0.0, "hint"))


#: What makes a service suspect, for a person.
PARTS: Mapping[Part, str] = MappingProxyType(
    {
        "resources": "own resources",
        "latency": "latency",
        "errors": "errors",
        "other": "other series",
        "withheld": "requests held back",
        "waits": "waiting between log lines",
        "logs": "log lines",
        "change": "change",
        "path": "along the calls",
    }
)
#: Suspects that are shown: the first, but for those with less than this share of the first's score.
_SUSPECTS, _LEAST_SUSPECT = 3, 0.1
#: Contributions below this share of their suspect's score are told together.
_LEAST_CONTRIBUTION = 0.05
#: What a score is, for a heading's side.
SCORES = "scores in nats: how far it moved, not how likely it is"

#: Kinds of findings that count stopped tasks, from the one that says why.
_STOPS = ("task_stop", "permissions", "crash_loop")

#: Words of ids that are abbreviations.
_ABBREVIATIONS = frozenset({"alb", "cpu", "db", "dns", "ecs", "elb", "gc", "http", "io", "tls"})


def clock(moment: datetime | None) -> str:
    """Return the time of day, ``03:12:04Z``, or "" for None."""
    return "" if moment is None else moment.astimezone(UTC).strftime("%H:%M:%SZ")


def duration(span: timedelta) -> str:
    """Return ``45 s``, ``12 min 30 s``, ``3 h 05 min`` or ``2 d 4 h``, without a sign."""
    seconds = abs(round(span.total_seconds()))
    minutes, rest = divmod(seconds, 60)
    if seconds < 60:
        return f"{seconds} s"
    if minutes < 60:
        return f"{minutes} min {rest:02d} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"


def between(start: datetime, end: datetime) -> str:
    """Return the `duration` from one moment to another, as it is from the one's `clock` to the other's."""
    return duration(_whole(end) - _whole(start))


def _whole(moment: datetime) -> datetime:
    """Return the second that is printed: what is shorter is cut off."""
    return moment.replace(microsecond=0)


def relative(moment: datetime, origin: datetime | None) -> str:
    """Return ``+02:30`` (minutes, seconds; or hours first) from the onset's `clock` to the moment's; "" without one."""
    if origin is None:
        return ""
    seconds = round((_whole(moment) - _whole(origin)).total_seconds())
    minutes, rest = divmod(abs(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{'-' if seconds < 0 else '+'}{f'{hours}:' if hours else ''}{minutes:02d}:{rest:02d}"


def strength(claim: Claim) -> str:
    """Return a claim's weight in words."""
    return next(word for least, word in _STRENGTHS if abs(claim.weight) >= least)


def readable(name: str) -> str:
    """Return an id as words: ``db_pool_exhausted`` becomes ``DB pool exhausted``."""
    if not re.fullmatch(r"[a-z0-9_]+", name):
        return clean(name)
    return " ".join(word.upper() if word in _ABBREVIATIONS else word for word in name.split("_"))


def cause(diagnosis: Diagnosis, name: str) -> str:
    """Return how a cause is called in every place of a report, by its id; its `readable` id where nobody named it."""
    return clean(diagnosis.cause_titles.get(name, "")) or readable(name)


def follows(hypothesis: Hypothesis, diagnosis: Diagnosis, *, first: str = "the first") -> str:
    """Return ``follows from the first``, or ``the reason behind the first``; "" for what nothing explains.

    What another names as its own reason takes its place there: it does not follow from it.

    Args:
        hypothesis: One of the diagnosis's.
        diagnosis: Where the other is looked for.
        first: How its first cause is called; any other has its name: ``follows from: Slow queries``.
    """
    explaining, likeliest = hypothesis.explained_by, diagnosis.hypotheses[0].cause
    named_by = {h.cause for h in diagnosis.hypotheses if h.judgement.reason_cause == hypothesis.cause}
    reason_of = next((other for other in (explaining, likeliest) if other in named_by), "")
    how, whom = ("the reason behind", reason_of) if reason_of else ("follows from", explaining)
    if not whom:
        return ""
    return f"{how} {first}" if whom == likeliest else f"{how}: {cause(diagnosis, whom)}"


def owner(finding: Finding, diagnosis: Diagnosis) -> str:
    """Return ``orders: ``, whose a finding is, to put before its words; "" where it is the asked service's own."""
    return "" if finding.service in {diagnosis.service, ""} else f"{clean(finding.service)}: "


def entity(service: str, task: str = "") -> str:
    """Return ``demo-app``, or ``demo-app task 0a1b2c3d`` where one task is meant."""
    return " task ".join(part for part in (clean(service), clean(task)[:12]) if part)


def subject(finding: Finding) -> str:
    """Return whom a finding on metrics is about: service, task and further labels."""
    labels = ", ".join(f"{clean(name)}={clean(value)}" for name, value in finding.labels)
    return " ".join(part for part in (entity(finding.service, finding.task), labels) if part)


def named(hypothesis: Hypothesis) -> str:
    """Return the title, with the reason behind it where one is known."""
    reason = clean(hypothesis.judgement.reason)
    return clean(hypothesis.title) + (f" ({reason})" if reason else "")


def headline(diagnosis: Diagnosis) -> str:
    """Return the verdict in one line, without markup."""
    word = VERDICTS[diagnosis.verdict]
    if diagnosis.verdict == "calm":
        return f"{word}: nothing abnormal in {clean(diagnosis.service)}"
    if not diagnosis.hypotheses:
        return f"{word}: {clean(diagnosis.service)}"
    first = diagnosis.hypotheses[0]
    likeliest = "likeliest is " if diagnosis.verdict == "no_clear_cause" else ""
    return f"{word}: {likeliest}{named(first)}, {percent(first.probability)}"


def culprit(diagnosis: Diagnosis) -> str:
    """Return who is to blame in a few words, or ""."""
    who = entity(diagnosis.culprit.service, diagnosis.culprit.task)
    series = clean(diagnosis.culprit.series)
    return f"{who} (most abnormal: {series})" if who and series else who or series


def suspects(diagnosis: Diagnosis) -> list[Suspect]:
    """Return the suspects worth a person's time: the first few, without those far behind the first."""
    shown = diagnosis.suspects[:_SUSPECTS]
    return [s for s in shown if s.score >= _LEAST_SUSPECT * shown[0].score]


def contributions(suspect: Suspect, limit: int) -> tuple[list[Contribution], float]:
    """Return what makes it suspect, the largest first, and the evidence that is left out.

    Args:
        suspect: Whose contributions are told.
        limit: Most that are told.
    """
    told = [c for c in suspect.contributions[:limit] if c.evidence >= _LEAST_CONTRIBUTION * suspect.score]
    return told, suspect.score - sum(c.evidence for c in told)


def contribution(found: Contribution) -> str:
    """Return ``errors, from 03:01:00Z: share of failed requests 0.1 % -> 3.3 %``."""
    since = f", from {clock(found.onset)}" if found.onset else ""
    return f"{PARTS[found.part]}{since}: {clean(found.words)}"


def evidence(nats: float) -> str:
    """Return ``+2.9``: one decimal, in nats; what rounds to zero is ``+<0.1``."""
    return f"+{nats:.1f}" if nats >= 0.05 else "+<0.1"


def began(diagnosis: Diagnosis) -> str:
    """Return when the incident began and how long it had lasted at the window's end, or ""."""
    if diagnosis.onset is None:
        return ""
    return f"{clock(diagnosis.onset)}, {between(diagnosis.onset, diagnosis.window.end)} before the window's end"


def strongest(claims: Iterable[Claim]) -> list[Claim]:
    """Return claims by the size of their weight, the largest first; ties keep their order."""
    return sorted(claims, key=lambda claim: -abs(claim.weight))


def telling(findings: Iterable[Finding], limit: int) -> list[Finding]:
    """Return the most telling findings, at most *limit*, in the order of their onsets.

    The earliest is always among them: it may be the cause. For the rest, scores compare
    within a kind only, so kinds take turns, each with its largest first.
    """
    by_onset = sorted(findings, key=lambda f: (f.onset, f.pillar, f.subject, f.task))
    kinds: dict[str, list[Finding]] = defaultdict(list)
    for finding in by_onset[1:]:
        kinds[finding.kind].append(finding)
    ranked = [sorted(group, key=lambda f: -abs(f.score)) for group in kinds.values()]
    turns = [finding for turn in zip_longest(*ranked) for finding in turn if finding is not None]
    kept = {id(finding) for finding in (by_onset[:1] + turns)[:limit]}
    return [finding for finding in by_onset if id(finding) in kept]


def told_once(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings, each kind of a stop that tells of the same tasks as another joined to that one, in its place.

    A loop counts the stops that are told by their reason as well: with the same number from the same first to the same
    last moment it is them.
    """
    told: list[Finding] = []
    places: dict[tuple[object, ...], int] = {}
    for finding in findings:
        if finding.kind not in _STOPS:
            told.append(finding)
            continue
        of_whom = (finding.service, finding.task, finding.onset, finding.until, finding.count)
        place = places.setdefault(of_whom, len(told))
        if place == len(told) or finding.kind == told[place].kind:
            told.append(finding)
        else:
            first, second = sorted((told[place], finding), key=lambda f: _STOPS.index(f.kind))
            told[place] = replace(first, words=_joined(first.words, second.words))
    return told


def _joined(first: str, second: str) -> str:
    """Return both, without the words with which the second begins as the first does."""
    words, others = first.split(), second.split()
    same = next(
        (i for i, (a, b) in enumerate(zip(words, others, strict=False)) if a != b), min(len(words), len(others))
    )
    return "; ".join(part for part in (first, " ".join(others[same:])) if part)


def rates(template: LogTemplate) -> str:
    """Return ``0.2 → 11``, lines a minute before and meanwhile; one number where both read the same."""
    return " → ".join(dict.fromkeys(humanize(rate, "") for rate in (template.before, template.after)))


def levels(finding: Finding) -> str:
    """Return ``0.18 s → 5.02 s, worst 5.31 s``, or "" where levels have no meaning."""
    if not math.isfinite(finding.after):
        return ""
    before = humanize(finding.before, finding.unit) if math.isfinite(finding.before) else "nothing"
    worst = f", worst {humanize(finding.peak, finding.unit)}" if math.isfinite(finding.peak) else ""
    return f"{before} → {humanize(finding.after, finding.unit)}{worst}"
