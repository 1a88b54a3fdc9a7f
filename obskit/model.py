"""The nouns of obskit. Frozen values; this module imports nothing of obskit.

Times are UTC. Arrays of times are ``datetime64[ns]``; single times are aware ``datetime``s.
Units are base units: ``seconds``, ``bytes``, ``ratio`` (0 to 1), ``per_second``, ``count``.
A NaN means "no sample"; nothing is ever filled with zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

Unit = Literal["seconds", "bytes", "ratio", "per_second", "count"]
Direction = Literal["up", "down", "both"]
Pillar = Literal["metrics", "logs", "events"]
FloatMatrix = npt.NDArray[np.float64]
TimeArray = npt.NDArray[np.datetime64]
Labels = tuple[tuple[str, str], ...]

#: The name that a database takes in findings and culprits, whatever its exporter calls it.
DATABASE = "database"


def utc(nanoseconds: int) -> datetime:
    """Return nanoseconds since the epoch as an aware datetime (microsecond resolution)."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=nanoseconds // 1000)


def nanoseconds(moment: datetime) -> int:
    """Return an aware datetime as nanoseconds since the epoch."""
    delta = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * 1_000_000_000 + delta.microseconds * 1000


def stamp(moment: datetime) -> str:
    """Return ``2026-01-31T03:12:00Z``: UTC, whole seconds, the one way obskit prints a time."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One ECS service, and how its series and logs are told from all others.

    Attributes:
        name: As ECS calls it; also the value of its label in Prometheus and Loki.
        cluster: The ECS cluster, or "" when it was not said.
        depends_on: Names of services that it calls, as far as they are configured.
    """

    name: str
    cluster: str = ""
    depends_on: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The stretch of time that an investigation looks at.

    Attributes:
        start, end: Aware UTC datetimes, start before end.
        step: Distance of two points of a series.
    """

    start: datetime
    end: datetime
    step: timedelta = timedelta(seconds=15)

    @property
    def duration(self) -> timedelta:
        """How long the window is."""
        return self.end - self.start

    def baseline(self) -> Window:
        """Return the stretch before the window: as long as it, 10 minutes to 1 hour.

        Ten minutes because a robust spread needs some forty points; no more than an hour
        because load has a daily rhythm that an hour hardly shows.
        """
        length = min(max(self.duration, timedelta(minutes=10)), timedelta(hours=1))
        return replace(self, start=self.start - length, end=self.start)

    def with_baseline(self) -> Window:
        """Return the window together with its baseline."""
        return replace(self, start=self.baseline().start)

    def __str__(self) -> str:
        return f"{stamp(self.start)} to {stamp(self.end)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """A level from which on a signal is bad, and who says so.

    Attributes:
        value: In the signal's unit.
        reason: Why this value; a source where there is one.
    """

    value: float
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """How one kind of instrumentation answers a signal.

    Attributes:
        name: The instrumentation, for example ``OpenTelemetry``.
        query: The whole query; ``$placeholders`` are filled by ``catalogue.fill``.
        needs: Metric names that must exist for it to apply (of a histogram: its ``_count``).
        language: Whom to send it to: Prometheus or Loki.
        service_from: ``(label, regular expression)`` whose first group is the service's
            name, where no label holds the name alone.
    """

    name: str
    query: str
    needs: tuple[str, ...]
    language: Literal["PromQL", "LogQL"] = "PromQL"
    service_from: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """A thing worth watching: the one home of its query, unit and thresholds.

    Attributes:
        id: Snake case, unique; findings, causes, panels and rules refer to it.
        topic: Name of the catalogue file.
        title: A few words for a person.
        unit: One of the base units.
        bad: The direction that hurts; ``both`` where either may.
        scope: ``service`` when it belongs to one ECS service; ``shared`` for databases,
            nodes and the like.
        combine: How the tasks' columns make the service's: ``sum``, ``mean``, ``max``, ``min``.
        entity: Whom a shared signal is about: ``database``, ``node``, ``cache`` …
        warn: The level from which it deserves a look; None where only change is telling.
        floor: The smallest change that matters, in the unit: below it nothing is reported.
        variants: In order of preference; the first that the server can answer is taken.
    """

    id: str
    topic: str
    title: str
    unit: Unit
    bad: Direction
    variants: tuple[Variant, ...]
    scope: Literal["service", "shared"] = "service"
    combine: Literal["sum", "mean", "max", "min"] = "sum"
    entity: str = ""
    warn: Threshold | None = None
    floor: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """What one column of a `Metrics` matrix is.

    Attributes:
        signal: Id of its signal.
        unit: The signal's unit.
        service: The service (or ``database``, ``node``) it belongs to; "" when unknown.
        task: The task, or "" when the column is about the whole service.
        labels: What else tells it apart, sorted.
        query: The exact text that was sent, so that a reader can send it again.
    """

    signal: str
    unit: Unit
    service: str = ""
    task: str = ""
    labels: Labels = ()
    query: str = ""

    @property
    def name(self) -> str:
        """Return ``signal{service, task, labels}`` for a person."""
        parts = [p for p in (self.service, self.task[:12], *(f"{k}={v}" for k, v in self.labels)) if p]
        return f"{self.signal}{{{', '.join(parts)}}}" if parts else self.signal


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Metrics:
    """Answers as one dense matrix.

    Attributes:
        times: Shape (T,), datetime64[ns], UTC, ascending, one point a step.
        values: Shape (T, N), float64; NaN where there was no sample. Nobody writes into it.
        series: Length N, one entry a column.
    """

    times: TimeArray
    values: FloatMatrix
    series: tuple[Series, ...]

    @classmethod
    def empty(cls) -> Metrics:
        """Return a matrix without points or columns."""
        return cls(times=np.empty(0, "datetime64[ns]"), values=np.empty((0, 0)), series=())

    def where(self, keep: Iterable[int]) -> Metrics:
        """Return the columns with these positions, in this order."""
        index = list(keep)
        return Metrics(times=self.times, values=self.values[:, index], series=tuple(self.series[i] for i in index))

    def to_frame(self) -> pd.DataFrame:
        """Return a DataFrame: UTC index, one column a series named as ``Series.name``."""
        import pandas as pd  # heavy, and only analysts need it

        index = pd.DatetimeIndex(self.times, tz="UTC", name="time")
        return pd.DataFrame(self.values, index=index, columns=[s.name for s in self.series])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Logs:
    """Log lines as columns, ascending in time.

    Attributes:
        table: An Arrow table with ``time_ns`` int64, ``service``, ``task``, ``level`` (lower
            case or ""), ``line`` (strings, never null) and ``weight`` float64: how many lines
            this one stands for (1 unless the source sampled).
    """

    table: pa.Table

    @classmethod
    def empty(cls) -> Logs:
        """Return a table without rows."""
        return cls.of([], [], [], [], [])

    @classmethod
    def of(
        cls,
        time_ns: Iterable[int],
        service: Iterable[str],
        task: Iterable[str],
        level: Iterable[str],
        line: Iterable[str],
        *,
        weight: Iterable[float] | None = None,
    ) -> Logs:
        """Build from columns of equal length; rows are sorted by time, ties keep their order."""
        import pyarrow as pa  # a fifth of a second: not for --help

        times = pa.array(time_ns, pa.int64())
        table = pa.table(
            {
                "time_ns": times,
                "service": pa.array(service, pa.string()),
                "task": pa.array(task, pa.string()),
                "level": pa.array(level, pa.string()),
                "line": pa.array(line, pa.string()),
                "weight": pa.array(np.ones(len(times)) if weight is None else weight, pa.float64()),
            }
        )
        order = np.argsort(times.to_numpy(zero_copy_only=False), kind="stable")
        return cls(table=table.take(pa.array(order)))

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def to_frame(self) -> pd.DataFrame:
        """Return a DataFrame with the table's columns and a UTC ``time`` index."""
        import pandas as pd

        frame = pd.DataFrame(self.table.to_pydict())
        return frame.set_index(pd.DatetimeIndex(frame["time_ns"], tz="UTC", name="time"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that ECS, a deployment or an alert said at a time.

    Attributes:
        time: When it happened (UTC).
        kind: ``task_stopped``, ``task_running``, ``service_message``, ``service_action``,
            ``deployment``, ``target_health`` or ``alert``.
        service, task: Whom it is about; "" when it is about neither.
        code: A machine's word: stopCode, eventName, target state, alert name.
        message: A person's words: stoppedReason, event text, summary.
        revision: Task definition as ``family:7``, "" when unknown.
        deployment: ``ecs-svc/...`` id, "" when unknown.
        details: Further facts, sorted by name. For stopped tasks ``container``,
            ``container_reason`` and ``exit_code`` of the container that explains the stop,
            ``cpu`` (units of 1/1024 vCPU), ``memory`` (MiB), ``zone``.
    """

    time: datetime
    kind: str
    service: str = ""
    task: str = ""
    code: str = ""
    message: str = ""
    revision: str = ""
    deployment: str = ""
    details: Labels = ()

    def detail(self, name: str) -> str:
        """Return the detail of this name, or ""."""
        return dict(self.details).get(name, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """What could not be asked, and why. A gap is never read as zero.

    Attributes:
        source: ``prometheus``, ``loki``, ``ecs``, ``cloudwatch``, …
        query: The signal id or query text, or what was wanted in words.
        reason: What the source said or did.
        partial: True when some answer came and only a part of it is missing.
    """

    source: str
    query: str
    reason: str
    partial: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Telemetry:
    """Everything that was seen of one service in one window, and what was not.

    A source answers with one of these that holds its share; `merge` puts shares together.

    Attributes:
        facts: What was found out about the environment, as JSON-like text values:
            ``scrape_interval_seconds``, ``variant.<signal>``, ``depends_on.<service>`` …
    """

    metrics: Metrics = field(default_factory=Metrics.empty)
    logs: Logs = field(default_factory=Logs.empty)
    events: tuple[Event, ...] = ()
    gaps: tuple[Gap, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)


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
        brings_about: Ids of other causes whose evidence was seen and that this one would explain.
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
    """Which entity is to blame: service, task ("" for all of them), most abnormal series."""

    service: str = ""
    task: str = ""
    series: str = ""


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
        template: The line with its variable parts masked.
        change: ``new``, ``surged``, ``vanished`` or ``steady``.
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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Diagnosis:
    """The answer: ranked causes, who is to blame, what was seen, what was not, what to do.

    Attributes:
        verdict: ``cause_found``, ``possible``, ``no_clear_cause`` or ``calm``.
        onset: When the incident began, or None when the window is calm.
        hypotheses: By probability, descending; empty when the window is calm.
        unknown_probability: The share that no judged cause takes.
        clean: Causes that were judged and found no evidence, in words.
        not_judged: (cause id, why) where a gap took what the cause needs.
        timeline: All findings worth telling, by onset.
        abnormal_series: The findings on metrics with the largest effect, whether or not a
            cause uses them.
        metrics: The series that the page draws (a subset of what was asked).
        elapsed_seconds: Wall time of the investigation.
    """

    service: str
    cluster: str
    window: Window
    verdict: Literal["cause_found", "possible", "no_clear_cause", "calm"]
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
