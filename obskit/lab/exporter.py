"""Metrics of tasks and services, named as ecs_exporter and the CloudWatch exporter name them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from obskit.lab.ecs_service import EcsService
from obskit.lab.ecs_task import Task
from obskit.lab.machine import Usage

_MEBIBYTE: Final = 2**20


def of_task(task: Task, used: Usage) -> list[str]:
    """Return a task's lines in Prometheus' text format."""
    revision = task.revision
    own = f'service="{task.service}",task_id="{task.id}",cluster="{task.cluster}"'
    container = f'{own},container_name="{task.service}"'
    return [
        f"ecs_cpu_seconds_total{{{container}}} {used.cpu:.2f}",
        f"ecs_memory_bytes{{{container}}} {used.memory}",
        f"ecs_memory_limit_bytes{{{container}}} {revision.memory * _MEBIBYTE}",
        f"ecs_task_cpu_limit_vcpus{{{own}}} {revision.cpu / 1024:g}",
        f"ecs_task_memory_limit_bytes{{{own}}} {revision.memory * _MEBIBYTE}",
    ]


def of_service(service: EcsService, cluster: str) -> list[str]:
    """Return a service's lines: what is wanted, what runs, what is rolled out."""
    own = f'service="{service.name}",cluster="{cluster}"'
    insights = f'dimension_ServiceName="{service.name}",dimension_ClusterName="{cluster}"'
    alive = service.alive
    running = sum(task.status == "RUNNING" for task in alive)
    under_way = len({task.deployment for task in alive} | {service.primary.id})
    return [
        f"ecs_service_desired_tasks{{{own}}} {service.desired}",
        f"ecs_service_running_tasks{{{own}}} {running}",
        f"ecs_service_pending_tasks{{{own}}} {len(alive) - running}",
        f"aws_ecs_containerinsights_deployment_count_average{{{insights}}} {under_way}",
    ]


def text(services: Mapping[str, EcsService], cluster: str, used: Mapping[str, Usage]) -> list[str]:
    """Return all lines of tasks and services.

    Args:
        services: By name.
        cluster: Their cluster.
        used: By task id; a task that is not in it has no series.
    """
    lines: list[str] = []
    for service in services.values():
        lines += of_service(service, cluster)
        for task in service.tasks.values():
            if task.id in used and task.status in ("RUNNING", "DEACTIVATING", "STOPPING"):
                lines += of_task(task, used[task.id])
    return lines
