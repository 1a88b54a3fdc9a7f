"""What a task moves and stores: network, disk, Fargate's ephemeral storage."""

from __future__ import annotations

from obskit.catalogue._ecs import insights_ratio
from obskit.model import Signal, Threshold, Variant

_USED = "aws_ecs_containerinsights_ephemeral_storage_utilized_average"
_RESERVED = "aws_ecs_containerinsights_ephemeral_storage_reserved_average"


def _throughput(exporter: str, cadvisor: str) -> tuple[Variant, ...]:
    """Return a task's network throughput.

    The containers of a task share their interfaces, and older versions of ecs_exporter repeat
    the interface's numbers for each of them: the largest is the task's, a sum would be too much.
    """
    return (
        Variant(
            name="ecs_exporter",
            query=f"max by ($service, $task) (rate({exporter}{{$svc}}[$rate]))",
            needs=(exporter,),
        ),
        Variant(
            name="cAdvisor",
            query=f'sum by ($service, $task) (rate({cadvisor}{{interface!="lo",$svc}}[$rate]))',
            needs=(cadvisor,),
        ),
    )


def _disk(metric: str) -> tuple[Variant, ...]:
    return (
        Variant(
            name="cAdvisor",
            query=f'sum by ($service, $task) (rate({metric}{{container!="POD",$svc}}[$rate]))',
            needs=(metric,),
        ),
    )


SIGNALS = (
    Signal(
        id="container_network_receive_bytes",
        topic="container_io",
        title="network received",
        meaning=(
            "What each task takes in. It follows the requests; more bytes for the same requests are larger uploads or"
            " larger answers of a dependency, a database without a LIMIT for example."
        ),
        unit="bytes_per_second",
        bad="both",
        weighed=False,
        variants=_throughput("ecs_network_receive_bytes_total", "container_network_receive_bytes_total"),
    ),
    Signal(
        id="container_network_transmit_bytes",
        topic="container_io",
        title="network sent",
        meaning=(
            "What each task sends. It follows the requests; more bytes for the same requests are larger answers, more"
            " queries or logs. Nothing sent while requests come in is a task that is cut off."
        ),
        unit="bytes_per_second",
        bad="both",
        weighed=False,
        variants=_throughput("ecs_network_transmit_bytes_total", "container_network_transmit_bytes_total"),
    ),
    Signal(
        id="container_network_errors",
        topic="container_io",
        title="network errors and drops of a task",
        meaning=(
            "Packets that were damaged or thrown away at the task's interface. A healthy task has none: errors are the"
            " platform's (replace the task), drops mean that the task does not read fast enough."
        ),
        unit="per_second",
        bad="up",
        floor=5,
        warn=Threshold(value=1, reason="at rest there are none; one a second already costs connections their speed"),
        variants=(
            Variant(
                name="ecs_exporter",
                query=(
                    "max by ($service, $task) (rate(ecs_network_receive_errors_total{$svc}[$rate])"
                    " + rate(ecs_network_transmit_errors_total{$svc}[$rate])"
                    " + rate(ecs_network_receive_dropped_total{$svc}[$rate])"
                    " + rate(ecs_network_transmit_dropped_total{$svc}[$rate]))"
                ),
                needs=("ecs_network_receive_errors_total", "ecs_network_receive_dropped_total"),
            ),
            Variant(
                name="cAdvisor",
                query=(
                    'sum by ($service, $task) (rate(container_network_receive_errors_total{interface!="lo",$svc}[$rate])'
                    ' + rate(container_network_transmit_errors_total{interface!="lo",$svc}[$rate])'
                    ' + rate(container_network_receive_packets_dropped_total{interface!="lo",$svc}[$rate])'
                    ' + rate(container_network_transmit_packets_dropped_total{interface!="lo",$svc}[$rate]))'
                ),
                needs=("container_network_receive_errors_total", "container_network_receive_packets_dropped_total"),
            ),
            Variant(
                name="ecs_exporter, newer names",
                query=(
                    "max by ($service, $task) (rate(ecs_network_receive_errors_total{$svc}[$rate])"
                    " + rate(ecs_network_transmit_errors_total{$svc}[$rate])"
                    " + rate(ecs_network_receive_packets_dropped_total{$svc}[$rate])"
                    " + rate(ecs_network_transmit_dropped_total{$svc}[$rate]))"
                ),
                needs=("ecs_network_receive_errors_total", "ecs_network_receive_packets_dropped_total"),
            ),
        ),
    ),
    Signal(
        id="container_disk_read_bytes",
        topic="container_io",
        title="disk read by a task",
        meaning=(
            "What each task reads from disk. A service that lives in memory and begins to read has lost its page cache"
            " to memory pressure: look at its memory first."
        ),
        unit="bytes_per_second",
        bad="up",
        weighed=False,
        variants=_disk("container_fs_reads_bytes_total"),
    ),
    Signal(
        id="container_disk_write_bytes",
        topic="container_io",
        title="disk written by a task",
        meaning=(
            "What each task writes to disk: logs, uploads, temporary files. A lasting rise fills the task's storage;"
            " find the file before it is full."
        ),
        unit="bytes_per_second",
        bad="up",
        weighed=False,
        variants=_disk("container_fs_writes_bytes_total"),
    ),
    Signal(
        id="container_storage_ratio",
        topic="container_io",
        title="ephemeral storage used",
        meaning=(
            "How full the task's own disk is (Fargate's ephemeral storage; it holds the image too). At 1 writes fail"
            " with ENOSPC: replace the task to win time, then stop what writes, or give it more."
        ),
        unit="ratio",
        bad="up",
        combine="max",
        floor=0.1,
        warn=Threshold(value=0.85, reason="of Fargate's 20 GiB three are left: hours for a log that runs away"),
        crit=Threshold(value=0.95, reason="of Fargate's 20 GiB one is left; at 1 every write fails"),
        variants=(
            Variant(
                name="ecs_exporter, newer names",
                query=(
                    "max by ($service, $task) (ecs_task_ephemeral_storage_used_bytes{$svc}"
                    " / (ecs_task_ephemeral_storage_allocated_bytes{$svc} > 0))"
                ),
                needs=("ecs_task_ephemeral_storage_used_bytes", "ecs_task_ephemeral_storage_allocated_bytes"),
            ),
            insights_ratio(_USED, _RESERVED)[0],
        ),
    ),
)
