"""What is asked: whom, when, and which signals."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from obskit.model.words import Direction, Unit, stamp


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One ECS service, and how its series and logs are told from all others.

    Attributes:
        name: As ECS calls it; also the value of its label in Prometheus and Loki.
        cluster: The ECS cluster, or "" when it was not said.
        depends_on: Names of services that it calls, as far as they are configured.

    Example:
        >>> from obskit import Service
        >>> Service(name="demo-app", cluster="prod").depends_on
        ()
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

    Example:
        >>> from datetime import UTC, datetime
        >>> from obskit import Window
        >>> window = Window(start=datetime(2026, 1, 31, 3, tzinfo=UTC), end=datetime(2026, 1, 31, 3, 30, tzinfo=UTC))
        >>> str(window)
        '2026-01-31T03:00:00Z to 2026-01-31T03:30:00Z'
        >>> str(window.with_baseline())
        '2026-01-31T02:30:00Z to 2026-01-31T03:30:00Z'
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

        Example:
            >>> import obskit
            >>> obskit.demo().window.baseline().end == obskit.demo().window.start
            True
        """
        length = min(max(self.duration, timedelta(minutes=10)), timedelta(hours=1))
        return replace(self, start=self.start - length, end=self.start)

    def with_baseline(self) -> Window:
        """Return the window together with its baseline.

        Example:
            >>> import obskit
            >>> obskit.demo().window.with_baseline().end == obskit.demo().window.end
            True
        """
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
        labels: ``(placeholder, label)`` of what this instrumentation always calls the same:
            ``status``, ``peer`` and ``route``. Read where no server can be asked.
    """

    name: str
    query: str
    needs: tuple[str, ...]
    language: Literal["PromQL", "LogQL"] = "PromQL"
    service_from: tuple[str, str] | None = None
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """A thing worth watching: the one home of its query, unit and thresholds.

    Attributes:
        id: Snake case, unique; findings, causes, panels and rules refer to it.
        topic: Name of the catalogue file.
        title: A few words for a person.
        meaning: What it tells, and what to do when it turns bad: one or two sentences,
            shown beside each panel and alert.
        unit: One of the base units.
        bad: The direction that hurts; ``both`` where either may.
        scope: ``service`` when it belongs to one ECS service; ``shared`` for databases,
            nodes and the like.
        combine: How the tasks' columns make the service's: ``sum``, ``mean``, ``max``, ``min``.
        entity: Whom a shared signal is about: ``database``, ``node``, ``cache`` …
        warn: The level from which it deserves a look; None where only change is telling.
        crit: The level from which users are hurt, or soon will be.
        floor: The smallest change that matters, in the unit: below it nothing is reported.
        variants: In order of preference; the first that the server can answer is taken.
        weighed: Whether triage asks for it. Not what says the same as another signal in another
            form (a further percentile, an objective's ratio), nor what no cause argues with:
            dashboards, rules and `check` use these.

    Example:
        >>> import obskit
        >>> signal = obskit.signals()["db_pool_used_ratio"]
        >>> signal.unit, signal.bad, signal.topic
        ('ratio', 'up', 'database_pool')
    """

    id: str
    topic: str
    title: str
    unit: Unit
    bad: Direction
    variants: tuple[Variant, ...]
    meaning: str = ""
    scope: Literal["service", "shared"] = "service"
    combine: Literal["sum", "mean", "max", "min"] = "sum"
    entity: str = ""
    warn: Threshold | None = None
    crit: Threshold | None = None
    floor: float = 0.0
    weighed: bool = True
