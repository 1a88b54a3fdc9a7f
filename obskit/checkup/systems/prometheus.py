"""Prometheus: does it scrape, evaluate, notify, store and answer."""

from obskit.checkup.words import System

SYSTEM = System(
    name="prometheus",
    title="Prometheus",
    topics=("prometheus", "prometheus_delivery"),
    tell=("prometheus_targets_down", "prometheus_query_duration", "prometheus_head_series", "prometheus_storage_bytes"),
)
