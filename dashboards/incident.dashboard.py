"""The triage view: one service, and the signals of every cause that may be behind what users feel."""

from obskit.ascode import board, group, logs, panel, stat, text

dashboard = board(
    "incident",
    title="Incident: one service",
    description="Everything that triage weighs for one service, in the order in which it argues.",
    events=True,
    since="1h",
    groups=(
        group(
            "What users feel",
            text(
                "From here to the cause",
                "`obskit triage ${service} --from ${__from:date:iso} --to ${__to:date:iso}` ranks the causes of what "
                "is below, with the evidence for and against each. Orange marks: a task began; blue: a deployment.",
            ),
            "http_requests",
            "http_error_ratio",
            panel("http_latency_p95", "http_latency_p50", title="Latency, p95 and p50"),
            more="service",
        ),
        group(
            "The connection pool and the database",
            "db_pool_used_ratio",
            "db_pool_waiting",
            "db_pool_timeouts",
            "db_query_seconds",
            "pg_connections_ratio",
            "pg_blocked",
            more="database",
            runbook="causes/db_pool_exhausted",
        ),
        group(
            "CPU",
            "container_cpu_ratio",
            "container_cpu_throttled_ratio",
            "runtime_loop_lag",
            more="service",
            runbook="causes/cpu_saturation",
        ),
        group(
            "Memory and descriptors",
            "container_memory_ratio",
            "runtime_gc_ratio",
            "process_fds_ratio",
            more="service",
            runbook="causes/memory_exhausted",
        ),
        group(
            "What it calls",
            "client_latency_mean",
            "client_error_ratio",
            "http_in_flight",
            more="service",
            runbook="causes/slow_dependency",
        ),
        group(
            "Balancer and tasks",
            stat("alb_unhealthy_hosts"),
            stat("ecs_desired_tasks"),
            stat("ecs_running_tasks"),
            stat("ecs_pending_tasks"),
            stat("task_restarts"),
            "alb_target_5xx",
            "alb_target_latency",
            "alb_connection_errors",
            more="ecs",
            runbook="causes/bad_deployment",
        ),
        group(
            "What it writes",
            panel("log_errors", "log_timeouts", title="Lines that tell of errors and time-outs", width=24, height=6),
            logs("Errors and time-outs", "|~ `(?i)(error|fatal|critical|panic|exception|timeout|timed out)`"),
            more="logs",
        ),
    ),
)
