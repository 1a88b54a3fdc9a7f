"""Findings of all three pillars to `Evidence`: one timeline, one onset, who depends on whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import numpy as np

from obskit.incident.evidence import Evidence
from obskit.model import Finding, Metrics, Service, Signal, Telemetry, Window

#: Event findings that are trouble by themselves.
_TROUBLE = ("crash_loop", "health_check", "start_impaired", "placement_failure", "permissions")
#: Stops that somebody wanted, however roughly the process took them.
_WANTED_STOPS = ("deployment_replacement", "scale_in", "user_stopped", "maintenance", "killed_stop_timeout")
#: Order of two onsets can be told to two points of the grid, and never better than this.
_MIN_RESOLUTION = timedelta(seconds=10)


def is_trouble(finding: Finding) -> bool:
    """Say whether an event or log finding is a sign of trouble by itself."""
    if finding.kind == "task_stop":
        return finding.subject not in _WANTED_STOPS
    if finding.kind == "deployment":
        return finding.subject in ("failed", "rolled_back")
    return finding.kind in _TROUBLE or finding.kind == "signature"


def correlate(
    telemetry: Telemetry,
    findings: Sequence[Finding],
    *,
    service: Service,
    window: Window,
    metrics: Metrics,
    metrics_onset: datetime | None,
    signals: Mapping[str, Signal],
) -> Evidence:
    """Put all findings on one timeline and tell when the incident began.

    Args:
        telemetry: As it was collected.
        findings: Of metrics, logs and events.
        service, window: What is investigated.
        metrics: The matrix with service-level columns.
        metrics_onset: When the metrics say that it began.
        signals: The catalogue.
    """
    steps = np.diff(metrics.times)
    step = timedelta(seconds=float(np.median(steps) / np.timedelta64(1, "s")) if len(steps) else 15.0)
    own = [f for f in findings if f.service in ("", service.name) and is_trouble(f)]
    onsets = [f.onset for f in own if window.start <= f.onset <= window.end]
    if metrics_onset is not None:
        onsets.append(metrics_onset)
    relations = {k.removeprefix("relation."): v for k, v in telemetry.facts.items() if k.startswith("relation.")}
    relations.update(dict.fromkeys(service.depends_on, "dependency"))
    return Evidence(
        service=service.name,
        window=window,
        onset=min(onsets, default=None),
        resolution=max(2 * step, _MIN_RESOLUTION),
        findings=tuple(sorted(findings, key=lambda f: (f.onset, f.pillar, f.subject, f.service, f.task))),
        events=tuple(e for e in telemetry.events if e.kind != "alert"),
        alerts=tuple(e for e in telemetry.events if e.kind == "alert"),
        metrics=metrics,
        signals=signals,
        relations=relations,
        facts=telemetry.facts,
        gaps=telemetry.gaps,
        lines=len(telemetry.logs),
    )
