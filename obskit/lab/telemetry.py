"""What a lab has seen, by obskit's own sources: its Prometheus, its events, its lines."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from obskit.incident.collect import collect
from obskit.lab import state
from obskit.lab.lines import LinesSource
from obskit.lab.settings import PAYMENT, SHOP
from obskit.model import Logs, Metrics, Service, Telemetry, Window, nanoseconds
from obskit.redact import redacted
from obskit.settings import Connection
from obskit.sources import Ask, Source
from obskit.sources.events_file import EventsFileSource
from obskit.sources.prometheus import PrometheusSource

if TYPE_CHECKING:
    from obskit.lab.lab import Lab

_DEADLINE_SECONDS: Final = 60.0


def service_of(lab: Lab, name: str) -> Service:
    """Return one of the lab's services."""
    return Service(name=name, cluster=lab.settings.cluster, depends_on=(PAYMENT,) if name == SHOP else ())


def telemetry(lab: Lab, window: Window, service: str, *, since: datetime | None = None) -> Telemetry:
    """Return everything that was seen of a window and its baseline.

    Args:
        lab: One that runs.
        window: As triage would be asked.
        service: About whom.
        since: Nothing older is told; the moment at which the lab was ready where it is None. The birth of a lab
            is no deployment that an engineer would know of.

    Raises:
        SourceError: Nothing at all could be seen.
    """
    begin = since or datetime.fromtimestamp(lab.state.ready, UTC)
    sources: list[Source] = [
        PrometheusSource(Connection(url=lab.urls["prometheus"])),
        LinesSource(lab.folder / state.LINES),
        EventsFileSource([lab.folder / state.EVENTS]),
    ]
    ask = Ask(
        service=service_of(lab, service),
        window=window.with_baseline(),
        deadline=time.monotonic() + _DEADLINE_SECONDS,
    )
    found = collect(sources, ask)
    facts = {**found.facts, "ecs.task_cpu_units": str(lab.settings.cpu), "ecs.known": "true"}
    return redacted(from_then_on(replace(found, facts=facts), begin))


def from_then_on(found: Telemetry, begin: datetime) -> Telemetry:
    """Return telemetry without what is older than a moment; such samples become missing ones."""
    import numpy as np
    import pyarrow.compute as pc

    first = nanoseconds(begin)
    metrics = found.metrics
    if metrics.series:
        values = metrics.values.copy()
        values[metrics.times < np.datetime64(first, "ns")] = np.nan
        metrics = Metrics(times=metrics.times, values=values, series=metrics.series)
    table = found.logs.table
    return replace(
        found,
        metrics=metrics,
        logs=Logs(table=table.filter(pc.greater_equal(table["time_ns"], first))),
        events=tuple(event for event in found.events if event.time >= begin),
    )
