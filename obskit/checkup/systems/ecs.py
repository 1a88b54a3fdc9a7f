"""ECS: do all tasks run, do they stay up, did the deployments come through, is scaling at its end."""

from obskit.checkup.probes import aws
from obskit.checkup.words import Fill, Probe, System

SYSTEM = System(
    name="ecs",
    title="ECS cluster, services, tasks",
    topics=("ecs", "ecs_events", "ecs_resources"),
    tell=("ecs_running_ratio", "ecs_cpu_ratio", "ecs_memory_ratio"),
    fills=(Fill(signal="ecs_storage_ratio", what="task's disk is full in"),),
    probes=(
        Probe(source="AWS", title="services and deployments", ask=aws.services),
        Probe(source="AWS", title="tasks that stopped", ask=aws.stopped_tasks),
    ),
)
