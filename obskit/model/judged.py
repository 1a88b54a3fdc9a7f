"""What is made of it: findings, claims, judgements, the diagnosis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from obskit.model.asked import Window
from obskit.model.seen import Gap, Metrics
from obskit.model.words import Labels, Part, Pillar, Unit, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One observation that something changed.

    Attributes:
        kind: ``shift``, ``spike``, ``ramp``, ``lost``, ``appeared`` (metrics); ``signature``,
            ``new_template``, ``surge``, ``vanished`` (logs); ``task_stop``, ``crash_loop``,
            ``deployment``, ``message`` … (events).
        pillar: Which of the three it comes from.
        subject: Signal id, signature id, template or event class.
        service, task: The entity.
        onset: When it began (UTC), good to ``resolution``.
        until: When it was over, or None if it lasted to the end of the window.
        before, after, peak: Level in the calm stretch, in the troubled one, and its worst
            point; NaN where that has no meaning. In ``unit``.
        count: How many events or lines it stands for (0 for metrics).
        score: Effect size: robust standard deviations for metrics, log2 ratio of rates for logs,
            count for events. Comparable only within one kind.
        words: One line for a person, without the time.
        example: One log line or event text, redacted; "" for metrics.
        query: What to send to see it again.
        labels: What else tells a metric's column apart (mount point, called service).
    """

    kind: str
    pillar: Pillar
    subject: str
    service: str
    onset: datetime
    words: str
    task: str = ""
    until: datetime | None = None
    before: float = float("nan")
    after: float = float("nan")
    peak: float = float("nan")
    unit: Unit | Literal[""] = ""
    count: int = 0
    score: float = 0.0
    example: str = ""
    query: str = ""
    labels: Labels = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One argument for or against a cause.

    Attributes:
        words: A line that an engineer on call can check, with its number and unit.
        weight: In nats of log-odds: 0.7 a hint, 1.5 telling, 3 strong, 4.5 a verdict;
            negative when it speaks against. 0 for what was not seen.
        pillar: Where it was seen; "" for an argument about order or absence.
        query: What to send to see it again.
        at: When it began.
    """

    words: str
    weight: float
    pillar: Pillar | Literal[""] = ""
    query: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """One cause's answer.

    Attributes:
        cause: Its id.
        claims_for, claims_against: What speaks for and against it.
        not_seen: What would have helped and was not there to be seen.
        onset: When the cause began, as far as its own evidence says.
        service, task: The culprit that it names.
        reason: The cause behind it in words, where the evidence allows ("leaked").
        reason_cause: Id of the cause whose mechanism the reason names, "" where that is none of its own.
        judged: False when a gap took what it needs.
    """

    cause: str
    claims_for: tuple[Claim, ...] = ()
    claims_against: tuple[Claim, ...] = ()
    not_seen: tuple[str, ...] = ()
    onset: datetime | None = None
    service: str = ""
    task: str = ""
    reason: str = ""
    reason_cause: str = ""
    judged: bool = True

    @property
    def score(self) -> float:
        """Return the sum of all weights, in nats."""
        return sum(c.weight for c in (*self.claims_for, *self.claims_against))


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing to do next.

    Attributes:
        words: An imperative sentence.
        command: A command or query to paste, or "".
    """

    words: str
    command: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hypothesis:
    """A judged cause with its probability.

    Attributes:
        probability: 0 to 1; all hypotheses and the unknown share sum to 1.
        brings_about: Ids of other causes whose evidence was seen and that this one would explain; not its own reason,
            and of two that may bring each other about the likelier alone says so.
        explained_by: Id of the cause that brings this one about, or "".
        independent: True when it stands beside the first as a fault of its own.
        runbook: Path of its runbook, relative to the project.
    """

    cause: str
    title: str
    probability: float
    judgement: Judgement
    brings_about: tuple[str, ...] = ()
    next_steps: tuple[Step, ...] = ()
    runbook: str = ""
    explained_by: str = ""
    independent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Culprit:
    """Which entity is to blame: service, task ("" for all of them), its own most abnormal series ("" for none)."""

    service: str = ""
    task: str = ""
    series: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """What one kind of evidence adds to a suspect's score.

    Attributes:
        part: ``resources``, ``latency``, ``errors`` and ``other`` series of its own; ``withheld`` requests;
            ``waits`` between two log lines; ``logs``; ``change`` (a deployment); ``path`` (where the calls from the
            symptom lead).
        evidence: In nats, logarithms of robust deviations, weighed; above 0. Comparable with other
            contributions, and no log-odds: it says nothing of how likely anything is.
        words: One line for a person, without the time.
        series: Name of the series or text of the log template that carries it, redacted; "" where none does.
        query: What to send to see it again, or "".
        onset: When that began (UTC), None where it has no time.
    """

    part: Part
    evidence: float
    words: str
    series: str = ""
    query: str = ""
    onset: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """One service that the statistics suspect where no cause fits, and why.

    Attributes:
        service: Its name.
        task: The new task that behaves worse than its elders, or "".
        score: The sum of its contributions, in nats.
        contributions: What makes it suspect, the largest first.
        series: Name of its most telling series, or text of its most telling log template; "" where
            only its place among the calls or a deployment speaks against it.
        onset: When that series or template changed (UTC), None without one.
    """

    service: str
    score: float
    contributions: tuple[Contribution, ...]
    series: str = ""
    onset: datetime | None = None
    task: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NextQuery:
    """The cheapest question that would tell the first two causes apart."""

    words: str
    language: Literal["PromQL", "LogQL", "aws", ""] = ""
    query: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogTemplate:
    """A group of log lines that differ only in their variable parts.

    Attributes:
        id: Of the template's text: the same text has the same id in every run and on every machine.
            16 hexadecimal digits.
        template: The line with its variable parts masked.
        change: ``new``, ``surged``, ``vanished`` (also all of a service that fell silent) or ``steady``.
        before, after: Lines a minute in the calm stretch and in the troubled one.
        signature: Id of the signature that it matches, or "".
        example: One line, redacted.
        count: How many lines of the window it stands for.
        onset: When its change began, or None when it is steady.
    """

    template: str
    service: str
    level: str
    change: str
    before: float
    after: float
    count: int
    signature: str = ""
    example: str = ""
    onset: datetime | None = None
    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Diagnosis:
    """The answer: ranked causes, who is to blame, what was seen, what was not, what to do.

    Attributes:
        verdict: ``cause_found``, ``possible``, ``no_clear_cause`` or ``calm``.
        onset: When the incident began, or None when the window is calm; where nothing else tells, when the cause began.
        hypotheses: By probability, descending; empty when the window is calm.
        unknown_probability: The share that no judged cause takes.
        clean: Causes that were judged and found no evidence, in words; none that is the reason behind a hypothesis.
        not_judged: (cause id, why) where what could tell of the cause was not seen, or over too little of the window.
        timeline: All findings worth telling, by onset.
        abnormal_series: The findings on metrics with the largest effect, whether or not a
            cause uses them.
        suspects: Whom the statistics suspect where the verdict is ``no_clear_cause``, most suspect
            first; empty otherwise, and where nothing speaks against anyone.
        metrics: The series that the page draws (a subset of what was asked).
        elapsed_seconds: Wall time of the investigation.
        cause_titles: What a person reads for a cause, by its id: the same name in every place.
        task_ends: How each single task ended, also in the baseline, by time: the timeline tells of several together.

    Example:
        >>> import obskit
        >>> diagnosis = obskit.demo().diagnosis
        >>> diagnosis.verdict, diagnosis.culprit.service
        ('cause_found', 'shop-api')
        >>> sum(h.probability for h in diagnosis.hypotheses) + diagnosis.unknown_probability > 0.999
        True
    """

    service: str
    cluster: str
    window: Window
    verdict: Verdict
    summary: str
    onset: datetime | None
    hypotheses: tuple[Hypothesis, ...]
    unknown_probability: float
    culprit: Culprit
    clean: tuple[str, ...]
    not_judged: tuple[tuple[str, str], ...]
    gaps: tuple[Gap, ...]
    timeline: tuple[Finding, ...]
    abnormal_series: tuple[Finding, ...]
    log_templates: tuple[LogTemplate, ...]
    next_query: NextQuery
    metrics: Metrics
    facts: Mapping[str, str]
    elapsed_seconds: float
    suspects: tuple[Suspect, ...] = ()
    cause_titles: Mapping[str, str] = field(default_factory=dict)
    task_ends: tuple[Finding, ...] = ()

    def __repr__(self) -> str:
        from obskit.analysis.show import diagnosis_line

        return diagnosis_line(self)

    def _repr_html_(self) -> str:
        from obskit.analysis.show import diagnosis_html  # a notebook's, and nobody else's

        return diagnosis_html(self)
