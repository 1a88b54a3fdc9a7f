"""What a task uses of what it was given: CPU, memory, file descriptors.

ecs_exporter changed its names; both are spoken. The collector's awsecscontainermetrics
receiver gives one series a task, with the unit at the end of the name or without, as the
exporter behind it is set.
"""

from __future__ import annotations

from obskit.catalogue._ecs import percent
from obskit.model import Signal, Threshold, Variant

_COLLECTOR = "aws_ecs_service_name"
_COLLECTOR_SERVICE = (_COLLECTOR, "(.*)")


def _collector_ratio(used: str, reserved: str, *, name: str) -> Variant:
    """Return a variant of what the collector's receiver reports as used and reserved, in one unit."""
    return Variant(
        name=name,
        query=(
            f'max by ({_COLLECTOR}) ({used}{{{_COLLECTOR}=~"$names",$scope}}'
            f' / ({reserved}{{{_COLLECTOR}=~"$names",$scope}} > 0))'
        ),
        needs=(used, reserved),
        service_from=_COLLECTOR_SERVICE,
    )


SIGNALS = (
    Signal(
        id="container_cpu_cores",
        topic="container",
        title="CPU used, cores",
        meaning=(
            "How many cores each task keeps busy. Compare with the rate of requests: more CPU for the same traffic came"
            " with a deployment or other input; more for more traffic asks for more tasks."
        ),
        unit="count",
        bad="up",
        floor=0.05,
        variants=(
            Variant(
                name="ecs_exporter",
                query="sum by ($service, $task) (rate(ecs_cpu_seconds_total{$svc}[$rate]))",
                needs=("ecs_cpu_seconds_total",),
            ),
            Variant(
                name="cAdvisor",
                query='sum by ($service, $task) (rate(container_cpu_usage_seconds_total{container!="POD",$svc}[$rate]))',
                needs=("container_cpu_usage_seconds_total",),
            ),
            Variant(
                name="process",
                query="sum by ($service, $task) (rate(process_cpu_seconds_total{$svc}[$rate]))",
                needs=("process_cpu_seconds_total",),
            ),
            Variant(
                name="ecs_exporter, newer names",
                query="sum by ($service, $task) (rate(ecs_container_cpu_usage_seconds_total{$svc}[$rate]))",
                needs=("ecs_container_cpu_usage_seconds_total",),
            ),
            Variant(
                name="OpenTelemetry",
                query="sum by ($service, $task) (rate(process_cpu_time_seconds_total{$svc}[$rate]))",
                needs=("process_cpu_time_seconds_total",),
            ),
            Variant(
                name="OpenTelemetry, JVM",
                query="sum by ($service, $task) (rate(jvm_cpu_time_seconds_total{$svc}[$rate]))",
                needs=("jvm_cpu_time_seconds_total",),
            ),
        ),
    ),
    Signal(
        id="container_cpu_ratio",
        topic="container",
        title="CPU used of the task's limit",
        meaning=(
            "How much of its CPU a task uses. Near 1 every burst waits: scale out now, then find what costs the CPU"
            " (traffic, a deployment, garbage collection, retries)."
        ),
        unit="ratio",
        bad="up",
        combine="mean",
        floor=0.1,
        warn=Threshold(value=0.9, reason="no room left for a burst; queueing delay grows without bound towards 1"),
        crit=Threshold(value=0.97, reason="at its limit: requests and health checks wait for CPU"),
        variants=(
            Variant(
                name="ecs_exporter",
                query=(
                    "sum by ($service, $task) (rate(ecs_cpu_seconds_total{$svc}[$rate]))"
                    " / max by ($service, $task) (ecs_task_cpu_limit_vcpus{$svc})"
                ),
                needs=("ecs_cpu_seconds_total", "ecs_task_cpu_limit_vcpus"),
            ),
            Variant(
                name="cAdvisor",
                query=(
                    'sum by ($service, $task) (rate(container_cpu_usage_seconds_total{container!="POD",$svc}[$rate]))'
                    ' / sum by ($service, $task) (container_spec_cpu_quota{container!="POD",$svc}'
                    ' / (container_spec_cpu_period{container!="POD",$svc} > 0))'
                ),
                needs=("container_cpu_usage_seconds_total", "container_spec_cpu_quota"),
            ),
            *percent("aws_ecs_cpuutilization_average"),
            Variant(
                name="ecs_exporter, newer names",
                query=(
                    "sum by ($service, $task) (rate(ecs_container_cpu_usage_seconds_total{$svc}[$rate]))"
                    " / max by ($service, $task) (ecs_task_cpu_limit_vcpus{$svc})"
                ),
                needs=("ecs_container_cpu_usage_seconds_total", "ecs_task_cpu_limit_vcpus"),
            ),
            # Both are in CPU units: the receiver calls "utilized" a percentage, but divides containers only.
            _collector_ratio(
                "ecs_task_cpu_utilized_None",
                "ecs_task_cpu_reserved_None",
                name="awsecscontainermetrics, units in names",
            ),
            _collector_ratio("ecs_task_cpu_utilized", "ecs_task_cpu_reserved", name="awsecscontainermetrics"),
            Variant(
                name="Micrometer",
                query="max by ($service, $task) (process_cpu_usage{$svc})",
                needs=("process_cpu_usage",),
            ),
        ),
    ),
    Signal(
        id="container_cpu_throttled_ratio",
        topic="container",
        title="share of CPU periods that were throttled",
        meaning=(
            "How often the kernel made the task stand still because it had used its share of a period. It hurts the"
            " slowest requests first, even at low average CPU: raise the limit, or use fewer threads."
        ),
        unit="ratio",
        bad="up",
        combine="mean",
        floor=0.1,
        warn=Threshold(value=0.25, reason="kubernetes-mixin alerts on a quarter of the periods (CPUThrottlingHigh)"),
        crit=Threshold(value=0.5, reason="in every other period the task stood still before its end"),
        variants=(
            Variant(
                name="cAdvisor",
                query=(
                    "sum by ($service, $task) (rate(container_cpu_cfs_throttled_periods_total{$svc}[$rate]))"
                    " / sum by ($service, $task) (rate(container_cpu_cfs_periods_total{$svc}[$rate]))"
                ),
                needs=("container_cpu_cfs_throttled_periods_total", "container_cpu_cfs_periods_total"),
            ),
        ),
    ),
    Signal(
        id="container_memory_bytes",
        topic="container",
        title="memory used",
        meaning=(
            "The memory that each task holds. A steady climb that a restart resets is a leak: compare with the heap"
            " to learn whether it is inside the runtime, and roll back what began it."
        ),
        unit="bytes",
        bad="up",
        combine="mean",
        floor=20 * 2**20,
        variants=(
            Variant(
                name="ecs_exporter",
                query="sum by ($service, $task) (ecs_memory_bytes{$svc})",
                needs=("ecs_memory_bytes",),
            ),
            Variant(
                name="cAdvisor",
                query='sum by ($service, $task) (container_memory_working_set_bytes{container!="POD",$svc})',
                needs=("container_memory_working_set_bytes",),
            ),
            Variant(
                name="process",
                query="sum by ($service, $task) (process_resident_memory_bytes{$svc})",
                needs=("process_resident_memory_bytes",),
            ),
            Variant(
                name="ecs_exporter, newer names",
                query="sum by ($service, $task) (ecs_container_memory_usage_bytes{$svc})",
                needs=("ecs_container_memory_usage_bytes",),
            ),
            Variant(
                name="OpenTelemetry",
                query="sum by ($service, $task) (process_memory_usage_bytes{$svc})",
                needs=("process_memory_usage_bytes",),
            ),
            Variant(
                name="OpenTelemetry, CPython",
                query='sum by ($service, $task) (process_runtime_cpython_memory_bytes{type="rss",$svc})',
                needs=("process_runtime_cpython_memory_bytes",),
            ),
        ),
    ),
    Signal(
        id="container_memory_ratio",
        topic="container",
        title="memory used of the task's limit",
        meaning=(
            "How near a task is to being killed for its memory (exit code 137). Give it more memory or restart it before"
            " the kernel does, then look for the leak or the large request."
        ),
        unit="ratio",
        bad="up",
        combine="max",
        floor=0.1,
        warn=Threshold(value=0.9, reason="the kernel kills at 1; a tenth is what a burst of requests may take"),
        crit=Threshold(value=0.97, reason="the next large allocation is killed"),
        variants=(
            # A container without a limit of its own reports one of 8 EiB; then the task's holds.
            Variant(
                name="ecs_exporter",
                query=(
                    "sum by ($service, $task) (ecs_memory_bytes{$svc} and ecs_memory_limit_bytes{$svc} < 2^50)"
                    " / sum by ($service, $task) (ecs_memory_limit_bytes{$svc} < 2^50)"
                    " or sum by ($service, $task) (ecs_memory_bytes{$svc})"
                    " / max by ($service, $task) (ecs_task_memory_limit_bytes{$svc})"
                ),
                needs=("ecs_memory_bytes", "ecs_memory_limit_bytes"),
            ),
            Variant(
                name="cAdvisor",
                query=(
                    'sum by ($service, $task) (container_memory_working_set_bytes{container!="POD",$svc})'
                    ' / sum by ($service, $task) (container_spec_memory_limit_bytes{container!="POD",$svc} > 0)'
                ),
                needs=("container_memory_working_set_bytes", "container_spec_memory_limit_bytes"),
            ),
            *percent("aws_ecs_memory_utilization_average"),
            Variant(
                name="ecs_exporter, newer names",
                query=(
                    "sum by ($service, $task) (ecs_container_memory_usage_bytes{$svc})"
                    " / max by ($service, $task) (ecs_task_memory_limit_bytes{$svc})"
                ),
                needs=("ecs_container_memory_usage_bytes", "ecs_task_memory_limit_bytes"),
            ),
            _collector_ratio(
                "ecs_task_memory_utilized_Megabytes",
                "ecs_task_memory_reserved_Megabytes",
                name="awsecscontainermetrics, units in names",
            ),
            _collector_ratio("ecs_task_memory_utilized", "ecs_task_memory_reserved", name="awsecscontainermetrics"),
        ),
    ),
    Signal(
        id="process_fds_ratio",
        topic="container",
        title="file descriptors used of the limit",
        meaning=(
            "How near a process is to being refused files and connections (too many open files). Restart the task to"
            " win time, then look for connections or files that are opened and never closed."
        ),
        unit="ratio",
        bad="up",
        combine="max",
        floor=0.1,
        warn=Threshold(value=0.85, reason="what is left is gone within one burst of connections"),
        crit=Threshold(value=0.95, reason="at 1 accept() and connect() fail with EMFILE"),
        variants=(
            Variant(
                name="process",
                query="max by ($service, $task) (process_open_fds{$svc} / process_max_fds{$svc})",
                needs=("process_open_fds", "process_max_fds"),
            ),
            Variant(
                name="Micrometer",
                query="max by ($service, $task) (process_files_open_files{$svc} / process_files_max_files{$svc})",
                needs=("process_files_open_files", "process_files_max_files"),
            ),
        ),
    ),
    Signal(
        id="process_fds",
        topic="container",
        title="file descriptors open",
        meaning=(
            "Files and connections that a process holds. A climb that traffic does not explain is a leak, mostly of"
            " connections to a dependency that hangs."
        ),
        unit="count",
        bad="up",
        combine="max",
        floor=20,
        variants=(
            Variant(
                name="process",
                query="max by ($service, $task) (process_open_fds{$svc})",
                needs=("process_open_fds",),
            ),
            Variant(
                name="Micrometer",
                query="max by ($service, $task) (process_files_open_files{$svc})",
                needs=("process_files_open_files",),
            ),
            Variant(
                name="OpenTelemetry",
                query="max by ($service, $task) (process_open_file_descriptor_count{$svc})",
                needs=("process_open_file_descriptor_count",),
            ),
        ),
    ),
)
