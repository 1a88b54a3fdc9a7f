"""A diagnosis as Markdown, for an issue, a postmortem or a chat."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from obskit.incident.dashboard_link import dashboard_path
from obskit.incident.report import phrases as say
from obskit.incident.report.markdown import claim_line, code, escape, gap_lines, suspect_lines, template_line
from obskit.incident.units import percent
from obskit.model import Diagnosis, Hypothesis, stamp

_CAUSES = 6
_CONTRIBUTIONS = 5
_TIMELINE_LINES = 12
_LOG_TEMPLATES = 4
_STEPS = 3


def render(diagnosis: Diagnosis, *, grafana: str = "") -> str:
    """Return the report as GitHub-flavoured Markdown that plain CommonMark shows as well.

    Args:
        diagnosis: What to tell.
        grafana: Its address; "" leaves the link to the dashboard out.
    """
    sections: list[Iterable[str]] = [_verdict(diagnosis, grafana), _suspects(diagnosis)]
    if diagnosis.hypotheses:
        sections += [_ranking(diagnosis), _why(diagnosis), _steps(diagnosis.hypotheses[0])]
    sections += [_next_query(diagnosis), _timeline(diagnosis), _templates(diagnosis), _unsuspicious(diagnosis)]
    blocks = ("\n".join(lines) for lines in map(list, sections) if lines)
    return "\n\n".join(blocks) + "\n"


def _verdict(diagnosis: Diagnosis, grafana: str) -> Iterator[str]:
    yield f"## {escape(say.headline(diagnosis))}"
    yield ""
    yield escape(diagnosis.summary)
    yield ""
    where = (
        f"{escape(diagnosis.service)} in {escape(diagnosis.cluster)}"
        if diagnosis.cluster
        else escape(diagnosis.service)
    )
    yield f"- **Looked at:** {where}, {stamp(diagnosis.window.start)} to {stamp(diagnosis.window.end)}"
    if diagnosis.onset:
        yield f"- **Began:** {escape(say.began(diagnosis))}"
    if say.culprit(diagnosis):
        yield f"- **Culprit:** {escape(say.culprit(diagnosis))}"
    if grafana:
        yield f"- **Dashboard:** <{grafana}{dashboard_path(diagnosis)}>"


def _suspects(diagnosis: Diagnosis) -> Iterator[str]:
    lines = list(suspect_lines(diagnosis, _CONTRIBUTIONS))
    if lines:
        yield from ("### Suspects, by statistics", "", *lines)


def _ranking(diagnosis: Diagnosis) -> Iterator[str]:
    yield "| Probability | Cause | Culprit | Began |"
    yield "| ---: | --- | --- | --- |"
    for hypothesis in diagnosis.hypotheses[:_CAUSES]:
        judgement = hypothesis.judgement
        beside = (say.follows(hypothesis, diagnosis), "a fault of its own" * hypothesis.independent)
        cells = (
            escape(percent(hypothesis.probability)),
            escape(", ".join(filter(None, (hypothesis.title, *beside)))),
            escape(say.entity(judgement.service, judgement.task)),
            say.clock(judgement.onset),
        )
        yield f"| {' | '.join(cells)} |"
    yield f"| {escape(percent(diagnosis.unknown_probability))} | unknown | | |"


def _why(diagnosis: Diagnosis) -> Iterator[str]:
    hypothesis = diagnosis.hypotheses[0]
    yield f"### Why {escape(say.named(hypothesis))}"
    yield ""
    judgement = hypothesis.judgement
    yield from (claim_line("for", claim) for claim in say.strongest(judgement.claims_for))
    yield from (claim_line("against", claim) for claim in say.strongest(judgement.claims_against))
    yield from (f"- not seen: {escape(words)}" for words in judgement.not_seen)
    if hypothesis.brings_about:
        yield f"- brings about: {escape(', '.join(say.cause(diagnosis, name) for name in hypothesis.brings_about))}"


def _steps(hypothesis: Hypothesis) -> Iterator[str]:
    steps = hypothesis.next_steps[:_STEPS]
    if not (steps or hypothesis.runbook):
        return
    yield "### Next steps"
    yield ""
    for number, step in enumerate(steps, 1):
        yield f"{number}. {escape(step.words)}" + (f"  \n   {code(step.command)}" if step.command else "")
    if hypothesis.runbook:
        yield f"{len(steps) + 1}. Runbook: {code(hypothesis.runbook)}"


def _next_query(diagnosis: Diagnosis) -> Iterator[str]:
    query = diagnosis.next_query
    if query.words or query.query:
        language = f" ({query.language})" if query.language else ""
        yield f"**To look further{language}:** {escape(query.words)} {code(query.query)}".rstrip()


def _timeline(diagnosis: Diagnosis) -> Iterator[str]:
    shown = say.telling(say.told_once(diagnosis.timeline), _TIMELINE_LINES)
    if not shown:
        return
    yield "### Timeline"
    yield ""
    for finding in shown:
        after = say.relative(finding.onset, diagnosis.onset)
        words = escape(say.owner(finding, diagnosis) + finding.words)
        yield f"- {say.clock(finding.onset)} {f'({after}) ' * bool(after)}{finding.pillar}: {words}"


def _templates(diagnosis: Diagnosis) -> Iterator[str]:
    if not diagnosis.log_templates:
        return
    yield "### Log lines"
    yield ""
    yield from (template_line(template) for template in diagnosis.log_templates[:_LOG_TEMPLATES])


def _unsuspicious(diagnosis: Diagnosis) -> Iterator[str]:
    if diagnosis.clean:
        yield f"**Looked for and not found:** {escape(', '.join(map(say.readable, diagnosis.clean)))}"
        yield ""
    for cause, why in diagnosis.not_judged:
        yield f"- **not judged:** {escape(say.cause(diagnosis, cause))}: {escape(why)}"
    yield from gap_lines(diagnosis)
    if diagnosis.not_judged or diagnosis.gaps:
        yield ""
    yield f"Investigated in {diagnosis.elapsed_seconds:.1f} s."
