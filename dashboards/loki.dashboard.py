"""Whether log lines arrive and can be read: Loki's requests, ingestion and what it refuses."""

from obskit.ascode import board, group, panel, stat

dashboard = board(
    "loki",
    title="Loki",
    description="Requests, ingestion, refused lines and storage of Loki.",
    select=("job", "instance"),
    anchor="loki_build_info",
    groups=(
        group(
            "Now",
            stat("loki_answering"),
            stat("loki_request_error_ratio"),
            stat("loki_request_latency_p99"),
            stat("loki_lines_discarded"),
            stat("loki_lines_received"),
            stat("loki_panics"),
            runbook="causes/telemetry_blind",
        ),
        group("Requests", "loki_requests", "loki_request_error_ratio", "loki_request_latency_p99"),
        group(
            "Lines",
            "loki_lines_received",
            "loki_bytes_received",
            "loki_lines_discarded",
            "loki_ingestion_share",
            runbook="causes/telemetry_blind",
        ),
        group(
            "Storage",
            "loki_streams",
            panel("loki_flush_failures", "loki_wal_disk_full", title="Chunks not flushed, WAL writes on a full disk"),
            "loki_flush_queue",
            "loki_compaction_overdue",
            "loki_compactors",
            "loki_rule_success_ratio",
            "loki_memory_bytes",
        ),
    ),
)
