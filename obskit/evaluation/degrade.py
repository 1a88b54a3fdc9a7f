"""A recording as it would be had a source been down: what the engine makes of less."""

from __future__ import annotations

from dataclasses import replace

from obskit.model import Gap, Logs, Metrics, Pillar, Telemetry

#: Pillar -> the source that tells it, as gaps name it.
SOURCES: dict[Pillar, str] = {"metrics": "prometheus", "logs": "loki", "events": "ecs"}


def without(telemetry: Telemetry, *pillars: Pillar) -> Telemetry:
    """Return telemetry of which some pillars were not seen, and that says so.

    Args:
        telemetry: Stays as it is.
        pillars: What is taken away.
    """
    for pillar in pillars:
        telemetry = _without(telemetry, pillar)
    return telemetry


def _without(telemetry: Telemetry, pillar: Pillar) -> Telemetry:
    gap = Gap(source=SOURCES[pillar], query="everything", reason="taken away, as when the source is down")
    gaps = (*telemetry.gaps, gap)
    if pillar == "metrics":
        return replace(telemetry, metrics=Metrics.empty(), gaps=gaps)
    if pillar == "logs":
        return replace(telemetry, logs=Logs.empty(), gaps=gaps)
    return replace(telemetry, events=(), gaps=gaps)
