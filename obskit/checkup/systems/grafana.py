"""Grafana: does it answer, do its data sources, and which of its own alerts fire."""

from obskit.checkup.probes import grafana
from obskit.checkup.words import Probe, System

SYSTEM = System(
    name="grafana",
    title="Grafana",
    topics=("grafana",),
    tell=("grafana_up", "grafana_request_error_ratio"),
    probes=(
        Probe(source="Grafana", title="alerts firing", ask=grafana.alerts),
        Probe(source="Grafana", title="health of data sources", ask=grafana.data_sources),
    ),
)
