"""Builds the telemetry of a constructed incident: a calm service, and what one fault changes.

Constructed, not recorded: it says that a cause wins on the evidence that a textbook expects,
not that it would on a real one. Real recordings are in ``tests/scenarios``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from obskit.catalogue import all_signals
from obskit.incident.investigate import investigate
from obskit.model import (
    DATABASE,
    Diagnosis,
    Event,
    Gap,
    Labels,
    Logs,
    Metrics,
    Series,
    Service,
    Telemetry,
    Window,
    nanoseconds,
)
from obskit.sources.bundle import write_bundle

BEGIN = datetime(2026, 1, 31, 3, 0, tzinfo=UTC)
STEP = 15
POINTS = 161
WINDOW = Window(start=BEGIN + timedelta(minutes=10), end=BEGIN + timedelta(minutes=40))
#: The fault begins here: twelve minutes into the window.
ONSET = BEGIN + timedelta(minutes=22)
TASKS = ("a1b2c3d4e5f60718", "b2c3d4e5f6071829", "c3d4e5f607182930")
SERVICE = "shop"

#: (signal, entity): calm level and noise; per task unless the entity is shared.
_CALM: dict[tuple[str, str], tuple[float, float]] = {
    ("http_requests", SERVICE): (10, 0.5),
    ("http_error_ratio", SERVICE): (0.0, 0.0),
    ("http_latency_mean", SERVICE): (0.02, 0.001),
    ("http_in_flight", SERVICE): (1, 0.3),
    ("container_cpu_cores", SERVICE): (0.05, 0.003),
    ("container_memory_bytes", SERVICE): (120 * 2**20, 2**20),
    ("container_memory_ratio", SERVICE): (0.25, 0.002),
    ("process_fds_ratio", SERVICE): (0.08, 0.002),
    ("db_pool_used_ratio", SERVICE): (0.2, 0.05),
    ("task_up", SERVICE): (1, 0),
    ("ecs_running_tasks", ""): (3, 0),
    ("http_latency_p95", ""): (0.05, 0.003),
    ("alb_requests", ""): (1800, 40),
    ("log_lines", ""): (30, 1.5),
    ("pg_up", DATABASE): (1, 0),
    ("pg_connections_ratio", DATABASE): (0.2, 0.01),
    ("pg_active", DATABASE): (1, 0.3),
    ("pg_longest_transaction", DATABASE): (0.1, 0.02),
    ("pg_locks", DATABASE): (1, 0.3),
    ("pg_commits", DATABASE): (60, 2),
    ("node_cpu_ratio", "node"): (0.2, 0.01),
    ("node_disk_used_ratio", "node"): (0.4, 0.0),
    ("node_clock_offset", "node"): (0.0002, 0.0001),
}


@dataclass(slots=True)
class Scenario:
    """A calm service to which faults are added; `telemetry` is the result."""

    seed: int = 7
    columns: dict[Series, np.ndarray] = field(default_factory=dict)
    rows: list[tuple[int, str, str, str, str]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    facts: dict[str, str] = field(default_factory=lambda: {"step_seconds": str(STEP), "ecs.task_cpu_units": "512"})

    def __post_init__(self) -> None:
        rng = np.random.default_rng(self.seed)
        for (signal, entity), (level, noise) in _CALM.items():
            tasks = TASKS if entity == SERVICE else ("",)
            for task in tasks:
                service = SERVICE if entity in ("", SERVICE) else entity
                series = self._series(signal, service, task)
                self.columns[series] = np.abs(level + noise * rng.standard_normal(POINTS))
        for second in range(0, POINTS * STEP, 2):
            task = TASKS[second // 2 % 3]
            self.log(second, f"GET /products/{second} 200 {rng.integers(1, 9)}ms", level="info", task=task)

    @staticmethod
    def _series(signal: str, service: str, task: str = "", labels: Labels = ()) -> Series:
        unit = all_signals()[signal].unit
        return Series(
            signal=signal, unit=unit, service=service, task=task, labels=labels, query=f"{signal}{{{service}}}"
        )

    def becomes(
        self,
        signal: str,
        level: float,
        *,
        service: str = "",
        before: float | None = None,
        after_seconds: float = 0,
        ramp: bool = False,
        tasks: Sequence[str] = (),
        labels: Labels = (),
    ) -> Scenario:
        """Let a signal take another level from the onset on (plus *after_seconds*)."""
        entity = service or all_signals()[signal].entity or SERVICE
        start = int(((ONSET - BEGIN).total_seconds() + after_seconds) // STEP)
        found = [
            s for s in self.columns if s.signal == signal and s.service == entity and (not tasks or s.task in tasks)
        ]
        if not found:
            found = [self._series(signal, entity, labels=labels)]
            self.columns[found[0]] = np.full(POINTS, float(before or 0.0))
        rng = np.random.default_rng(self.seed + 1)
        for series in found:
            values = self.columns[series].copy()
            count = POINTS - start
            values[start:] = np.linspace(values[start - 1], level, count) if ramp else level
            values[start:] *= 1 + 0.03 * rng.standard_normal(count)
            self.columns[series] = values
        return self

    def log(
        self, second: float, line: str, *, level: str = "error", task: str = TASKS[0], service: str = SERVICE
    ) -> None:
        """Add one line, *second* seconds after the beginning of the baseline."""
        self.rows.append((nanoseconds(BEGIN + timedelta(seconds=second)), service, task, level, line))

    def logs(
        self, line: str, *, every: float = 5, level: str = "error", tasks: Sequence[str] = TASKS, service: str = SERVICE
    ) -> Scenario:
        """Repeat a line from the onset on; ``{n}`` in it is a number that changes."""
        first = (ONSET - BEGIN).total_seconds() + 5
        for n in range(int((POINTS * STEP - first) / every)):
            self.log(
                first + n * every,
                line.replace("{n}", str(1000 + n)),
                level=level,
                task=tasks[n % len(tasks)],
                service=service,
            )
        return self

    def event(self, kind: str, *, minutes: float = 0, **more: str) -> Scenario:
        """Add an event, *minutes* after the onset; ``detail_*`` keywords become details."""
        details = tuple(sorted((k.removeprefix("detail_"), v) for k, v in more.items() if k.startswith("detail_")))
        known = {k: v for k, v in more.items() if not k.startswith("detail_")}
        self.events.append(
            Event(time=ONSET + timedelta(minutes=minutes), kind=kind, **{"service": SERVICE, **known}, details=details)
        )
        return self

    def stops(self, count: int, reason: str, *, code: str = "ServiceSchedulerInitiated", **more: str) -> Scenario:
        """Add stopped tasks, one a minute."""
        for n in range(count):
            self.event(
                "task_stopped",
                minutes=1 + n,
                task=f"{n:016x}",
                code=code,
                message=reason,
                **{"revision": "shop:6", **more},
            )
        return self

    def errors(self, ratio: float = 0.4, latency: float = 2.0) -> Scenario:
        """Let users feel it: errors and latency rise."""
        self.becomes("http_error_ratio", ratio).becomes("http_latency_p95", latency)
        return self.becomes("http_latency_mean", latency / 3)

    def without(self, *pillars: str) -> Scenario:
        """Remove whole pillars, as a source that failed would."""
        if "metrics" in pillars:
            self.columns.clear()
            self.gaps.append(Gap(source="prometheus", query="everything", reason="it could not be reached"))
        if "logs" in pillars:
            self.rows.clear()
            self.gaps.append(Gap(source="loki", query="everything", reason="it could not be reached"))
        if "events" in pillars:
            self.events.clear()
            self.gaps.append(Gap(source="ecs", query="everything", reason="AccessDenied"))
        return self

    @property
    def telemetry(self) -> Telemetry:
        """Return what sources would have answered."""
        times = (np.datetime64(nanoseconds(BEGIN), "ns") + np.arange(POINTS) * np.timedelta64(STEP, "s")).astype(
            "datetime64[ns]"
        )
        metrics = Metrics.empty()
        if self.columns:
            metrics = Metrics(
                times=times, values=np.column_stack(list(self.columns.values())), series=tuple(self.columns)
            )
        columns: list[Any] = [[row[i] for row in self.rows] for i in range(5)]
        logs = Logs.of(columns[0], columns[1], columns[2], columns[3], columns[4])
        events = tuple(sorted(self.events, key=lambda e: e.time))
        return Telemetry(metrics=metrics, logs=logs, events=events, gaps=tuple(self.gaps), facts=self.facts)

    def diagnosis(self) -> Diagnosis:
        """Return what the engine says."""
        return investigate(self.telemetry, service=Service(name=SERVICE, cluster="prod"), window=WINDOW)


def causes_of(diagnosis: Diagnosis) -> list[str]:
    """Return the causes' ids, likeliest first."""
    return [h.cause for h in diagnosis.hypotheses]


Facts = Mapping[str, str]


def full_pool() -> Scenario:
    """Return an incident in which the connection pool is exhausted."""
    incident = Scenario().becomes("db_pool_used_ratio", 1.0).errors()
    return incident.logs(
        "TimeoutError: QueuePool limit of size 20 overflow 0 reached, connection timed out, timeout 5.00"
    )


def recorded(path: Path, incident: Scenario) -> Path:
    """Write an incident as a recording, whose folder is made, and return the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    service = Service(name=SERVICE, cluster="prod")
    write_bundle(path, incident.telemetry, service=service, window=WINDOW, made_by="a test")
    return path
