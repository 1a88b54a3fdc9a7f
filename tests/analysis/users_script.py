"""A user's script, as mypy reads it: every name of the library, with exactly the type that it says.

Checked with the project's own types (`mypy --strict`); `tests/analysis/test_users_script.py` holds that no name is left
out, and runs what needs no server.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import assert_type

import pandas as pd
from matplotlib.figure import Figure

import obskit
from obskit import (
    Diagnosis,
    Incident,
    Logs,
    Metrics,
    ObskitError,
    Service,
    Signal,
    Sources,
    Telemetry,
    Window,
    build_dashboards,
    build_rules,
    connect,
    demo,
    open_bundle,
    plan_stack,
    signals,
    triage,
)
from obskit.deploy.plan import Plan
from obskit.incident.investigate import Walk
from obskit.model import Event, Gap


def recorded(folder: Path) -> float:
    """Look at a recording, and return how likely its first cause is."""
    incident = demo()
    assert_type(incident, Incident)
    assert_type(incident.service, Service)
    assert_type(incident.window, Window)
    assert_type(incident.telemetry, Telemetry)
    assert_type(incident.metrics, Metrics)
    assert_type(incident.logs, Logs)
    assert_type(incident.events, tuple[Event, ...])
    assert_type(incident.gaps, tuple[Gap, ...])
    assert_type(incident.steps, Walk)
    assert_type(incident.diagnosis, Diagnosis)
    for frame in (incident.hypotheses(), incident.evidence(), incident.timeline(), incident.templates()):
        assert_type(frame, pd.DataFrame)
    assert_type(incident.suspects(), pd.DataFrame)
    assert_type(incident.events_frame(), pd.DataFrame)
    assert_type(incident.gaps_frame(), pd.DataFrame)
    assert_type(incident.metrics.to_frame(), pd.DataFrame)
    assert_type(incident.without("logs"), Incident)
    assert_type(incident.plot(["http_latency_p95"], tasks=True), Figure)
    assert_type(incident.plot("http_latency_p95", "http_requests"), Figure)
    assert_type(incident.frame(["http_latency_p95"]), pd.DataFrame)
    assert_type(incident.metrics.where([0]).plot(window=incident.window), Figure)
    assert_type(incident.postmortem(), str)
    kept = incident.save(folder / "incident.obskit")
    assert_type(kept, Path)
    try:
        assert_type(open_bundle(str(kept)), Incident)
    except ObskitError as error:
        assert_type(error.hint, str)
    again = triage(incident.telemetry, "shop-api", incident.window)
    assert_type(again, Diagnosis)
    return float(obskit.triage(incident).hypotheses[0].probability)


def asked() -> None:
    """Ask live sources."""
    sources = connect("http://prometheus:9090", "http://loki:3100", cluster="shop", deadline=30.0)
    assert_type(sources, Sources)
    noon = datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert_type(sources.incident("demo-app", since="1h", events=["events.json"]), Incident)
    assert_type(sources.signal("http_latency_p95", "demo-app", start=noon, end="now"), Metrics)
    assert_type(sources.promql("up", timedelta(hours=1), step="1m", unit="count"), Metrics)
    assert_type(sources.logql('sum(rate({service="demo-app"}[1m]))', start="-2h", end="-1h"), Metrics)
    assert_type(sources.logs('{service="demo-app"}', "30m", limit=100), Logs)


def built() -> int:
    """Build what is watched, and return how many files that makes."""
    assert_type(signals(), Mapping[str, Signal])
    assert_type(signals("pool"), Mapping[str, Signal])
    dashboards, rules = build_dashboards(), build_rules()
    assert_type(dashboards, dict[str, str])
    assert_type(rules, dict[str, str])
    return len(dashboards) + len(rules)


def planned() -> None:
    """Plan the stack, which asks AWS."""
    assert_type(plan_stack("stack.toml", delete_data=False), Plan)
