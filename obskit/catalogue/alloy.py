"""Alloy: what it forwards to Loki and Prometheus, and what it drops or still holds.

Whether it is up is read from the scrape job, whose name has to say ``alloy``. What its
``prometheus.*`` components emit is told from Prometheus' own by a ``component_id``.
"""

from functools import partial

from obskit.catalogue._http import FAILING
from obskit.catalogue._watchers import MIB, answering, asked, share, up
from obskit.model import Signal, Threshold, Variant

_signal = partial(Signal, topic="alloy", scope="shared", entity="alloy", bad="up", combine="max", weighed=False)
_asked = partial(asked, "Alloy")
_JOBS = "alloy"


def _shares(done: str, lost: str) -> tuple[Variant, ...]:
    """Return the shares of spans, metric points and log records: each kind has counters of its own.

    The label ``data`` keeps the three apart where they are joined by ``or``.
    """
    return tuple(
        Variant(
            name=f"Alloy, {data}",
            query=(
                f"min by (component_id, data) (label_replace(sum by (component_id) (rate({done}_{data}_total{{$scope}}[$rate]))"
                f" / (sum by (component_id) (rate({done}_{data}_total{{$scope}}[$rate]))"
                f" + sum by (component_id) (rate({lost}_{data}_total{{$scope}}[$rate])) > 0),"
                f' "data", "{data}", "", ""))'
            ),
            needs=(f"{done}_{data}_total", f"{lost}_{data}_total"),
        )
        for data in ("spans", "metric_points", "log_records")
    )


SIGNALS = (
    up(
        "Alloy",
        "alloy",
        jobs=_JOBS,
        meaning=(
            "0 while Prometheus cannot scrape Alloy: logs pile up in the tasks' log drivers or are lost."
            " Look at why its task stopped, or at the security group."
        ),
        reason="an Alloy that is down forwards no logs",
    ),
    answering("Alloy", "alloy", jobs=_JOBS, reason="no Alloy is left to take the tasks' logs"),
    # ------------------------------------------------------------------------ components
    _signal(
        id="alloy_config_ok",
        title="configuration loaded",
        meaning="0 when the last load was refused: the old configuration goes on, until a restart fails. Alloy's log names the line.",
        unit="ratio",
        bad="down",
        combine="min",
        floor=0.5,
        warn=Threshold(value=0, reason="the next restart of the task will not come up"),
        variants=_asked(
            "min by (instance) (alloy_config_last_load_successful{$scope})", "alloy_config_last_load_successful"
        ),
    ),
    _signal(
        id="alloy_unhealthy_components",
        title="components not healthy",
        meaning="Parts of the pipeline that do not work. Alloy's own page (port 12345) shows which, and its last error.",
        unit="count",
        combine="sum",
        floor=1,
        warn=Threshold(value=1, reason="alloy-mixin warns at any (UnhealthyComponents)"),
        variants=_asked(
            'sum by (instance) (alloy_component_controller_running_components{health_type!="healthy",$scope})'
            " or 0 * sum by (instance) (alloy_component_controller_running_components{$scope})",
            "alloy_component_controller_running_components",
        ),
    ),
    _signal(
        id="alloy_slow_evaluation_ratio",
        title="share of time in slow evaluations",
        meaning=(
            "Time spent on components that take over a minute to evaluate: changes of targets come late."
            " Alloy's own page (port 12345) shows which; give Alloy CPU, or discover fewer targets."
        ),
        unit="ratio",
        floor=0.05,
        warn=Threshold(value=0.001, reason="alloy-mixin warns at any (SlowComponentEvaluations)"),
        variants=_asked(
            "sum by (instance) (rate(alloy_component_evaluation_slow_seconds{$scope}[$rate]))"
            " or 0 * sum by (instance) (rate(alloy_component_evaluation_seconds_count{$scope}[$rate]))",
            "alloy_component_evaluation_seconds_count",
        ),
    ),
    # ------------------------------------------------------------------------------ logs
    _signal(
        id="alloy_entries_sent",
        title="log lines sent",
        meaning="Lines that Loki took. If it falls while the services are busy, they no longer reach Alloy, or Loki refuses them.",
        unit="per_second",
        bad="down",
        combine="sum",
        floor=10,
        variants=_asked(
            "sum by (instance) (rate(loki_write_sent_entries_total{$scope}[$rate]))", "loki_write_sent_entries_total"
        ),
    ),
    _signal(
        id="alloy_bytes_sent",
        title="log bytes sent",
        meaning="Compressed bytes sent to Loki. A jump is a service that logs much more than it did: the logs panel shows which.",
        unit="bytes_per_second",
        bad="both",
        combine="sum",
        floor=0.1 * MIB,
        variants=_asked(
            "sum by (instance) (rate(loki_write_sent_bytes_total{$scope}[$rate]))", "loki_write_sent_bytes_total"
        ),
    ),
    _signal(
        id="alloy_entries_dropped",
        weighed=True,
        title="log lines dropped",
        meaning=(
            "Lines given up for good, by reason: refused by Loki, too long, or retried until the end."
            " Look at the write errors here and at the lines that Loki discards."
        ),
        unit="per_second",
        combine="sum",
        floor=0.1,
        warn=Threshold(value=0.1, reason="a line every ten seconds is missing from every search"),
        variants=_asked(
            "sum by (reason) (rate(loki_write_dropped_entries_total{$scope}[$rate]))",
            "loki_write_dropped_entries_total",
        ),
    ),
    _signal(
        id="alloy_batches_retried",
        title="log batches retried",
        meaning="Batches that Loki did not take at once, by host: it is slow, gone, or limits the rate (429). Lines come late, then never.",
        unit="per_second",
        combine="sum",
        floor=0.05,
        variants=_asked(
            "sum by (host) (rate(loki_write_batch_retries_total{$scope}[$rate]))", "loki_write_batch_retries_total"
        ),
    ),
    _signal(
        id="alloy_write_error_ratio",
        title="share of log writes that fail",
        meaning=(
            "Requests to Loki that were not answered 2xx, by host. 429: a limit; 4xx: labels or credentials;"
            " 5xx or -1: Loki or the way to it."
        ),
        unit="ratio",
        floor=0.01,
        warn=FAILING,
        crit=Threshold(value=0.5, reason="retries add load faster than they get rid of it"),
        variants=_asked(
            share(
                "host",
                'loki_write_request_duration_seconds_count{status_code!~"2..",$scope}',
                "loki_write_request_duration_seconds_count{$scope}",
            ),
            "loki_write_request_duration_seconds_count",
        ),
    ),
    _signal(
        id="alloy_write_latency_p99",
        title="p99 time of a log write",
        meaning="How long Loki takes to accept a batch, by host. At remote_timeout the batch is retried: look at Loki's CPU and disk.",
        unit="seconds",
        floor=0.5,
        warn=Threshold(value=5, reason="half of the default remote_timeout (10 s), after which a write fails"),
        variants=_asked(
            "histogram_quantile(0.99, sum by (host, le)"
            " (rate(loki_write_request_duration_seconds_bucket{$scope}[$rate])))",
            "loki_write_request_duration_seconds_count",
        ),
    ),
    # --------------------------------------------------------------------------- metrics
    _signal(
        id="alloy_targets",
        title="targets that Alloy scrapes",
        meaning="How many targets a prometheus.scrape component has. If it falls without a scale-in, discovery has lost them.",
        unit="count",
        bad="down",
        combine="sum",
        floor=2,
        variants=_asked(
            "sum by (component_id) (prometheus_scrape_targets_gauge{$scope})", "prometheus_scrape_targets_gauge"
        ),
    ),
    _signal(
        id="alloy_remote_write_failed_ratio",
        title="share of Alloy's samples lost",
        meaning="Samples that the remote store refused for good: they are not sent again. Its answer stands in Alloy's log.",
        unit="ratio",
        floor=0.01,
        warn=Threshold(value=0.001, reason="these errors are not retried: one sample in a thousand is lost"),
        crit=Threshold(value=0.01, reason="prometheus-mixin pages beyond 1 % (PrometheusRemoteStorageFailures)"),
        variants=_asked(
            share(
                "component_id",
                'prometheus_remote_storage_samples_failed_total{component_id=~".+",$scope}',
                'prometheus_remote_storage_samples_total{component_id=~".+",$scope}',
            ),
            "prometheus_remote_storage_samples_total",
            "prometheus_remote_storage_samples_failed_total",
        ),
    ),
    _signal(
        id="alloy_remote_write_pending",
        title="samples that wait in Alloy",
        meaning="Samples in the queues to the remote store. If it only grows the store is slow or gone: see its answers in Alloy's log.",
        unit="count",
        combine="sum",
        floor=5000,
        variants=_asked(
            'sum by (component_id) (prometheus_remote_storage_samples_pending{component_id=~".+",$scope})',
            "prometheus_remote_storage_samples_pending",
        ),
    ),
    _signal(
        id="alloy_remote_write_lag",
        title="Alloy's remote write behind",
        meaning="How much older the newest sample sent is than the newest taken in. The store is slow or throttles: look at its answers.",
        unit="seconds",
        floor=30,
        warn=Threshold(value=60, reason="half of what prometheus-mixin pages at"),
        crit=Threshold(value=120, reason="prometheus-mixin pages beyond 120 s (PrometheusRemoteWriteBehind)"),
        variants=(
            Variant(
                name="Alloy",
                query=(
                    'max by (instance, component_id) (prometheus_remote_storage_queue_highest_timestamp_seconds{component_id=~".+",$scope})'
                    ' - min by (instance, component_id) (prometheus_remote_storage_queue_highest_sent_timestamp_seconds{component_id=~".+",$scope} > 0)'
                ),
                needs=(
                    "prometheus_remote_storage_queue_highest_timestamp_seconds",
                    "prometheus_remote_storage_queue_highest_sent_timestamp_seconds",
                ),
            ),
            Variant(
                name="Alloy on Prometheus before 3.7",
                query=(
                    'max by (instance, component_id) (prometheus_remote_storage_highest_timestamp_in_seconds{component_id=~".+",$scope})'
                    ' - min by (instance, component_id) (prometheus_remote_storage_queue_highest_sent_timestamp_seconds{component_id=~".+",$scope} > 0)'
                ),
                needs=(
                    "prometheus_remote_storage_highest_timestamp_in_seconds",
                    "prometheus_remote_storage_queue_highest_sent_timestamp_seconds",
                ),
            ),
        ),
    ),
    _signal(
        id="alloy_remote_write_first_try_ratio",
        title="share of samples taken at the first try",
        meaning=(
            "Samples that need not be sent again. The rest met a store that is slow, gone or answers 5xx or 429;"
            " its answer stands in Alloy's log."
        ),
        unit="ratio",
        bad="down",
        combine="min",
        floor=0.05,
        warn=Threshold(value=0.5, reason="half of what is sent is sent again: nothing is gained by sending it"),
        variants=_asked(
            '1 - sum by (component_id) (rate(prometheus_remote_storage_samples_retried_total{component_id=~".+",$scope}[$rate]))'
            ' / (sum by (component_id) (rate(prometheus_remote_storage_samples_total{component_id=~".+",$scope}[$rate])) > 0)',
            "prometheus_remote_storage_samples_total",
            "prometheus_remote_storage_samples_retried_total",
        ),
    ),
    # --------------------------------------------------------------------- OpenTelemetry
    _signal(
        id="alloy_otel_accepted_ratio",
        title="share of OpenTelemetry data accepted",
        meaning=(
            "What an otelcol receiver passes on of what services send. The rest is refused by the next component:"
            " its queue is full, or memory_limiter is at its limit."
        ),
        unit="ratio",
        bad="down",
        combine="min",
        floor=0.01,
        warn=Threshold(value=0.95, reason="alloy-mixin warns below 95 % (OtelcolReceiverRefused…)"),
        variants=_shares("otelcol_receiver_accepted", "otelcol_receiver_refused"),
    ),
    _signal(
        id="alloy_otel_sent_ratio",
        title="share of OpenTelemetry data sent",
        meaning=(
            "What an otelcol exporter delivers of what it gives up or delivers: the rest is lost."
            " Alloy's log holds the answer of the other side."
        ),
        unit="ratio",
        bad="down",
        combine="min",
        floor=0.01,
        warn=Threshold(value=0.95, reason="alloy-mixin warns below 95 % (OtelcolExporterFailed…)"),
        variants=_shares("otelcol_exporter_sent", "otelcol_exporter_send_failed"),
    ),
    # ------------------------------------------------------------------------ the process
    _signal(
        id="alloy_memory_bytes",
        title="memory of Alloy",
        meaning="Resident memory of the process. It follows targets, series and what waits to be sent; the task's limit kills it.",
        unit="bytes",
        floor=256 * MIB,
        variants=_asked(
            "max by (instance) (alloy_resources_process_resident_memory_bytes{$scope})",
            "alloy_resources_process_resident_memory_bytes",
        ),
    ),
)
