"""Prometheus' own chain, from the targets that it finds to the Alertmanagers that it tells.

Where it breaks nobody is told, so these signals are for alerts and the daily round; no triage weighs them.
"""

from functools import partial

from obskit.catalogue._watchers import asked
from obskit.model import Signal, Threshold

_signal = partial(
    Signal,
    topic="prometheus_delivery",
    scope="shared",
    entity="prometheus",
    bad="up",
    unit="count",
    combine="max",
    weighed=False,
    floor=1,
)
_asked = partial(asked, "Prometheus")

SIGNALS = (
    _signal(
        id="prometheus_watchdog",
        title="targets that are seen",
        meaning=(
            "Targets of all jobs that answer. While there is one, Prometheus scrapes, stores and evaluates:"
            " the Watchdog fires as long as that holds, and somebody outside misses it when it stops."
        ),
        bad="both",
        variants=_asked("count(up{$scope} == 1)", "up"),
    ),
    _signal(
        id="prometheus_alertmanagers",
        title="Alertmanagers known",
        meaning=(
            "Alertmanagers that Prometheus sends alerts to. At 0 alerts fire and nobody is told:"
            " look at the section alerting of its configuration, and at that section's service discovery."
        ),
        bad="down",
        combine="min",
        crit=Threshold(value=0, reason="prometheus-mixin warns below one (PrometheusNotConnectedToAlertmanagers)"),
        variants=_asked(
            "min by (instance) (prometheus_notifications_alertmanagers_discovered{$scope})",
            "prometheus_notifications_alertmanagers_discovered",
        ),
    ),
    _signal(
        id="prometheus_jobs_vanished",
        title="targets of a job that is gone",
        meaning=(
            "How many targets a job had in the last six hours that has none now, not even one that is down."
            " Without targets there is no up that could be 0: look at its service discovery, or whether it was removed."
        ),
        warn=Threshold(value=1, reason="a job without targets is not watched, and no other alert can say so"),
        variants=_asked(
            "count by (job) (last_over_time(up{$scope}[6h])) unless on (job) count by (job) (up{$scope})", "up"
        ),
    ),
    _signal(
        id="prometheus_discovery_failures",
        title="service discovery that fails",
        meaning=(
            "Refreshes of service discovery, or files of it, that could not be read. Prometheus goes on with the targets"
            " it knew: new tasks are not watched, old ones look down. Its log names address or file."
        ),
        unit="per_second",
        floor=0.005,
        warn=Threshold(value=0.001, reason="prometheus-mixin warns at any (PrometheusSDRefreshFailure)"),
        variants=_asked(
            "sum by (instance, mechanism) ("
            'rate(prometheus_sd_refresh_failures_total{component_id="",$scope}[$rate])'
            ' or label_replace(rate(prometheus_sd_file_read_errors_total{component_id="",$scope}[$rate]),'
            ' "mechanism", "file", "", ""))',
            "prometheus_sd_file_read_errors_total",
        ),
    ),
    _signal(
        id="prometheus_targets_refused",
        title="targets refused",
        meaning=(
            "Times that found targets were not taken: more than target_limit, or labels that cannot be made to a target."
            " They are in no list of what is down: Prometheus' log and its page /service-discovery name them."
        ),
        unit="per_second",
        floor=0.0005,
        warn=Threshold(value=0.00025, reason="one in an hour (1 / 3600 s) refuses targets until they change again"),
        variants=_asked(
            'sum by (instance) (rate(prometheus_target_sync_failed_total{component_id="",$scope}[$rate]))'
            " + sum by (instance)"
            ' (rate(prometheus_target_scrape_pool_exceeded_target_limit_total{component_id="",$scope}[$rate]))',
            "prometheus_target_sync_failed_total",
            "prometheus_target_scrape_pool_exceeded_target_limit_total",
        ),
    ),
    _signal(
        id="prometheus_series_growth_ratio",
        title="series in memory, of what they were a day ago",
        meaning=(
            "Compares with the same hour of yesterday. Well above 1 without new services, a label has got many values:"
            " memory follows until the task is killed. Its page /tsdb-status lists the largest."
        ),
        unit="ratio",
        floor=0.25,
        warn=Threshold(
            value=1.5, reason="half as much again needs half as much memory again: more than tasks have spare"
        ),
        variants=_asked(
            "max by (instance) (prometheus_tsdb_head_series{$scope})"
            " / (max by (instance) (prometheus_tsdb_head_series{$scope} offset 1d) > 0)",
            "prometheus_tsdb_head_series",
        ),
    ),
)
