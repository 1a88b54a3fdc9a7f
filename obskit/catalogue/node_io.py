"""What the machine below moves, as Node Exporter tells it: disks and network."""

from __future__ import annotations

from obskit.model import Signal, Threshold, Variant

_NODE = "node"
#: Disks that are none: loop devices, RAM disks, and optical drives.
_DISKS = 'device!~"loop.*|ram.*|zram.*|sr.*"'
#: Interfaces whose bytes are counted again on the real one, or never leave the machine.
_INTERFACES = 'device!~"lo|veth.*|docker.*|br-.*|cni.*|cali.*"'


def _throughput(metric: str, matcher: str) -> tuple[Variant, ...]:
    return (
        Variant(
            name="Node Exporter",
            query=f"sum by (instance) (rate({metric}{{{matcher},$scope}}[$rate]))",
            needs=(metric,),
        ),
    )


SIGNALS = (
    Signal(
        id="node_disk_read_bytes",
        topic="node_io",
        title="disk reads",
        meaning=(
            "Bytes read from the node's disks. A rise without more traffic is a scan, a backup, or a page cache that"
            " memory pressure took away."
        ),
        unit="bytes_per_second",
        bad="up",
        scope="shared",
        entity=_NODE,
        weighed=False,
        variants=_throughput("node_disk_read_bytes_total", _DISKS),
    ),
    Signal(
        id="node_disk_write_bytes",
        topic="node_io",
        title="disk writes",
        meaning=(
            "Bytes written to the node's disks. A lasting rise fills a filesystem: find the writer before it is full."
        ),
        unit="bytes_per_second",
        bad="up",
        scope="shared",
        entity=_NODE,
        weighed=False,
        variants=_throughput("node_disk_written_bytes_total", _DISKS),
    ),
    Signal(
        id="node_disk_queue",
        topic="node_io",
        title="disk requests waiting",
        meaning=(
            "Requests that are with the busiest disk or wait for it, on average. Long queues are felt by everything"
            " that writes: find the writer, or give the volume more IOPS."
        ),
        unit="count",
        bad="up",
        scope="shared",
        entity=_NODE,
        combine="max",
        floor=3,
        warn=Threshold(value=10, reason="node-mixin warns beyond ten (NodeDiskIOSaturation)"),
        variants=(
            Variant(
                name="Node Exporter",
                query=f"max by (instance) (rate(node_disk_io_time_weighted_seconds_total{{{_DISKS},$scope}}[$rate]))",
                needs=("node_disk_io_time_weighted_seconds_total",),
            ),
        ),
    ),
    Signal(
        id="node_network_receive_bytes",
        topic="node_io",
        title="node network received",
        meaning=(
            "Bytes that come in by the node's real interfaces. Compare with the instance type's bandwidth: at its limit"
            " packets are dropped and everything on the node slows down together."
        ),
        unit="bytes_per_second",
        bad="both",
        scope="shared",
        entity=_NODE,
        weighed=False,
        variants=_throughput("node_network_receive_bytes_total", _INTERFACES),
    ),
    Signal(
        id="node_network_transmit_bytes",
        topic="node_io",
        title="node network sent",
        meaning=(
            "Bytes that leave by the node's real interfaces. Compare with the instance type's bandwidth, and look for"
            " the task whose own traffic rose with it."
        ),
        unit="bytes_per_second",
        bad="both",
        scope="shared",
        entity=_NODE,
        weighed=False,
        variants=_throughput("node_network_transmit_bytes_total", _INTERFACES),
    ),
)
