"""Prometheus itself: what it scrapes, evaluates, notifies, stores and forwards.

Alloy and Prometheus share the names of scraping, WAL and remote write; what Alloy emits
carries a ``component_id``, so an empty one is asked for here.
"""

from functools import partial

from obskit.catalogue._watchers import ANY, GIB, asked, memory, share
from obskit.model import Signal, Threshold, Variant

_signal = partial(
    Signal, topic="prometheus", scope="shared", entity="prometheus", bad="up", combine="max", weighed=False
)
_asked = partial(asked, "Prometheus")

SIGNALS = (
    # -------------------------------------------------------------------------- scraping
    _signal(
        id="prometheus_targets_down",
        weighed=True,
        title="targets down",
        meaning=(
            "Targets of a job that could not be scraped: no alert about them can fire."
            " Prometheus' page /targets says why; a task that just stopped drops out by itself."
        ),
        unit="count",
        floor=2,
        warn=Threshold(value=1, reason="a target that is not scraped is not watched"),
        variants=_asked("sum by (job) (up{$wide} == bool 0)", "up"),
    ),
    _signal(
        id="prometheus_targets_up_ratio",
        title="share of a job's targets up",
        meaning="How much of a job is seen. At 0 its network path, port or credentials are wrong; in between, single tasks are.",
        unit="ratio",
        bad="down",
        combine="min",
        floor=0.5,
        warn=Threshold(value=0.9, reason="kube-prometheus warns when over a tenth of a job is down (TargetDown)"),
        crit=Threshold(value=0.5, reason="half of the job is unseen: sums over it mislead"),
        variants=_asked("avg by (job) (up{$wide})", "up"),
    ),
    _signal(
        id="prometheus_targets",
        title="targets",
        meaning=(
            "How many targets a job has, up or down. If it falls without a scale-in,"
            " service discovery has lost them: look at its errors in Prometheus' log."
        ),
        unit="count",
        bad="down",
        combine="sum",
        floor=2,
        variants=_asked("count by (job) (up{$wide})", "up"),
    ),
    _signal(
        id="prometheus_scrape_duration",
        title="slowest scrape",
        meaning=(
            "How long a job's slowest target takes to answer. Beyond the scrape_timeout it counts as down:"
            " expose fewer series, or give the target CPU."
        ),
        unit="seconds",
        floor=1,
        warn=Threshold(value=5, reason="half of the default scrape_timeout (10 s), after which a scrape fails"),
        variants=_asked("max by (job) (scrape_duration_seconds{$wide})", "scrape_duration_seconds"),
    ),
    _signal(
        id="prometheus_scrapes_over_limit",
        title="scrapes refused by a limit",
        meaning=(
            "Scrapes thrown away whole because they had too many samples, labels or bytes."
            " Find the target whose series grew, or raise sample_limit, label_limit or body_size_limit."
        ),
        unit="per_second",
        floor=0.005,
        warn=Threshold(value=ANY, reason="prometheus-mixin warns at any (PrometheusScrapeSampleLimitHit)"),
        variants=_asked(
            "sum by (instance) ("
            'rate(prometheus_target_scrapes_exceeded_sample_limit_total{component_id="",$scope}[$rate])'
            ' + rate(prometheus_target_scrapes_exceeded_body_size_limit_total{component_id="",$scope}[$rate])'
            ' + rate(prometheus_target_scrape_pool_exceeded_label_limits_total{component_id="",$scope}[$rate]))',
            "prometheus_target_scrapes_exceeded_sample_limit_total",
        ),
    ),
    _signal(
        id="prometheus_samples_rejected",
        title="samples rejected",
        meaning=(
            "Scraped samples dropped for their time: duplicate, out of order or out of bounds."
            " Two targets expose the same series, or a clock is wrong."
        ),
        unit="per_second",
        floor=0.1,
        warn=Threshold(value=ANY, reason="prometheus-mixin warns at any (PrometheusDuplicateTimestamps)"),
        variants=_asked(
            "sum by (instance) ("
            'rate(prometheus_target_scrapes_sample_duplicate_timestamp_total{component_id="",$scope}[$rate])'
            ' + rate(prometheus_target_scrapes_sample_out_of_order_total{component_id="",$scope}[$rate])'
            ' + rate(prometheus_target_scrapes_sample_out_of_bounds_total{component_id="",$scope}[$rate]))',
            "prometheus_target_scrapes_sample_duplicate_timestamp_total",
        ),
    ),
    # ----------------------------------------------------------------------------- rules
    _signal(
        id="prometheus_rule_failures",
        title="rule evaluations that fail",
        meaning=(
            "A failing rule fires no alert and records nothing."
            " Prometheus' page /rules shows the error: often many-to-many matching, or a time-out."
        ),
        unit="per_second",
        floor=0.005,
        warn=Threshold(value=ANY, reason="prometheus-mixin pages at any in 15 minutes (PrometheusRuleFailures)"),
        crit=Threshold(value=0.016, reason="one rule of a one-minute group fails at each evaluation"),
        variants=_asked(
            "sum by (rule_group) (rate(prometheus_rule_evaluation_failures_total{$scope}[$rate]))",
            "prometheus_rule_evaluation_failures_total",
        ),
    ),
    _signal(
        id="prometheus_rule_missed",
        title="rule evaluations missed",
        meaning="A group was still busy when its next turn came: alerts come late. Split the group, or give Prometheus CPU.",
        unit="per_second",
        floor=0.005,
        warn=Threshold(value=ANY, reason="prometheus-mixin warns at any (PrometheusMissingRuleEvaluations)"),
        variants=_asked(
            "sum by (rule_group) (rate(prometheus_rule_group_iterations_missed_total{$scope}[$rate]))",
            "prometheus_rule_group_iterations_missed_total",
        ),
    ),
    _signal(
        id="prometheus_rule_duration_ratio",
        title="rule evaluation time, of its interval",
        meaning="How much of its interval a rule group takes. At 1 evaluations are missed: simplify its heaviest rule.",
        unit="ratio",
        floor=0.2,
        warn=Threshold(value=0.8, reason="a fifth is left until evaluations are missed"),
        variants=_asked(
            "max by (rule_group) (prometheus_rule_group_last_duration_seconds{$scope})"
            " / max by (rule_group) (prometheus_rule_group_interval_seconds{$scope})",
            "prometheus_rule_group_last_duration_seconds",
            "prometheus_rule_group_interval_seconds",
        ),
    ),
    # --------------------------------------------------------------------- notifications
    _signal(
        id="prometheus_notification_error_ratio",
        title="share of alerts not delivered",
        meaning=(
            "Alerts that an Alertmanager did not take. If none takes them nobody is told:"
            " see that Alertmanager runs and that its address and security group are right."
        ),
        unit="ratio",
        floor=0.01,
        warn=Threshold(value=0.01, reason="prometheus-mixin warns beyond 1 % for one Alertmanager"),
        crit=Threshold(value=0.03, reason="prometheus-mixin pages beyond 3 % where no Alertmanager takes more"),
        variants=_asked(
            share(
                "alertmanager",
                "prometheus_notifications_errors_total{$scope}",
                "prometheus_notifications_sent_total{$scope}",
            ),
            "prometheus_notifications_sent_total",
            "prometheus_notifications_errors_total",
        ),
    ),
    _signal(
        id="prometheus_notifications_dropped",
        title="alerts dropped",
        meaning="Alerts that no Alertmanager took and that were given up: they are sent anew only while they still fire.",
        unit="per_second",
        floor=0.005,
        warn=Threshold(value=ANY, reason="each dropped alert is one that nobody saw"),
        variants=_asked(
            "sum by (instance) (rate(prometheus_notifications_dropped_total{$scope}[$rate]))",
            "prometheus_notifications_dropped_total",
        ),
    ),
    _signal(
        id="prometheus_notification_queue_ratio",
        title="alert queue used",
        meaning="Alerts that wait for Alertmanager; a full queue drops them. Alertmanager is slow or gone.",
        unit="ratio",
        floor=0.1,
        warn=Threshold(value=0.5, reason="a queue that is half full does not drain; a full one drops alerts"),
        variants=_asked(
            "max by (instance) (prometheus_notifications_queue_length{$scope})"
            " / max by (instance) (prometheus_notifications_queue_capacity{$scope})",
            "prometheus_notifications_queue_length",
            "prometheus_notifications_queue_capacity",
        ),
    ),
    # --------------------------------------------------------------------------- queries
    _signal(
        id="prometheus_query_duration",
        title="p99 query time",
        meaning=(
            "How long queries wait for a place (queue_time) and run (inner_eval): dashboards and rules feel it."
            " Record what is asked often, narrow selectors, or give Prometheus CPU."
        ),
        unit="seconds",
        floor=1,
        warn=Threshold(value=10, reason="beyond ten seconds a person turns to something else (Nielsen, 1993)"),
        crit=Threshold(value=30, reason="Grafana gives an alert rule's query 30 s (evaluation_timeout)"),
        variants=_asked(
            "max by (instance, slice)"
            ' (prometheus_engine_query_duration_seconds{quantile="0.99",slice=~"inner_eval|queue_time",$scope})',
            "prometheus_engine_query_duration_seconds",
        ),
    ),
    _signal(
        id="prometheus_queries_ratio",
        title="queries running, of the most allowed",
        meaning="How many of the engine's places are taken. At 1 queries wait: find who asks so much, or so slowly.",
        unit="ratio",
        floor=0.2,
        warn=Threshold(value=0.8, reason="prometheus-mixin warns beyond 0.8 (PrometheusHighQueryLoad)"),
        variants=_asked(
            "max by (instance) (prometheus_engine_queries{$scope})"
            " / max by (instance) (prometheus_engine_queries_concurrent_max{$scope})",
            "prometheus_engine_queries",
            "prometheus_engine_queries_concurrent_max",
        ),
    ),
    # --------------------------------------------------------------------------- storage
    _signal(
        id="prometheus_head_series",
        title="series in memory",
        meaning="What decides Prometheus' memory. A jump is a new label with many values: its page /tsdb-status lists the largest.",
        unit="count",
        floor=50_000,
        variants=_asked("max by (instance) (prometheus_tsdb_head_series{$scope})", "prometheus_tsdb_head_series"),
    ),
    _signal(
        id="prometheus_samples_appended",
        title="samples stored",
        meaning="How much is taken in. A fall means lost targets; none at all a full disk or a broken WAL: read its log.",
        unit="per_second",
        bad="down",
        combine="min",
        floor=100,
        warn=Threshold(value=0, reason="prometheus-mixin warns at none (PrometheusNotIngestingSamples)"),
        variants=_asked(
            "sum by (instance) (rate(prometheus_tsdb_head_samples_appended_total{$scope}[$rate]))",
            "prometheus_tsdb_head_samples_appended_total",
        ),
    ),
    _signal(
        id="prometheus_storage_bytes",
        title="storage used",
        meaning=(
            "Blocks, WAL and head chunks on disk; a full disk stops ingestion."
            " Shorten retention, set storage.tsdb.retention.size, or enlarge the volume."
        ),
        unit="bytes",
        floor=GIB,
        variants=(
            Variant(
                name="Prometheus",
                query=(
                    "sum by (instance) (prometheus_tsdb_storage_blocks_bytes{$scope})"
                    ' + sum by (instance) (prometheus_tsdb_wal_storage_size_bytes{component_id="",$scope})'
                    " + sum by (instance) (prometheus_tsdb_head_chunks_storage_size_bytes{$scope})"
                ),
                needs=(
                    "prometheus_tsdb_storage_blocks_bytes",
                    "prometheus_tsdb_wal_storage_size_bytes",
                    "prometheus_tsdb_head_chunks_storage_size_bytes",
                ),
            ),
            Variant(
                name="Prometheus before 2.43",
                query="sum by (instance) (prometheus_tsdb_storage_blocks_bytes{$scope})",
                needs=("prometheus_tsdb_storage_blocks_bytes",),
            ),
        ),
    ),
    _signal(
        id="prometheus_compaction_failures",
        title="compactions and block reloads that fail",
        meaning=(
            "Blocks can be neither merged nor read anew: memory and disk grow until it stops."
            " Most often the disk is full; else a block is broken, and the log names it."
        ),
        unit="per_second",
        floor=ANY,
        warn=Threshold(value=ANY, reason="prometheus-mixin warns at any (PrometheusTSDBCompactionsFailing)"),
        variants=_asked(
            "sum by (instance) (rate(prometheus_tsdb_compactions_failed_total{$scope}[$rate])"
            " + rate(prometheus_tsdb_reloads_failures_total{$scope}[$rate]))",
            "prometheus_tsdb_compactions_failed_total",
            "prometheus_tsdb_reloads_failures_total",
        ),
    ),
    _signal(
        id="prometheus_wal_failures",
        title="WAL corruptions and failed writes",
        meaning="What is not in the write-ahead log is lost at the next restart. Look at the disk: full, slow or broken.",
        unit="per_second",
        floor=ANY,
        warn=Threshold(value=ANY, reason="each one is data that a restart loses"),
        variants=_asked(
            "sum by (instance) (rate(prometheus_tsdb_wal_corruptions_total{$scope}[$rate]))"
            ' + sum by (instance) (rate(prometheus_tsdb_wal_writes_failed_total{component_id="",$scope}[$rate]))',
            "prometheus_tsdb_wal_corruptions_total",
            "prometheus_tsdb_wal_writes_failed_total",
        ),
    ),
    # ------------------------------------------------------------------------ the process
    _signal(
        id="prometheus_config_ok",
        title="configuration loaded",
        meaning="0 when the last reload was refused: the old configuration goes on, until a restart fails. Run promtool check config.",
        unit="ratio",
        bad="down",
        combine="min",
        floor=0.5,
        warn=Threshold(value=0, reason="prometheus-mixin pages at 0 (PrometheusBadConfig)"),
        variants=_asked(
            "min by (instance) (prometheus_config_last_reload_successful{$scope})",
            "prometheus_config_last_reload_successful",
        ),
    ),
    memory(
        "Prometheus",
        "prometheus",
        meaning="Resident memory of the process. It follows the series in memory and heavy queries; the task's limit kills it.",
        floor=GIB / 4,
    ),
    # ---------------------------------------------------------------------- remote write
    _signal(
        id="prometheus_remote_write_lag",
        title="remote write behind",
        meaning=(
            "How much older the newest sample at the remote store is than the newest here."
            " The store is slow or throttles: look at its answers, then at max_shards."
        ),
        unit="seconds",
        floor=30,
        warn=Threshold(value=60, reason="half of what prometheus-mixin pages at"),
        crit=Threshold(value=120, reason="prometheus-mixin pages beyond 120 s (PrometheusRemoteWriteBehind)"),
        variants=(
            Variant(
                name="Prometheus",
                query=(
                    'max by (instance, remote_name) (prometheus_remote_storage_queue_highest_timestamp_seconds{component_id="",$scope})'
                    ' - max by (instance, remote_name) (prometheus_remote_storage_queue_highest_sent_timestamp_seconds{component_id="",$scope} > 0)'
                ),
                needs=(
                    "prometheus_remote_storage_queue_highest_timestamp_seconds",
                    "prometheus_remote_storage_queue_highest_sent_timestamp_seconds",
                ),
            ),
            Variant(
                name="Prometheus before 3.7",
                query=(
                    'max by (instance) (prometheus_remote_storage_highest_timestamp_in_seconds{component_id="",$scope})'
                    " - on (instance) group_right ()"
                    ' max by (instance, remote_name) (prometheus_remote_storage_queue_highest_sent_timestamp_seconds{component_id="",$scope} > 0)'
                ),
                needs=(
                    "prometheus_remote_storage_highest_timestamp_in_seconds",
                    "prometheus_remote_storage_queue_highest_sent_timestamp_seconds",
                ),
            ),
        ),
    ),
    _signal(
        id="prometheus_remote_write_failed_ratio",
        title="share of remote samples lost",
        meaning="Samples that the remote store refused for good: they are not sent again. Its answer stands in Prometheus' log.",
        unit="ratio",
        floor=0.01,
        warn=Threshold(value=0.001, reason="these errors are not retried: one sample in a thousand is lost"),
        crit=Threshold(value=0.01, reason="prometheus-mixin pages beyond 1 % (PrometheusRemoteStorageFailures)"),
        variants=_asked(
            share(
                "remote_name",
                'prometheus_remote_storage_samples_failed_total{component_id="",$scope}',
                'prometheus_remote_storage_samples_total{component_id="",$scope}',
            ),
            "prometheus_remote_storage_samples_total",
            "prometheus_remote_storage_samples_failed_total",
        ),
    ),
)
