"""Alerts on Alloy: whether what the tasks say gets through.

A page when all of it is gone, or when the metrics that other alerts need are; a ticket for the rest.
"""

from obskit.ascode.alerts import alert

RULES = (
    alert(
        "AlloyDown",
        "alloy_answering",
        severity="page",
        kind="cause",
        cause="telemetry_blind",
        summary="{value} instances of {job} answer",
        description=(
            "No task's logs are forwarded, nor the metrics that Alloy scrapes: the next incident would be a blind one."
            " Look first at why the last task stopped."
        ),
        hold="5m",
        hold_reason="a replaced Fargate task answers within three minutes",
    ),
    alert(
        "AlloyConfigNotLoaded",
        "alloy_config_ok",
        level="warn",
        severity="ticket",
        kind="cause",
        summary="{instance} of Alloy refused its new configuration",
        description=(
            "The old one goes on, so that a change seems to have no effect; the next task that starts will not come up."
            " Alloy's log names file and line."
        ),
        hold="5m",
        hold_reason="whoever just saved a typo corrects it by then",
    ),
    alert(
        # Covers: UnhealthyComponents
        "AlloyComponentsUnhealthy",
        "alloy_unhealthy_components",
        level="warn",
        severity="ticket",
        kind="cause",
        summary="{value} components of {instance} are not healthy",
        description=(
            "A part of the pipeline does not work; what runs through it may be lost."
            " Alloy's own page shows which component it is, and its last error."
        ),
        hold="15m",
        hold_reason="as the mixin: components that wait for DNS or a secret report unhealthy until their next try",
    ),
    alert(
        # Covers: SlowComponentEvaluations
        "AlloyEvaluationsSlow",
        "alloy_slow_evaluation_ratio",
        level="warn",
        severity="ticket",
        kind="cause",
        summary="{instance} spends {value} of the time in slow evaluations",
        description=(
            "Changes of targets come late: new tasks are not scraped, ended ones still are."
            " Look at the CPU of Alloy's task, then at how many targets it discovers."
        ),
        hold="15m",
        hold_reason="as the mixin: a start, at which all components are evaluated, is over by then",
    ),
    alert(
        "AlloyEntriesDropped",
        "alloy_entries_dropped",
        level="warn",
        severity="ticket",
        kind="cause",
        cause="telemetry_blind",
        summary="Alloy drops {value} of log lines: {reason}",
        description=(
            "These lines are lost for good. ingester_error: Loki or the way to it; rate_limited: Loki's limit;"
            " stream_limited: max_streams of Alloy itself; line_too_long: one service's lines."
        ),
        over="15m",
        hold="20m",
        hold_reason=(
            "a batch is dropped when its retries end, 8.5 minutes later: a quarter of an hour bridges that pause,"
            " and longer than it means that more than one batch was lost"
        ),
    ),
    alert(
        "AlloyWritesFailing",
        "alloy_write_error_ratio",
        level="warn",
        severity="ticket",
        kind="cause",
        cause="telemetry_blind",
        summary="{value} of Alloy's log writes to {host} fail",
        description=(
            "Lines come late, and are lost when ten tries failed. The status in Alloy's log tells"
            " a limit (429), refused lines (400), credentials (401, 403) and an unreachable Loki apart."
        ),
        over="15m",
        hold="15m",
        hold_reason=(
            "retries come up to five minutes apart, which only a longer range sees; Loki's deployment is over by then"
        ),
    ),
    alert(
        "AlloyForwardsNothing",
        "alloy_entries_sent",
        level=0,
        reason="an Alloy that has sent lines and sends none is cut off from its sources or from Loki",
        severity="ticket",
        kind="cause",
        cause="telemetry_blind",
        summary="{instance} of Alloy sends no log lines",
        description=(
            "Whatever logs through this instance is missing in Loki, while the others may hide it."
            " If its writes fail look at Loki, else at what should send to it."
        ),
        over="15m",
        hold="15m",
        hold_reason="half an hour of silence in all: health checks alone log more often than that",
    ),
    # ---------------------------------------------------------------------------------- metrics
    alert(
        "AlloyRemoteWriteBehind",
        "alloy_remote_write_lag",
        severity="page",
        kind="cause",
        cause="telemetry_blind",
        summary="{component_id} of {instance} is {value} behind",
        description=(
            "Alerts and dashboards on these series look at the past; five minutes behind, alerts see nothing at all."
            " Look first at the store's answers in Alloy's log."
        ),
        hold="15m",
        hold_reason="as the mixin: a restarted store is caught up with by then",
    ),
    alert(
        "AlloyRemoteWriteFailing",
        "alloy_remote_write_failed_ratio",
        severity="page",
        kind="cause",
        cause="telemetry_blind",
        summary="{value} of the samples of {component_id} are refused for good",
        description=(
            "They are not sent again: series have holes or are missing, and alerts on them may be silent."
            " The store's answer in Alloy's log says which series, and why."
        ),
        hold="15m",
        hold_reason="as the mixin: a burst of late samples after a pause is over by then",
    ),
    alert(
        "AlloySamplesRefused",
        "alloy_remote_write_failed_ratio",
        level="warn",
        severity="ticket",
        kind="cause",
        summary="{value} of the samples of {component_id} are refused for good",
        description=(
            "Few series lose their samples, always the same ones: two senders of one series, or labels beyond a limit."
            " The store's answer in Alloy's log names one."
        ),
        hold="1h",
        hold_reason="a deployment sends late samples for some minutes; who sends twice does so all day",
    ),
    alert(
        "AlloyRemoteWriteRetrying",
        "alloy_remote_write_first_try_ratio",
        level="warn",
        severity="ticket",
        kind="cause",
        summary="only {value} of the samples of {component_id} are taken at the first try",
        description=(
            "The store is slow, gone, or limits the rate; samples wait in Alloy's WAL for two hours and are lost then."
            " After a restart with a wrong address only this tells it: what was never sent is not behind."
        ),
        hold="15m",
        hold_reason="a store that restarts, and replays its WAL, is back by then",
    ),
    # --------------------------------------------------------------------------- OpenTelemetry
    alert(
        # Covers: OtelcolReceiverRefusedSpans, OtelcolReceiverRefusedMetrics, OtelcolReceiverRefusedLogs
        "AlloyReceiverRefusing",
        "alloy_otel_accepted_ratio",
        level="warn",
        by=("component_id", "data"),
        severity="ticket",
        kind="cause",
        cause="telemetry_blind",
        summary="{component_id} accepts only {value} of the {data} that services send",
        description=(
            "Services retry for a while, then drop. The receiver passes on what the next component says:"
            " look at its exporter's queue and at memory_limiter."
        ),
        hold="10m",
        hold_reason="as the mixin: senders retry through a shorter one and lose nothing",
    ),
    alert(
        # Covers: OtelcolExporterFailedSpans, OtelcolExporterFailedMetrics, OtelcolExporterFailedLogs
        "AlloyExporterFailing",
        "alloy_otel_sent_ratio",
        level="warn",
        by=("component_id", "data"),
        severity="ticket",
        kind="cause",
        cause="telemetry_blind",
        summary="{component_id} delivers only {value} of its {data}",
        description=(
            "The rest was given up after all retries and is lost. Alloy's log holds the other side's answer:"
            " address, certificate, credentials or a limit."
        ),
        hold="10m",
        hold_reason="as the mixin; the exporter has already retried for five minutes when it counts a failure",
    ),
)

# Left out: ClusterNotConverging: Alloy's tasks on ECS are no cluster: each takes its own share, none gossips.
# Left out: ClusterNodeCountMismatch: no cluster, as above.
# Left out: ClusterNodeUnhealthy: no cluster, as above.
# Left out: ClusterNodeNameConflict: no cluster, as above.
# Left out: ClusterNodeStuckTerminating: no cluster, as above.
# Left out: ClusterConfigurationDrift: no cluster; AlloyConfigNotLoaded tells the task that kept an older configuration.
# Not alerted on: alloy_batches_retried (the same fact as AlloyWritesFailing), alloy_write_latency_p99 (LokiRequestsSlow
# is earlier, at the place to mend), alloy_targets and alloy_remote_write_pending (no level is bad by itself),
# alloy_memory_bytes (its limit is the task's), alloy_up of one task while others answer (the alert on targets that are
# down says so for every job).
