"""A diagnosis as the draft of a postmortem: what was measured, in Markdown, and room for what only people know."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime

from obskit.incident.impact import Impact, impact_of, symptoms
from obskit.incident.losses import Objective
from obskit.incident.report import phrases as say
from obskit.incident.report._impact_lines import impact_lines, lasted, told, unfelt
from obskit.incident.report.markdown import Queries, code, escape, gap_lines, suspect_lines, template_line
from obskit.incident.units import percent
from obskit.model import Claim, Diagnosis, Event, Finding, Hypothesis, Telemetry, stamp
from obskit.redact import redact

_TIMELINE_LINES = 30
_OTHERS = 6
_LOG_TEMPLATES = 6
_CONTRIBUTIONS = 5
_BLANK_ACTIONS = 3
#: What a postmortem asks people.
#: Source: Site Reliability Engineering (2016), appendix D, example postmortem: lessons learned.
_LESSONS = ("What went well", "What went wrong", "Where we got lucky")
#: As `obskit.model.Claim` weighs them.
_STRENGTHS = (
    "How much each argument counts: a **verdict** nearly decides by itself; then **strong**, **telling**, **hint**."
)


def render(
    diagnosis: Diagnosis, telemetry: Telemetry, *, recording: str = "", objective: Objective | None = None
) -> str:
    """Return the draft as GitHub-flavoured Markdown that plain CommonMark shows as well.

    Nothing in it is made up: each line says what was measured, or that it was not. The same diagnosis and telemetry
    give the same bytes.

    Args:
        diagnosis: What to tell.
        telemetry: What it was made of: the series that users' loss is counted from, and alerts among its events.
        recording: Name of the bundle; "" when it has none, or live sources were asked.
        objective: What the error budget is counted against; 99.9 % over 30 days by default.
    """
    impact, queries = impact_of(diagnosis, telemetry.metrics), Queries()
    happened = diagnosis.verdict != "calm"  # of nothing there is nothing to learn, nor to mend
    sections: list[tuple[str, Iterable[str]]] = [
        ("", _head(diagnosis, telemetry, impact, recording)),
        ("Summary", _summary(diagnosis, impact)),
        ("Impact", impact_lines(diagnosis, impact, objective or Objective(), queries)),
        ("Timeline (UTC)", _timeline(diagnosis, telemetry)),
        ("Cause", _cause(diagnosis, queries)),
        ("Suspects, by statistics", suspect_lines(diagnosis, _CONTRIBUTIONS, queries)),
        ("What else was considered", _others(diagnosis, queries)),
        ("What was seen when", _order(diagnosis, telemetry, impact)),
        ("Log lines", _log_lines(diagnosis)),
        ("Gaps", _gaps(diagnosis)),
        ("Actions", _actions() if happened else ()),
        ("Lessons", _lessons() if happened else ()),
        ("Looked for and not found", _clean(diagnosis)),  # after what people fill in: nobody needs it at once
        ("Queries", queries.lines()),  # the last: what is above has put them there
    ]
    blocks = []
    for heading, lines in sections:
        text = "\n".join(lines)
        if text:
            blocks.append(f"## {heading}\n\n{text}" if heading else text)
    return "\n\n".join(blocks) + "\n"


def _head(diagnosis: Diagnosis, telemetry: Telemetry, impact: Impact, recording: str) -> Iterator[str]:
    window = diagnosis.window
    yield f"# Postmortem of {escape(diagnosis.service)}, {window.start:%Y-%m-%d} (draft)"
    yield ""
    where = f" in cluster {escape(diagnosis.cluster)}" if diagnosis.cluster else ""
    yield f"- **Service:** {escape(diagnosis.service)}{where}"
    yield f"- **Window:** {stamp(window.start)} to {stamp(window.end)} ({say.duration(window.duration)})"
    if diagnosis.onset:
        yield f"- **Began:** {stamp(diagnosis.onset)}"
        yield f"- **Ended:** {_ended(impact)}"
        least = "" if impact.over else "at least "
        yield f"- **Lasted:** {least}{lasted(impact)}"
    yield f"- **Verdict:** {escape(say.headline(diagnosis))}"
    if say.culprit(diagnosis):
        yield f"- **Culprit:** {escape(say.culprit(diagnosis))}"
    sizes = (
        (len(telemetry.metrics.series), "series", "series"),
        (len(telemetry.logs), "log line", "log lines"),
        (len(telemetry.events), "event", "events"),
        (len(telemetry.gaps), "gap", "gaps"),
    )
    held = ", ".join(f"{number:,} {one if number == 1 else many}" for number, one, many in sizes)
    yield f"- **Recording:** {code(recording)} ({held})" if recording else f"- **Seen:** {held}"


def _ended(impact: Impact) -> str:
    if impact.over is None and not impact.felt:
        return f"not known: {unfelt(impact)}"
    if impact.over is None:
        return "not seen: it was not over at the window's end"
    return f"{stamp(impact.over)}, when the last change that users felt was over"


def _summary(diagnosis: Diagnosis, impact: Impact) -> Iterator[str]:
    summary = escape(diagnosis.summary).rstrip(".")
    yield f"{summary}.{_sure(diagnosis)}"
    if diagnosis.onset:
        length = lasted(impact)
        began = f"It began at {say.clock(diagnosis.onset)}"
        if impact.over is None and not impact.felt:
            yield f"{began}, {length} before the window's end; {unfelt(impact)}."
        else:
            until = f"was over at {say.clock(impact.over)}" if impact.over else "was not over at the window's end"
            yield f"{began} and {until}, {length} later."
    suffered = told(diagnosis, impact)
    if suffered:
        yield ""
        yield suffered


def _sure(diagnosis: Diagnosis) -> str:
    if not diagnosis.hypotheses:
        return ""
    share = escape(percent(diagnosis.hypotheses[0].probability))
    return f" Probability: {share}." if diagnosis.verdict == "cause_found" else f" Not certain: probability {share}."


def _timeline(diagnosis: Diagnosis, telemetry: Telemetry) -> Iterator[str]:
    changes = [f for f in say.told_once(diagnosis.timeline) if f.kind != "alert"]  # told below, each by itself
    findings = say.telling(changes, _TIMELINE_LINES)
    rows: list[tuple[datetime, int, str, str, str]]
    rows = [(f.onset, 1, f.pillar, say.entity(f.service, f.task), f.words + _over(f)) for f in findings]
    rows += [(e.time, 0, "alert", say.entity(e.service, e.task), _alert(e)) for e in _alerts(telemetry)]
    if diagnosis.onset:
        rows.append((diagnosis.onset, 2, "obskit", diagnosis.service, "the incident begins"))
    if not rows:
        yield "Nothing was seen to change in this window."
        return
    rows.sort(key=lambda row: row[:2])
    left_out = len(changes) - len(findings)
    yield "| Time | Since onset | Seen in | Whom | What |"
    yield "| --- | ---: | --- | --- | --- |"
    for at, _, pillar, whom, what in rows:
        since = say.relative(at, diagnosis.onset)
        yield f"| {_moment(at, diagnosis)} | {since} | {pillar} | {escape(whom)} | {escape(what)} |"
    if left_out:
        yield ""
        yield f"{left_out} smaller changes are left out."


def _over(finding: Finding) -> str:
    """Return when a change was over; events tell a moment each."""
    until = say.clock(finding.until)
    return f" (until {until})" if finding.pillar != "events" and until not in ("", say.clock(finding.onset)) else ""


def _alerts(telemetry: Telemetry) -> list[Event]:
    return sorted((e for e in telemetry.events if e.kind == "alert"), key=lambda e: e.time)


def _alert(event: Event) -> str:
    # once more: telemetry that was never recorded, nor asked for by obskit, comes here as it is
    return ": ".join(redact(part) for part in (event.code, event.message) if part) or "an alert"


def _moment(at: datetime, diagnosis: Diagnosis) -> str:
    """Return the time of day, with its date where that is not the window's."""
    return say.clock(at) if stamp(at)[:10] == stamp(diagnosis.window.start)[:10] else stamp(at)


def _cause(diagnosis: Diagnosis, queries: Queries) -> Iterator[str]:
    if not diagnosis.hypotheses:
        calm = diagnosis.verdict == "calm"
        yield "None: the window is calm." if calm else "No cause that obskit knows fits what was seen."
        return
    first = diagnosis.hypotheses[0]
    judgement = first.judgement
    likeliest = "" if diagnosis.verdict == "cause_found" else "It is not certain: this is the likeliest."
    yield f"**{escape(say.named(first))}**, probability {escape(percent(first.probability))}. {likeliest}".rstrip()
    yield ""
    who = say.entity(judgement.service, judgement.task)
    since = f", since {say.clock(judgement.onset)}" if judgement.onset else ""
    yield f"- **where:** {escape(who)}{since}" if who else f"- **where:** not known{since}"
    if first.brings_about:
        yield f"- **brings about:** {escape(', '.join(say.cause(diagnosis, name) for name in first.brings_about))}"
    if first.runbook:
        yield f"- **runbook:** {code(first.runbook)}"
    yield ""
    yield _STRENGTHS
    yield from _evidence("for", judgement.claims_for, queries)
    yield from _evidence("against", judgement.claims_against, queries)
    if judgement.not_seen:
        yield ""
        yield "### Would have helped, and was not seen"
        yield ""
        yield from (f"- {escape(words)}" for words in judgement.not_seen)


def _evidence(side: str, claims: Iterable[Claim], queries: Queries) -> Iterator[str]:
    yield ""
    yield f"### What speaks {side} it"
    yield ""
    lines = [_claim(claim, queries) for claim in say.strongest(claims)]
    yield from lines or [f"- nothing was found that speaks {side} it"]


def _claim(claim: Claim, queries: Queries) -> str:
    when = f", {say.clock(claim.at)}" if claim.at else ""
    return f"- **{say.strength(claim)}**{when}: {escape(claim.words)}{queries.cited(claim.query)}"


def _others(diagnosis: Diagnosis, queries: Queries) -> Iterator[str]:
    others = diagnosis.hypotheses[1:_OTHERS]
    if others:
        yield "| Probability | Cause | Whom | What speaks for it | Why it is less likely |"
        yield "| ---: | --- | --- | --- | --- |"
        yield from (_other(hypothesis, diagnosis) for hypothesis in others)
    if diagnosis.hypotheses:
        if others:
            yield ""
        yield f"Unknown causes have the remaining {escape(percent(diagnosis.unknown_probability))}."
    query = diagnosis.next_query
    if query.words or query.query:
        if diagnosis.hypotheses:
            yield ""
        yield f"What would tell the first two apart: {escape(query.words)}{queries.cited(query.query)}"


def _other(hypothesis: Hypothesis, diagnosis: Diagnosis) -> str:
    judgement = hypothesis.judgement
    best = say.strongest(judgement.claims_for)[:1]
    cells = (
        percent(hypothesis.probability),
        say.named(hypothesis),
        say.entity(judgement.service, judgement.task),
        "; ".join(claim.words for claim in best),
        _less_likely(hypothesis, diagnosis),
    )
    return f"| {' | '.join(map(escape, cells))} |"


def _less_likely(hypothesis: Hypothesis, diagnosis: Diagnosis) -> str:
    """Return why another cause stands behind the first: what explains it, what speaks against it, how little for it."""
    reasons = []
    if hypothesis.independent:
        reasons.append("a fault of its own, beside the first")
    reasons += filter(None, [say.follows(hypothesis, diagnosis, first="the first cause")])
    reasons += [claim.words for claim in say.strongest(hypothesis.judgement.claims_against)[:2]]
    if not reasons:
        telling = len([c for c in hypothesis.judgement.claims_for if say.strength(c) != "hint"])
        reasons.append(f"less speaks for it: {telling or 'no'} argument{'s' * (telling != 1)} stronger than a hint")
    return "; ".join(reasons)


def _order(diagnosis: Diagnosis, telemetry: Telemetry, impact: Impact) -> Iterator[str]:
    first = diagnosis.hypotheses[:1]
    evidence = min((c.at for h in first for c in h.judgement.claims_for if c.at), default=None)
    felt = next((f.onset for f in symptoms(diagnosis)), None)
    alert = next((e.time for e in _alerts(telemetry)), None)
    moments = (
        ("Onset of the incident", diagnosis.onset),
        ("First sign of the cause", evidence),
        ("First change that users felt", felt),
        ("First alert among the events", alert),
        ("Last change that users felt was over", impact.over),
    )
    if not any(at for _, at in moments):
        return
    yield "| What | Time | After the first sign |"
    yield "| --- | --- | ---: |"
    for what, at in moments:
        when = _moment(at, diagnosis) if at else "not seen"
        yield f"| {what} | {when} | {say.relative(at, evidence) if at else ''} |"


def _log_lines(diagnosis: Diagnosis) -> Iterator[str]:
    changed = [template for template in diagnosis.log_templates if template.change != "steady"]
    yield from map(template_line, changed[:_LOG_TEMPLATES])


def _clean(diagnosis: Diagnosis) -> Iterator[str]:
    if diagnosis.clean:
        yield f"{escape(', '.join(map(say.readable, diagnosis.clean)))}."


def _gaps(diagnosis: Diagnosis) -> Iterator[str]:
    if not diagnosis.gaps and not diagnosis.not_judged:
        yield "None: all that was asked was answered."
        return
    yield from gap_lines(diagnosis)
    reasons: dict[str, list[str]] = defaultdict(list)
    for cause, why in diagnosis.not_judged:
        reasons[why].append(say.cause(diagnosis, cause))
    yield from (f"- **not judged:** {escape(', '.join(causes))}: {escape(why)}" for why, causes in reasons.items())


def _actions() -> Iterator[str]:
    yield "| Action | Prevents, notices or mends | Owner | Due |"
    yield "| --- | --- | --- | --- |"
    yield from ["| | | | |"] * _BLANK_ACTIONS


def _lessons() -> Iterator[str]:
    yield "\n\n".join(f"**{prompt}:**" for prompt in _LESSONS)
