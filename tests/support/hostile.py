"""Text that an attacker would log, and diagnoses that carry it everywhere."""

from __future__ import annotations

from dataclasses import replace

from obskit.model import Claim, Contribution, Culprit, Diagnosis, Gap, NextQuery, Step, Suspect
from tests.support.diagnosis_example import example

HOSTILE = (
    "<script>alert(1)</script> <img src=x onerror=alert(2)> \x1b[2J\x1b]0;pwned\x07 \u202eevil\u202c "
    "`code` ``two`` | pipe | [link](https://evil.example) ![img](https://evil.example/a.png) https://evil.example "
    "@everyone #1 :bomb: *bold* _it_ {{ 7*7 }} {% raw %} \"quoted\" 'single' \\ \r\n# heading\n- item \ud800"
)


def hostile() -> Diagnosis:
    """Return the example with hostile text in every place that others can write to."""
    base = example()
    first = base.hypotheses[0]
    claim = Claim(words=HOSTILE, weight=9.0, pillar="logs", query=HOSTILE, at=base.onset)
    judgement = replace(
        first.judgement, claims_for=(claim,), claims_against=(claim,), not_seen=(HOSTILE,), reason=HOSTILE, task=HOSTILE
    )
    steps = (Step(words=HOSTILE, command=HOSTILE),)
    hypothesis = replace(
        first, title=HOSTILE, judgement=judgement, next_steps=steps, brings_about=(HOSTILE,), runbook=HOSTILE
    )
    told = Contribution(part="logs", evidence=1.0, words=HOSTILE, series=HOSTILE, query=HOSTILE, onset=base.onset)
    series = tuple(replace(s, signal=HOSTILE, task=HOSTILE, query=HOSTILE) for s in base.metrics.series)
    return replace(
        base,
        service=HOSTILE,
        cluster=HOSTILE,
        summary=HOSTILE,
        hypotheses=(hypothesis, replace(base.hypotheses[1], explained_by=HOSTILE)),
        suspects=(Suspect(service=HOSTILE, task=HOSTILE, score=2.0, contributions=(told, told), series=HOSTILE),),
        culprit=Culprit(service=HOSTILE, task=HOSTILE, series=HOSTILE),
        clean=(HOSTILE,),
        not_judged=((HOSTILE, HOSTILE),),
        gaps=(Gap(source=HOSTILE, query=HOSTILE, reason=HOSTILE),),
        timeline=tuple(
            replace(f, words=HOSTILE, example=HOSTILE, query=HOSTILE, task=HOSTILE, labels=((HOSTILE, HOSTILE),))
            for f in base.timeline
        ),
        abnormal_series=tuple(replace(f, subject=HOSTILE, labels=((HOSTILE, HOSTILE),)) for f in base.abnormal_series),
        log_templates=tuple(
            replace(t, template=HOSTILE, example=HOSTILE, service=HOSTILE, level=HOSTILE, signature=HOSTILE)
            for t in base.log_templates
        ),
        next_query=NextQuery(words=HOSTILE, language="LogQL", query=HOSTILE),
        metrics=replace(base.metrics, series=series),
        facts={HOSTILE: HOSTILE},
    )
