"""What ECS wants and what it has, under the names of the exporters."""

from obskit.model import Signal, Variant

_BY = "dimension_ServiceName"
_NAME = (_BY, "(.*)")

SIGNALS = (
    Signal(
        id="ecs_desired_tasks",
        topic="ecs",
        title="tasks wanted",
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
            Variant(
                name="CloudWatch exporter",
                query=f'max by ({_BY}) (aws_ecs_containerinsights_desired_task_count_average{{{_BY}=~"$names",$scope}})',
                needs=("aws_ecs_containerinsights_desired_task_count_average",),
                service_from=_NAME,
            ),
        ),
    ),
    Signal(
        id="ecs_running_tasks",
        topic="ecs",
        title="tasks running",
        unit="count",
        bad="down",
        combine="max",
        floor=1,
        variants=(
            Variant(
                name="ecs_exporter",
                query="max by ($service) (ecs_service_running_tasks{$svc})",
                needs=("ecs_service_running_tasks",),
            ),
            Variant(
                name="CloudWatch exporter",
                query=f'max by ({_BY}) (aws_ecs_containerinsights_running_task_count_average{{{_BY}=~"$names",$scope}})',
                needs=("aws_ecs_containerinsights_running_task_count_average",),
                service_from=_NAME,
            ),
        ),
    ),
    Signal(
        id="ecs_pending_tasks",
        topic="ecs",
        title="tasks pending",
        unit="count",
        bad="up",
        combine="max",
        floor=1,
        variants=(
            Variant(
                name="CloudWatch exporter",
                query=f'max by ({_BY}) (aws_ecs_containerinsights_pending_task_count_average{{{_BY}=~"$names",$scope}})',
                needs=("aws_ecs_containerinsights_pending_task_count_average",),
                service_from=_NAME,
            ),
        ),
    ),
)
