"""Loki itself: what it takes in, refuses and answers.

Whether it is up is read from the scrape job, whose name has to say ``loki``. The route
``ready`` is left out of errors: it answers 503 on purpose while Loki starts.
"""

from functools import partial

from obskit.catalogue._http import FAILING
from obskit.catalogue._watchers import ANY, MIB, answering, asked, memory, share, up
from obskit.model import Signal, Threshold

_signal = partial(Signal, topic="loki", scope="shared", entity="loki", bad="up", combine="max", weighed=False)
_asked = partial(asked, "Loki")
_JOBS = "loki([-/](all|read|write|backend))?"

SIGNALS = (
    up(
        "Loki",
        "loki",
        jobs=_JOBS,
        meaning=(
            "0 while Prometheus cannot scrape Loki: lines are refused and nobody can search."
            " Look at why its task stopped, or at the security group."
        ),
        reason="a Loki that is down takes no lines; Alloy drops them when its retries end",
    ),
    answering("Loki", "loki", jobs=_JOBS, reason="no Loki is left: lines are lost from the end of Alloy's retries on"),
    _signal(
        id="loki_requests",
        title="requests to Loki",
        meaning="Pushes and queries by route. No more pushes (loki_api_v1_push) means that nobody forwards logs: look at Alloy.",
        unit="per_second",
        bad="both",
        combine="sum",
        floor=5,
        variants=_asked(
            'sum by (route) (rate(loki_request_duration_seconds_count{route!~"metrics|ready|config",$scope}[$rate]))',
            "loki_request_duration_seconds_count",
        ),
    ),
    _signal(
        id="loki_request_error_ratio",
        title="share of Loki's requests answered 5xx",
        meaning=(
            "Failing pushes lose logs once Alloy gives up; failing queries blind whoever searches."
            " Loki's own log names the reason: storage, time-outs, or an ingester that is not ready."
        ),
        unit="ratio",
        floor=0.01,
        warn=FAILING,
        crit=Threshold(value=0.1, reason="loki-mixin pages beyond 10 % of a route (LokiRequestErrors)"),
        variants=_asked(
            share(
                "route",
                'loki_request_duration_seconds_count{status_code=~"5..",route!="ready",$scope}',
                'loki_request_duration_seconds_count{route!="ready",$scope}',
            ),
            "loki_request_duration_seconds_count",
        ),
    ),
    _signal(
        id="loki_request_latency_p99",
        title="p99 latency of Loki",
        meaning=(
            "How slow the slowest hundredth of a route is. Slow pushes back up in Alloy: look at Loki's CPU and disk;"
            " slow queries want a shorter range or narrower selectors."
        ),
        unit="seconds",
        floor=1,
        warn=Threshold(value=1, reason="loki-mixin pages beyond 1 s for a quarter of an hour (LokiRequestLatency)"),
        crit=Threshold(
            value=30, reason="Loki drops a connection that it has not answered in 30 s (http_server_write_timeout)"
        ),
        variants=_asked(
            "histogram_quantile(0.99, sum by (route, le) (rate(loki_request_duration_seconds_bucket"
            '{route!~"(?i).*tail.*|/schedulerpb.SchedulerForQuerier/QuerierLoop",$scope}[$rate])))',
            "loki_request_duration_seconds_count",
        ),
    ),
    _signal(
        id="loki_panics",
        title="panics in Loki",
        meaning="Requests that crashed inside Loki. The stack stands in its log: look for a known bug of that release, and upgrade.",
        unit="per_second",
        floor=ANY,
        warn=Threshold(value=ANY, reason="loki-mixin pages at any in ten minutes (LokiRequestPanics)"),
        variants=_asked("sum by (instance) (rate(loki_panic_total{$scope}[$rate]))", "loki_panic_total"),
    ),
    _signal(
        id="loki_lines_discarded",
        weighed=True,
        title="log lines discarded",
        meaning=(
            "Lines that Loki refused, by reason. rate_limited is sent again, the rest is lost:"
            " raise the limit that the reason names in limits_config, or log less."
        ),
        unit="per_second",
        combine="sum",
        floor=0.1,
        warn=Threshold(value=0.1, reason="a line every ten seconds is missing from every search"),
        variants=_asked(
            "sum by (reason) (rate(loki_discarded_samples_total{$scope}[$rate]))", "loki_discarded_samples_total"
        ),
    ),
    _signal(
        id="loki_lines_received",
        title="log lines received",
        meaning="What arrives, by tenant. If it falls while the services are busy, forwarding broke: look at Alloy.",
        unit="per_second",
        bad="down",
        combine="sum",
        floor=10,
        variants=_asked(
            "sum by (tenant) (rate(loki_distributor_lines_received_total{$scope}[$rate]))",
            "loki_distributor_lines_received_total",
        ),
    ),
    _signal(
        id="loki_ingestion_share",
        title="log lines received, of the day's mean",
        meaning=(
            "How much arrives compared with the mean of the last day; 0 while Loki runs and nothing arrives."
            " Look at Alloy, then at the way to Loki."
        ),
        unit="ratio",
        bad="down",
        combine="min",
        floor=0.5,
        crit=Threshold(
            value=0.01, reason="less than a hundredth of the day's mean is no quiet night: health checks alone log more"
        ),
        variants=_asked(
            # below a line in ten seconds silence proves nothing; a restarted Loki has no counter before its first line
            "(sum by (job) (rate(loki_distributor_lines_received_total{$scope}[$rate]))"
            " or 0 * sum by (job) (loki_build_info{$scope}))"
            " / (avg_over_time(sum by (job) (rate(loki_distributor_lines_received_total{$scope}[$rate]))[1d:2m]) > 0.1)",
            "loki_distributor_lines_received_total",
            "loki_build_info",
        ),
    ),
    _signal(
        id="loki_bytes_received",
        title="log bytes received",
        meaning=(
            "What arrives, uncompressed, by tenant. Beyond ingestion_rate_mb Loki answers 429:"
            " find the service that logs so much, or raise the limit."
        ),
        unit="bytes_per_second",
        combine="sum",
        floor=0.2 * MIB,
        warn=Threshold(value=3 * MIB, reason="three quarters of the default ingestion_rate_mb (4)"),
        variants=_asked(
            "sum by (tenant) (rate(loki_distributor_bytes_received_total{$scope}[$rate]))",
            "loki_distributor_bytes_received_total",
        ),
    ),
    _signal(
        id="loki_streams",
        title="log streams in memory",
        meaning=(
            "Label sets that are written to, by tenant; replicas count each. A jump is a label with many values:"
            " make it structured metadata instead."
        ),
        unit="count",
        combine="sum",
        floor=500,
        warn=Threshold(value=4000, reason="four fifths of the default max_global_streams_per_user (5,000)"),
        variants=_asked("sum by (tenant) (loki_ingester_memory_streams{$scope})", "loki_ingester_memory_streams"),
    ),
    _signal(
        id="loki_flush_failures",
        title="chunks that cannot be stored",
        meaning=(
            "Chunks that the object store did not take: they stay in memory and in the WAL."
            " Look at the bucket's policy, the task role and the network path to S3."
        ),
        unit="per_second",
        floor=0.01,
        warn=Threshold(value=ANY, reason="what is not flushed is lost with the task and its disk"),
        variants=_asked(
            "sum by (instance) (rate(loki_ingester_chunks_flush_failures_total{$scope}[$rate]))",
            "loki_ingester_chunks_flush_failures_total",
        ),
    ),
    _signal(
        id="loki_flush_queue",
        title="streams that wait to be stored",
        meaning="The ingester's flush queue. If it only grows, storing is slower than taking in: look at flush failures and S3.",
        unit="count",
        floor=500,
        variants=_asked(
            "max by (instance) (loki_ingester_flush_queue_length{$scope})", "loki_ingester_flush_queue_length"
        ),
    ),
    _signal(
        id="loki_wal_disk_full",
        title="WAL writes refused by a full disk",
        meaning="Loki goes on without its write-ahead log: lines in memory are lost when the task ends. Enlarge the volume.",
        unit="per_second",
        floor=ANY,
        warn=Threshold(value=ANY, reason="each one is data that a restart loses"),
        variants=_asked(
            "sum by (instance) (rate(loki_ingester_wal_disk_full_failures_total{$scope}[$rate]))",
            "loki_ingester_wal_disk_full_failures_total",
        ),
    ),
    _signal(
        id="loki_compaction_age",
        title="time since Loki's last compaction",
        meaning=(
            "Without compaction queries slow down and retention deletes nothing."
            " Look for the compactor's errors in Loki's log; only one may run."
        ),
        unit="seconds",
        floor=3600,
        warn=Threshold(
            value=10_800, reason="loki-mixin pages after three hours (LokiCompactorHasNotSuccessfullyRunCompaction)"
        ),
        variants=_asked(
            "time() - max by (instance)"
            " (loki_boltdb_shipper_compact_tables_operation_last_successful_run_timestamp_seconds{$scope} > 0)",
            "loki_boltdb_shipper_compact_tables_operation_last_successful_run_timestamp_seconds",
        ),
    ),
    _signal(
        id="loki_compaction_overdue",
        title="time without a compaction",
        meaning=(
            "Since the last compaction that succeeded, or since the start of a Loki that has not compacted yet."
            " Its log says what the compactor failed at."
        ),
        unit="seconds",
        floor=3600,
        warn=Threshold(
            value=10_800, reason="loki-mixin pages after three hours (LokiCompactorHasNotSuccessfullyRunCompaction)"
        ),
        variants=_asked(
            # the time is 0 after a restart, and stays 0 in instances whose compactor never has its turn
            "time() - (max by (job)"
            " (loki_boltdb_shipper_compact_tables_operation_last_successful_run_timestamp_seconds{$scope} > 0)"
            " or min by (job) (process_start_time_seconds{$scope} and on (instance)"
            " loki_boltdb_shipper_compact_tables_operation_last_successful_run_timestamp_seconds{$scope}))",
            "loki_boltdb_shipper_compact_tables_operation_last_successful_run_timestamp_seconds",
        ),
    ),
    _signal(
        id="loki_compactors",
        title="compactors at work",
        meaning="Instances whose compactor runs. Two delete each other's index files: end all but one.",
        unit="count",
        combine="sum",
        floor=1,
        crit=Threshold(value=2, reason="Loki allows one only (LokiTooManyCompactorsRunning)"),
        variants=_asked(
            "sum by (job) (loki_boltdb_shipper_compactor_running{$scope})", "loki_boltdb_shipper_compactor_running"
        ),
    ),
    _signal(
        id="loki_rule_success_ratio",
        title="share of rule evaluations on logs that succeed",
        meaning=(
            "What Loki's ruler evaluates without an error. A rule that fails warns of nothing:"
            " Loki's log shows its query and the error."
        ),
        unit="ratio",
        bad="down",
        combine="min",
        floor=0.01,
        warn=Threshold(value=0.99, reason="a rule that fails cannot warn of what it watches"),
        variants=_asked(
            "1 - sum by (job) (rate(loki_prometheus_rule_evaluation_failures_total{$scope}[$rate]))"
            " / (sum by (job) (rate(loki_prometheus_rule_evaluations_total{$scope}[$rate])) > 0)",
            "loki_prometheus_rule_evaluations_total",
            "loki_prometheus_rule_evaluation_failures_total",
        ),
    ),
    memory(
        "Loki",
        "loki",
        meaning="Resident memory of the process. It follows streams, unflushed chunks and heavy queries; the task's limit kills it.",
        floor=256 * MIB,
    ),
)
