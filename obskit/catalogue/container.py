"""What a task uses of what it was given: CPU, memory, file descriptors."""

from obskit.model import Signal, Threshold, Variant

SIGNALS = (
    Signal(
        id="container_cpu_cores",
        topic="container",
        title="CPU used, cores",
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
        ),
    ),
    Signal(
        id="container_cpu_ratio",
        topic="container",
        title="CPU used of the task's limit",
        unit="ratio",
        bad="up",
        combine="mean",
        floor=0.1,
        warn=Threshold(value=0.9, reason="no room left for a burst; queueing delay grows without bound towards 1"),
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
                    ' / container_spec_cpu_period{container!="POD",$svc})'
                ),
                needs=("container_cpu_usage_seconds_total", "container_spec_cpu_quota"),
            ),
            Variant(
                name="CloudWatch exporter",
                query='max by (dimension_ServiceName) (aws_ecs_cpuutilization_average{dimension_ServiceName=~"$names",$scope}) / 100',
                needs=("aws_ecs_cpuutilization_average",),
                service_from=("dimension_ServiceName", "(.*)"),
            ),
        ),
    ),
    Signal(
        id="container_cpu_throttled_ratio",
        topic="container",
        title="share of CPU periods that were throttled",
        unit="ratio",
        bad="up",
        combine="mean",
        floor=0.1,
        warn=Threshold(value=0.25, reason="kubernetes-mixin alerts on a quarter of the periods (CPUThrottlingHigh)"),
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
        ),
    ),
    Signal(
        id="container_memory_ratio",
        topic="container",
        title="memory used of the task's limit",
        unit="ratio",
        bad="up",
        combine="max",
        floor=0.1,
        warn=Threshold(value=0.9, reason="the kernel kills at 1; a tenth is what a burst of requests may take"),
        variants=(
            Variant(
                name="ecs_exporter",
                query=(
                    "sum by ($service, $task) (ecs_memory_bytes{$svc})"
                    " / sum by ($service, $task) (ecs_memory_limit_bytes{$svc})"
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
            Variant(
                name="CloudWatch exporter",
                query='max by (dimension_ServiceName) (aws_ecs_memory_utilization_average{dimension_ServiceName=~"$names",$scope}) / 100',
                needs=("aws_ecs_memory_utilization_average",),
                service_from=("dimension_ServiceName", "(.*)"),
            ),
        ),
    ),
    Signal(
        id="process_fds_ratio",
        topic="container",
        title="file descriptors used of the limit",
        unit="ratio",
        bad="up",
        combine="max",
        floor=0.1,
        warn=Threshold(value=0.85, reason="what is left is gone within one burst of connections"),
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
        ),
    ),
)
