"""Whether people can see anything: Grafana's requests, its data sources and its alerting."""

from obskit.ascode import board, group, panel, stat

dashboard = board(
    "grafana",
    title="Grafana",
    description="Requests, data sources, alerting and database of Grafana.",
    select=("job", "instance"),
    anchor="grafana_build_info",
    groups=(
        group(
            "Now",
            stat("grafana_answering"),
            stat("grafana_request_error_ratio"),
            stat("grafana_request_latency_p99"),
            stat("grafana_datasource_error_ratio"),
            stat("grafana_query_error_ratio"),
            stat("grafana_alert_failure_ratio"),
            runbook="causes/telemetry_blind",
        ),
        group("Requests", "grafana_request_error_ratio", "grafana_request_latency_p99", "grafana_requests_in_flight"),
        group(
            "Data sources",
            "grafana_datasource_error_ratio",
            "grafana_query_error_ratio",
            runbook="causes/telemetry_blind",
        ),
        group(
            "Alerting",
            "grafana_alert_failure_ratio",
            panel(
                "grafana_alert_evaluations_missed",
                "grafana_notification_failures",
                title="Evaluations missed, notifications failed",
            ),
            "grafana_alert_scheduler_behind",
        ),
        group("Grafana itself", "grafana_database_connections", "grafana_database_wait", "grafana_memory_bytes"),
    ),
)
