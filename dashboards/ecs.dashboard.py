"""What ECS wants, what it has, and how the tasks of a service come and go."""

from obskit.ascode import board, group, panel, stat

dashboard = board(
    "ecs",
    title="ECS services and tasks",
    description="Tasks wanted, running and pending; deployments, restarts and the limits of scaling.",
    events=True,
    groups=(
        group(
            "Now",
            stat("ecs_desired_tasks"),
            stat("ecs_running_tasks"),
            stat("ecs_pending_tasks"),
            stat("task_up"),
            stat("task_restarts"),
            stat("ecs_deployments"),
            more="incident",
        ),
        group(
            "Tasks",
            panel("ecs_desired_tasks", "ecs_running_tasks", "ecs_pending_tasks", title="Wanted, running and pending"),
            "task_up",
            panel("task_restarts", "ecs_deployments", title="Restarts in 15 minutes, and deployments under way"),
            "task_uptime",
            "ecs_container_restarts",
            "ecs_running_ratio",
            runbook="causes/bad_deployment",
        ),
        group(
            "What ECS says",
            panel("ecs_task_stops", over="5m"),
            panel("ecs_task_crashes", "ecs_service_crashes", over="5m"),
            panel("ecs_health_check_kills", over="5m"),
            panel("ecs_start_failures", over="5m"),
            panel("ecs_deployment_failures", over="5m"),
            panel("ecs_scaled_to_max", over="5m"),
            runbook="causes/capacity_unavailable",
        ),
        group(
            "What tasks use",
            "container_cpu_ratio",
            "container_memory_ratio",
            panel("ecs_cpu_ratio", "ecs_memory_ratio", title="CPU and memory used of what is reserved"),
            "ecs_storage_ratio",
            panel("ecs_cpu_reserved_cores", "ecs_cpu_used_cores", title="CPU reserved and used"),
            panel("ecs_memory_reserved_bytes", "ecs_memory_used_bytes", title="Memory reserved and used"),
            runbook="causes/scaling_at_maximum",
        ),
    ),
)
