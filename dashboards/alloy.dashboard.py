"""Whether what the tasks say gets through: entries and samples that Alloy sends, drops and retries."""

from obskit.ascode import board, group, panel, stat

dashboard = board(
    "alloy",
    title="Alloy",
    description="Log entries and samples that Alloy takes, sends, drops and retries; its components' health.",
    select=("job", "instance"),
    anchor="alloy_build_info",
    groups=(
        group(
            "Now",
            stat("alloy_answering"),
            stat("alloy_unhealthy_components"),
            stat("alloy_config_ok"),
            stat("alloy_entries_dropped"),
            stat("alloy_write_error_ratio"),
            stat("alloy_entries_sent"),
            runbook="causes/telemetry_blind",
        ),
        group(
            "Logs",
            "alloy_entries_sent",
            "alloy_bytes_sent",
            panel("alloy_entries_dropped", "alloy_batches_retried", title="Entries dropped, batches retried"),
            "alloy_write_error_ratio",
            "alloy_write_latency_p99",
            runbook="causes/telemetry_blind",
        ),
        group(
            "Metrics",
            "alloy_targets",
            "alloy_remote_write_failed_ratio",
            "alloy_remote_write_pending",
            "alloy_remote_write_lag",
            "alloy_remote_write_first_try_ratio",
            panel("alloy_otel_accepted_ratio", "alloy_otel_sent_ratio", title="OpenTelemetry data accepted, and sent"),
        ),
        group("Alloy itself", "alloy_unhealthy_components", "alloy_slow_evaluation_ratio", "alloy_memory_bytes"),
    ),
)
