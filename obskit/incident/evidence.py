"""`Evidence`: all findings on one timeline, and the questions that causes ask of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

from obskit.incident.units import humanize
from obskit.model import (
    LOG_VOLUME,
    Claim,
    Event,
    Finding,
    Gap,
    Judgement,
    Metrics,
    Signal,
    Window,
    nanoseconds,
)

#: Weights of claims in nats of log-odds: how much likelier the observation is if the cause holds.
HINT, TELLING, STRONG, VERDICT = 0.7, 1.5, 3.0, 4.5
#: Share of its weight that a line keeps which only a service beside this one wrote.
HEARSAY = 0.25
#: Kinds of metric findings that say "it got worse"; ``high`` says "it is bad, and was before".
CHANGES = ("shift", "spike", "ramp", "appeared", "lost")
#: What users feel of a service itself.
FELT = ("http_latency_p95", "http_latency_mean", "http_error_ratio")
#: What began so long after users suffered is not what they suffer from: longer than any source is late with its answer
#: (CloudWatch's metrics are the latest, with up to three minutes) and than a detector's doubt about a slow onset.
_TOO_LATE = timedelta(minutes=5)
#: Event classes of stops that end a task against everybody's wish.
ABNORMAL_STOPS = ("out_of_memory", "crash", "health_check_failed", "clean_exit", "unknown")


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """Where a signal stood before the incident's onset and after it, in its unit.

    Attributes:
        before: Median of the calm stretch; NaN when there was none.
        after: Median since the onset.
        top: The worst tenth since the onset begins here (90th percentile; 10th where low is bad).
        peak: The worst point since the onset.
    """

    before: float
    after: float
    top: float
    peak: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evidence:
    """Everything that was found, asked about by causes.

    Attributes:
        service: The service under investigation.
        window: The analysed window.
        onset: When the incident began; None when nothing happened.
        resolution: How exactly the order of two onsets can be told.
        findings: All, ascending by onset.
        events: As the sources told them; without any nobody saw what ECS did.
        alerts: What somebody was called by: no sight of events, so not among them.
        metrics: The matrix, with a service-level column for each group of tasks.
        signals: The catalogue.
        relations: Neighbours: ``caller`` or ``dependency`` by service name.
        facts, gaps: From the telemetry.
        lines: Number of log lines that were read.
    """

    service: str
    window: Window
    onset: datetime | None
    resolution: timedelta
    findings: tuple[Finding, ...]
    events: tuple[Event, ...]
    metrics: Metrics
    signals: Mapping[str, Signal]
    relations: Mapping[str, str]
    facts: Mapping[str, str]
    gaps: tuple[Gap, ...]
    lines: int
    alerts: tuple[Event, ...] = ()
    _places: Mapping[tuple[str, str, bool], Sequence[int]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Note once which columns each (signal, service, whether of a task) has: causes ask a hundred times."""
        places: dict[tuple[str, str, bool], list[int]] = defaultdict(list)
        for i, s in enumerate(self.metrics.series):
            places[s.signal, s.service, bool(s.task)].append(i)
        object.__setattr__(self, "_places", dict(places))

    def entity(self, signal: str, service: str = "") -> str:
        """Return whose column is meant: the one asked for, a shared entity, or the service."""
        known = self.signals.get(signal)
        return service or (known.entity if known else "") or self.service

    def seen(self, signal: str, service: str = "") -> bool:
        """Say whether there is any sample of this signal."""
        columns = self._columns(signal, self.entity(signal, service))
        return bool(columns) and bool(np.isfinite(self.metrics.values[:, columns]).any())

    def worse(self, signal: str, service: str = "", *, task: bool | None = False) -> Finding | None:
        """Return the strongest finding that this signal changed in its bad direction.

        Args:
            signal: Its id.
            service: Whose; the service under investigation unless the signal is shared.
            task: False for service-level columns, True for single tasks, None for either.
        """
        found = [f for f in self.changes(signal, service, task=task) if self._is_worse(f)]
        return max(found, key=lambda f: f.score, default=None)

    def changes(self, signal: str, service: str = "", *, task: bool | None = False) -> list[Finding]:
        """Return all changes of this signal, ascending by onset."""
        entity = self.entity(signal, service)
        return [
            f
            for f in self.findings
            if f.pillar == "metrics"
            and f.subject == signal
            and f.kind in CHANGES
            and f.service == entity
            and (task is None or bool(f.task) == task)
        ]

    def _is_worse(self, finding: Finding) -> bool:
        bad = self.signals[finding.subject].bad
        if finding.kind == "lost":  # what vanished did not get worse; only of signs of life is silence bad
            return bad != "up"
        if finding.kind == "appeared" or bad == "both" or np.isnan(finding.before):
            return bad != "down"
        worst = finding.after if np.isnan(finding.peak) else finding.peak
        return bool(worst > finding.before) if bad == "up" else bool(worst < finding.before)

    def _columns(self, signal: str, entity: str, *, task: bool = False) -> Sequence[int]:
        return self._places.get((signal, entity, task), ())

    def level(self, signal: str, service: str = "", *, since: datetime | None = None) -> Level | None:
        """Return where the service-level columns of a signal stood before and after the onset.

        Several columns (mount points, callees) are taken at their worst, point by point.

        Args:
            signal: Its id.
            service: Whose; the service under investigation unless the signal is shared.
            since: Another moment than the incident's onset.
        """
        columns = self._columns(signal, self.entity(signal, service))
        if not columns:
            return None
        known = self.signals[signal]
        values = self.metrics.values[:, columns]
        has = np.isfinite(values).any(axis=1)
        if not has.any():
            return None
        low = known.bad == "down"
        worst = (np.nanmin if low else np.nanmax)(values[has], axis=1)
        times = self.metrics.times[has]
        start = np.datetime64(nanoseconds(since or self.onset or self.window.start), "ns")
        calm, troubled = worst[times < start], worst[times >= start]
        if not len(troubled):
            return None
        return Level(
            before=float(np.median(calm)) if len(calm) else float("nan"),
            after=float(np.median(troubled)),
            top=float(np.quantile(troubled, 0.1 if low else 0.9)),
            peak=float(troubled.min() if low else troubled.max()),
        )

    def task_levels(self, signal: str, service: str = "") -> dict[str, float]:
        """Return each task's median of a signal since the onset; tasks without samples are left out."""
        start = np.datetime64(nanoseconds(self.onset or self.window.start), "ns")
        rows = self.metrics.times >= start
        levels = {}
        for i in self._columns(signal, self.entity(signal, service), task=True):
            values = self.metrics.values[rows, i]
            values = values[np.isfinite(values)]
            if len(values) >= 3:
                levels[self.metrics.series[i].task] = float(np.median(values))
        return levels

    def fell_silent(self, service: str = "") -> Finding | None:
        """Return the finding that a service's log lines stopped, though it used to write; None while it writes."""
        about = service or self.service
        found = (f for f in self.findings if f.kind == "vanished" and f.subject == LOG_VOLUME)
        return next((f for f in found if f.service == about), None)

    def signatures(self, *prefixes: str, service: str = "") -> tuple[Finding, ...]:
        """Return log signatures that are new or surged, strongest first.

        Args:
            prefixes: ``cause`` or ``cause/name``.
            service: Whose logs; ``*`` for anybody's, ``~`` for its own and those of servers beside
                it (a database's), the service under investigation by default.
        """
        apart = self.neighbours() if service == "~" else ()
        found = [
            f
            for f in self.findings
            if f.kind == "signature"
            and (service in ("*", "~") or f.service == (service or self.service))
            and f.service not in apart
            and any(f.subject == p or f.subject.startswith(p + "/") for p in prefixes)
        ]
        return tuple(sorted(found, key=lambda f: -f.count))

    def happened(self, kind: str, *subjects: str, service: str = "") -> tuple[Finding, ...]:
        """Return event findings of a kind, ascending by onset; all subjects when none is given."""
        return tuple(
            f
            for f in self.findings
            if f.pillar == "events"
            and f.kind == kind
            and (not subjects or f.subject in subjects)
            and (service == "*" or f.service in ("", service or self.service))
        )

    def stops(self, *classes: str, service: str = "") -> tuple[Finding, ...]:
        """Return task stops of these classes (see ``obskit.incident.stop_reasons``)."""
        return self.happened("task_stop", *classes, service=service)

    def neighbours(self) -> frozenset[str]:
        """Return the other services: they answer requests of their own, so their logs tell of their own faults."""
        serving = {service for signal, service, _ in self._places if signal == "http_requests"}
        return frozenset({*self.relations, *serving} - {self.service})

    def dependencies(self) -> tuple[str, ...]:
        """Return the services that this one calls."""
        return tuple(name for name, relation in self.relations.items() if relation == "dependency")

    def say(self, signal: str, value: float) -> str:
        """Return a value with the signal's unit."""
        return humanize(value, self.signals[signal].unit)

    def before(self, first: datetime | None, second: datetime | None) -> bool:
        """Say whether *first* was clearly earlier: by more than the resolution."""
        return first is not None and second is not None and first + self.resolution < second


class Case:
    """Collects what speaks for and against one cause, and makes the judgement of it."""

    def __init__(self, cause: str, evidence: Evidence) -> None:
        self.cause = cause
        self.evidence = evidence
        self._for: list[Claim] = []
        self._against: list[Claim] = []
        self._unseen: list[str] = []
        self._onsets: list[datetime] = []

    @property
    def score(self) -> float:
        """The sum of all weights so far, in nats."""
        return sum(c.weight for c in (*self._for, *self._against))

    def argue(self, words: str, weight: float, finding: Finding | None = None) -> None:
        """Add a claim: for with a positive weight, against with a negative one."""
        claim = Claim(
            words=words,
            weight=weight,
            pillar=finding.pillar if finding else "",
            query=finding.query if finding else "",
            at=finding.onset if finding else None,
        )
        (self._for if weight > 0 else self._against).append(claim)
        if finding and weight > 0:
            self._onsets.append(finding.onset)

    def finding(self, finding: Finding | None, weight: float, why: str = "") -> bool:
        """Add a finding as a claim in its own words; say whether there was one."""
        if finding is None:
            return False
        words = f"{finding.words} ({why})" if why else finding.words
        self.argue(words, weight, finding)
        return True

    def logs(self, *prefixes: str, weight: float, service: str = "", most: int = 3) -> bool:
        """Add the log signatures of these prefixes: the first in full, further ones by half each.

        What a neighbour logs that this service does not call is hearsay: its fault need not be ours.
        """
        neighbours = self.evidence.neighbours() - {service, *self.evidence.dependencies()}
        found = self.evidence.signatures(*prefixes, service=service)
        found = tuple(sorted(found, key=lambda f: f.service in neighbours))[:most]
        for number, finding in enumerate(found):
            share = HEARSAY if finding.service in neighbours else 1.0
            self.argue(finding.words, share * weight / 2**number, finding)
        return bool(found)

    def doubt_if_unfelt(self, weight: float) -> None:
        """Argue against a cause that makes users wait when they were watched and felt nothing.

        Args:
            weight: In nats, positive.
        """
        watched = [signal for signal in FELT if self.evidence.seen(signal)]
        if watched and not any(self.evidence.worse(signal) for signal in watched):
            self.argue("users felt nothing: neither latency nor errors grew", -weight)

    def doubt_if_one_task(self, *prefixes: str, what: str) -> None:
        """Argue against a fault of something shared when only one of several tasks complains of it.

        Args:
            prefixes: Of the log signatures that complain.
            what: What is shared, for people.
        """
        said = self.evidence.signatures(*prefixes)
        tasks = {finding.task for finding in said}
        if len(tasks) == 1 and "" not in tasks:
            self.argue(f"only task {said[0].task[:12]} complains: its siblings reach {what}", -STRONG, said[0])

    def stops(self, *classes: str, weight: float, most: int = 2) -> bool:
        """Add task stops of these classes as claims."""
        found = self.evidence.stops(*classes)[:most]
        for number, finding in enumerate(found):
            self.argue(finding.words, weight / 2**number, finding)
        return bool(found)

    def unseen(self, signal: str, words: str = "") -> None:
        """Note a signal that would have helped, unless it was seen."""
        if signal not in self.evidence.signals:
            self._unseen.append(words or signal)
        elif not self.evidence.seen(signal):
            self._unseen.append(words or f"{self.evidence.signals[signal].title} ({signal})")

    def _doubt_if_too_late(self, began: datetime | None) -> None:
        """Argue against a cause whose own evidence begins long after its effect; a blip that was over is none."""
        if began is None:
            return
        felt = [f for signal in FELT if (f := self.evidence.worse(signal)) and (f.until is None or f.until >= began)]
        first = min((f.onset for f in felt), default=began)
        late = began - max(first, self.evidence.onset or first)
        if late > _TOO_LATE:
            self.argue(f"users suffered {late // timedelta(minutes=1)} min before any of this began", -TELLING)

    def close(
        self,
        *,
        service: str = "",
        task: str = "",
        reason: str = "",
        reason_cause: str = "",
        onset: datetime | None = None,
    ) -> Judgement | None:
        """Return the judgement, or None when nothing speaks for the cause. Arguments as in `Judgement`."""
        if not self._for:
            return None
        began = onset or min(self._onsets, default=None)
        self._doubt_if_too_late(began)
        return Judgement(
            cause=self.cause,
            claims_for=tuple(sorted(self._for, key=lambda c: -c.weight)),
            claims_against=tuple(sorted(self._against, key=lambda c: c.weight)),
            not_seen=tuple(self._unseen),
            onset=began,
            service=service or self.evidence.service,
            task=task,
            reason=reason,
            reason_cause=reason_cause,
        )
