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
            more="incident",
        ),
        group(
            "Tasks",
            panel("ecs_desired_tasks", "ecs_running_tasks", "ecs_pending_tasks", title="Wanted, running and pending"),
            "task_up",
            "task_start_time",
            runbook="causes/bad_deployment",
        ),
        group(
            "What tasks use",
            "container_cpu_ratio",
            "container_memory_ratio",
            runbook="causes/scaling_at_maximum",
        ),
    ),
)
