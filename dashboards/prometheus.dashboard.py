"""Whether the watcher watches: targets, scrapes, rules, queries and storage of Prometheus itself."""

from obskit.ascode import board, group, panel, stat

dashboard = board(
    "prometheus",
    title="Prometheus",
    description="Targets, scrapes, rules, notifications, queries and storage of Prometheus itself.",
    select=("job", "instance"),
    anchor="prometheus_build_info",
    groups=(
        group(
            "Now",
            stat("prometheus_targets_down"),
            stat("prometheus_targets_up_ratio"),
            stat("prometheus_rule_failures"),
            stat("prometheus_config_ok"),
            stat("prometheus_head_series"),
            stat("prometheus_storage_bytes"),
            runbook="causes/telemetry_blind",
        ),
        group(
            "Scrapes",
            panel("prometheus_targets", "prometheus_targets_down", title="Targets, and those that are down"),
            "prometheus_scrape_duration",
            panel("prometheus_samples_rejected", "prometheus_scrapes_over_limit", title="Samples and scrapes refused"),
            "prometheus_jobs_vanished",
            "prometheus_targets_refused",
            "prometheus_discovery_failures",
            runbook="causes/telemetry_blind",
        ),
        group(
            "Rules and notifications",
            panel("prometheus_rule_failures", "prometheus_rule_missed", title="Rule evaluations failed and missed"),
            "prometheus_rule_duration_ratio",
            "prometheus_notification_error_ratio",
            "prometheus_notifications_dropped",
            "prometheus_notification_queue_ratio",
            panel("prometheus_alertmanagers", "prometheus_watchdog", title="Alertmanagers connected, and the watchdog"),
        ),
        group(
            "Alertmanager",
            panel(
                "alertmanager_notification_failed_ratio",
                "alertmanager_notification_lost_ratio",
                title="Share of notifications that failed, and that were lost",
            ),
            panel("alertmanager_config_ok", "alertmanager_members_ratio", title="Configuration loaded, peers seen"),
            "alertmanager_configs",
        ),
        group("Queries", "prometheus_query_duration", "prometheus_queries_ratio"),
        group(
            "Storage",
            "prometheus_head_series",
            "prometheus_series_growth_ratio",
            "prometheus_samples_appended",
            panel("prometheus_storage_bytes", "prometheus_memory_bytes", title="Storage and memory"),
            panel("prometheus_compaction_failures", "prometheus_wal_failures", title="Compactions and WAL failures"),
            "prometheus_remote_write_lag",
            "prometheus_remote_write_failed_ratio",
        ),
    ),
)
