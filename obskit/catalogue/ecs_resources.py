"""What ECS tasks reserved and what they use of it, as Container Insights measures it.

Its service numbers are means over the tasks: CPU in units (1024 are a core), memory in MiB
(CloudWatch writes Megabytes, but a task of 512 MiB shows as 512), both as YACE and the
official exporter ("plain labels") name them.
"""

from obskit.catalogue._ecs import insights, insights_ratio
from obskit.model import Signal, Threshold, Variant

SIGNALS = (
    Signal(
        id="ecs_cpu_reserved_cores",
        topic="ecs_resources",
        title="CPU reserved, mean of a task",
        meaning=(
            "What a task may use, in cores (1024 units are one). It changes only with a task definition; "
            "compare with what it uses before making it smaller or larger."
        ),
        unit="count",
        bad="both",
        combine="mean",
        floor=0.05,
        variants=insights("aws_ecs_containerinsights_cpu_reserved_average", " / 1024"),
    ),
    Signal(
        id="ecs_cpu_used_cores",
        topic="ecs_resources",
        title="CPU used, mean of a task",
        meaning=(
            "What a task uses, in cores. Near what is reserved, requests queue for CPU: scale out, or "
            "look for what became expensive."
        ),
        unit="count",
        bad="up",
        combine="mean",
        floor=0.05,
        variants=insights("aws_ecs_containerinsights_cpu_utilized_average", " / 1024"),
    ),
    Signal(
        id="ecs_cpu_ratio",
        topic="ecs_resources",
        title="CPU used, of what is reserved",
        meaning=(
            "How much of their CPU the tasks use. Near 1 on Fargate a task gets no more: latency grows, "
            "and scaling on CPU should have begun long before."
        ),
        unit="ratio",
        bad="up",
        combine="max",
        floor=0.1,
        warn=Threshold(value=0.8, reason="the level of AWS's recommended alarm for a service's CPUUtilization"),
        crit=Threshold(value=0.95, reason="no room is left: requests queue for CPU"),
        variants=insights_ratio(
            "aws_ecs_containerinsights_cpu_utilized_average", "aws_ecs_containerinsights_cpu_reserved_average"
        ),
    ),
    Signal(
        id="ecs_memory_reserved_bytes",
        topic="ecs_resources",
        title="memory reserved, mean of a task",
        meaning="The limit at which a task is killed. It changes only with a task definition.",
        unit="bytes",
        bad="both",
        combine="mean",
        floor=16 * 2**20,
        variants=insights("aws_ecs_containerinsights_memory_reserved_average", " * 1048576"),
    ),
    Signal(
        id="ecs_memory_used_bytes",
        topic="ecs_resources",
        title="memory used, mean of a task",
        meaning=(
            "What a task holds. A climb that never falls back is a leak: it ends with the task being "
            "killed, so restart tasks one by one if that comes too early."
        ),
        unit="bytes",
        bad="up",
        combine="mean",
        floor=16 * 2**20,
        variants=insights("aws_ecs_containerinsights_memory_utilized_average", " * 1048576"),
    ),
    Signal(
        id="ecs_memory_ratio",
        topic="ecs_resources",
        title="memory used, of what is reserved",
        meaning=(
            "How near the tasks are to being killed for memory. It is their mean: a single one may be "
            "nearer. Compare with the last deployment; raise the task's memory if it has to live until "
            "morning."
        ),
        unit="ratio",
        bad="up",
        combine="max",
        floor=0.1,
        warn=Threshold(value=0.8, reason="the level of AWS's recommended alarm for a service's MemoryUtilization"),
        crit=Threshold(value=0.95, reason="the next large request gets a task killed"),
        variants=insights_ratio(
            "aws_ecs_containerinsights_memory_utilized_average", "aws_ecs_containerinsights_memory_reserved_average"
        ),
    ),
    Signal(
        id="ecs_storage_ratio",
        topic="ecs_resources",
        title="ephemeral storage used, of what the task has",
        meaning=(
            "How full the tasks' own disks are. When one is full, writes fail for want of space: find "
            "what is written (logs, uploads, temporary files) or enlarge ephemeralStorage."
        ),
        unit="ratio",
        bad="up",
        combine="max",
        floor=0.05,
        warn=Threshold(value=0.8, reason="a fifth is left: hours at an ordinary growth"),
        crit=Threshold(value=0.95, reason="one large file away from failed writes"),
        variants=(
            Variant(
                name="ecs_exporter",
                query=(
                    "max by ($service, $task) (ecs_task_ephemeral_storage_used_bytes{$svc})"
                    " / max by ($service, $task) (ecs_task_ephemeral_storage_allocated_bytes{$svc} > 0)"
                ),
                needs=("ecs_task_ephemeral_storage_used_bytes", "ecs_task_ephemeral_storage_allocated_bytes"),
            ),
            *insights_ratio(
                "aws_ecs_containerinsights_ephemeral_storage_utilized_average",
                "aws_ecs_containerinsights_ephemeral_storage_reserved_average",
            ),
        ),
    ),
)
