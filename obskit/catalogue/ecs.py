"""What ECS wants and what it has, under the names of the exporters.

Container Insights has to be on for the cluster. The official CloudWatch exporter
("plain labels") leaves ``aws_`` out, as the namespace is ``ECS/ContainerInsights``.

No metric tells a service's scaling maximum: neither CloudWatch nor any exporter that we know
of publishes it. That a service has reached it is an event: ``ecs_scaled_to_max`` in
``ecs_events``.
"""

from obskit.catalogue._ecs import insights, insights_ratio
from obskit.model import Signal, Threshold, Variant

_PENDING = insights("aws_ecs_containerinsights_pending_task_count_average")

SIGNALS = (
    Signal(
        id="ecs_desired_tasks",
        topic="ecs",
        title="tasks wanted",
        meaning=(
            "How many tasks the service shall have. It changes by scaling, by a deployment or by hand; an "
            "unexpected drop to 0 is somebody's doing: see CloudTrail for UpdateService."
        ),
        unit="count",
        bad="both",
        combine="max",
        floor=1,
        variants=(
            Variant(
                name="ecs_exporter",
                query="max by ($service) (ecs_service_desired_tasks{$svc})",
                needs=("ecs_service_desired_tasks",),
            ),
            *insights("aws_ecs_containerinsights_desired_task_count_average"),
        ),
    ),
    Signal(
        id="ecs_running_tasks",
        topic="ecs",
        title="tasks running",
        meaning=(
            "How many tasks run. Fewer than wanted for more than a deployment's length: tasks crash, fail "
            "their health check or find no room: read the service's events and the stopped tasks' "
            "reasons."
        ),
        unit="count",
        bad="down",
        combine="max",
        floor=1,
        crit=Threshold(value=0.0, reason="nothing runs: the service is down"),
        variants=(
            Variant(
                name="ecs_exporter",
                query="max by ($service) (ecs_service_running_tasks{$svc})",
                needs=("ecs_service_running_tasks",),
            ),
            *insights("aws_ecs_containerinsights_running_task_count_average"),
        ),
    ),
    Signal(
        id="ecs_pending_tasks",
        topic="ecs",
        title="tasks pending",
        meaning=(
            "Tasks that are being started. If they stay pending, the image cannot be pulled, a secret "
            "cannot be read, or there is no capacity: the stopped tasks' reasons say which."
        ),
        unit="count",
        bad="up",
        combine="max",
        floor=1,
        variants=(
            _PENDING[0],
            Variant(
                name="ecs_exporter",
                query="max by ($service) (ecs_service_pending_tasks{$svc})",
                needs=("ecs_service_pending_tasks",),
            ),
            _PENDING[1],
        ),
    ),
    Signal(
        id="ecs_running_ratio",
        topic="ecs",
        title="tasks running, of those wanted",
        meaning=(
            "Below 1 the service has fewer tasks than it shall have, and those that run carry the load. A "
            "minute of it is a deployment or a replaced task; longer means that tasks do not come up."
        ),
        unit="ratio",
        bad="down",
        combine="min",
        floor=0.1,
        warn=Threshold(value=0.99, reason="a task is missing; ECS starts new ones before it stops the old, by default"),
        crit=Threshold(value=0.5, reason="half of the tasks are missing: the others are overloaded"),
        variants=(
            Variant(
                name="ecs_exporter",
                query=(
                    "max by ($service) (ecs_service_running_tasks{$svc})"
                    " / max by ($service) (ecs_service_desired_tasks{$svc} > 0)"
                ),
                needs=("ecs_service_running_tasks", "ecs_service_desired_tasks"),
            ),
            *insights_ratio(
                "aws_ecs_containerinsights_running_task_count_average",
                "aws_ecs_containerinsights_desired_task_count_average",
            ),
        ),
    ),
    Signal(
        id="ecs_deployments",
        topic="ecs",
        title="deployments under way",
        meaning=(
            "1 is the steady state; 2 is a rollout. A rollout that takes longer than usual does not come "
            "up: its new tasks fail, and the circuit breaker, if on, will roll back."
        ),
        unit="count",
        bad="up",
        combine="max",
        floor=1,
        warn=Threshold(
            value=2, reason="a rollout; one that lasts is stuck, so an alert on it needs to wait a quarter of an hour"
        ),
        crit=Threshold(value=3, reason="a new rollout was begun before the last one was done"),
        variants=insights("aws_ecs_containerinsights_deployment_count_average"),
    ),
    Signal(
        id="ecs_container_restarts",
        topic="ecs",
        title="containers restarted inside their tasks",
        meaning=(
            "Restarts by a container's own restart policy: the task lives on, so they show neither as "
            "stopped tasks nor in service events. The container's last lines before the restart say why."
        ),
        unit="per_second",
        bad="up",
        floor=0.003,
        warn=Threshold(value=0.003, reason="one in five minutes: a healthy container restarts not at all"),
        crit=Threshold(value=0.016, reason="one a minute: a crash loop"),
        variants=(
            Variant(
                name="ecs_exporter",
                query="sum by ($service, $task) (rate(ecs_container_restarts_total{$svc}[$rate]))",
                needs=("ecs_container_restarts_total",),
            ),
            *insights("aws_ecs_containerinsights_restart_count_sum", " / 60"),
        ),
    ),
)
