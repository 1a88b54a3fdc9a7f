"""What the machine below moves, as Node Exporter tells it: disks and network; and what it cannot tell."""

from __future__ import annotations

from obskit.model import Signal, Threshold, Variant

_NODE = "node"
#: Disks that are none: loop devices, RAM disks, and optical drives.
_DISKS = 'device!~"loop.*|ram.*|zram.*|sr.*"'
#: Interfaces whose bytes are counted again on the real one, or never leave the machine.
_INTERFACES = 'device!~"lo|veth.*|docker.*|br-.*|cni.*|cali.*"'
#: Filesystems that hold data of somebody.
_FILESYSTEMS = 'fstype!~"ramfs|squashfs|overlay"'
#: Collectors without which an alert on nodes is blind; others fail where their hardware is missing, which is no news.
_COLLECTORS = 'collector=~"cpu|diskstats|filefd|filesystem|loadavg|meminfo|netdev|timex|vmstat"'


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
    Signal(
        id="node_filesystem_readonly",
        topic="node_io",
        title="filesystem is read-only",
        meaning=(
            "Is 1 where nothing can be written. Images, boot media and the root of Bottlerocket are so on purpose, and are"
            " always full: an alert on space leaves them out."
        ),
        unit="count",
        bad="up",
        scope="shared",
        entity=_NODE,
        combine="max",
        floor=1,
        weighed=False,
        variants=(
            Variant(
                name="Node Exporter",
                query=f"max by (instance, mountpoint) (node_filesystem_readonly{{{_FILESYSTEMS},$scope}})",
                needs=("node_filesystem_readonly",),
            ),
        ),
    ),
    Signal(
        id="node_filesystem_turned_readonly",
        topic="node_io",
        title="filesystem became read-only",
        meaning=(
            "Is 1 where a filesystem is read-only that could be written within the last day: the kernel protects it after"
            " an error of the disk. Every write fails; its log (dmesg) names the error."
        ),
        unit="count",
        bad="up",
        scope="shared",
        entity=_NODE,
        combine="max",
        floor=1,
        weighed=False,
        crit=Threshold(value=1, reason="whatever writes there fails from now on"),
        variants=(
            Variant(
                name="Node Exporter",
                query=(
                    f"max by (instance, mountpoint) (node_filesystem_readonly{{{_FILESYSTEMS},$scope}}"
                    f" - min_over_time(node_filesystem_readonly{{{_FILESYSTEMS},$scope}}[1d]))"
                ),
                needs=("node_filesystem_readonly",),
            ),
        ),
    ),
    Signal(
        id="node_network_error_ratio",
        topic="node_io",
        title="share of packets damaged",
        meaning=(
            "Damaged packets, of all that an interface moved while it moved more than ten a second. Drops are left out:"
            " the kernel counts packets as dropped that nobody asked for. Move the work to another node and compare."
        ),
        unit="ratio",
        bad="up",
        scope="shared",
        entity=_NODE,
        combine="max",
        floor=0.005,
        weighed=False,
        warn=Threshold(value=0.01, reason="node-mixin warns beyond 1 % (NodeNetworkReceiveErrs)"),
        variants=(
            Variant(
                name="Node Exporter",
                query=(
                    "sum by (instance, device)"
                    f" (rate(node_network_receive_errs_total{{{_INTERFACES},$scope}}[$rate])"
                    f" + rate(node_network_transmit_errs_total{{{_INTERFACES},$scope}}[$rate]))"
                    " / (sum by (instance, device)"
                    f" (rate(node_network_receive_packets_total{{{_INTERFACES},$scope}}[$rate])"
                    f" + rate(node_network_transmit_packets_total{{{_INTERFACES},$scope}}[$rate])) > 10)"
                ),
                needs=("node_network_receive_errs_total", "node_network_receive_packets_total"),
            ),
        ),
    ),
    Signal(
        id="node_collector_failing",
        topic="node_io",
        title="Node Exporter's collector fails",
        meaning=(
            "Is 1 where Node Exporter cannot read a part of its machine, or a file of the textfile collector: alerts on"
            " that part cannot fire. Its own log names the error, most often a missing mount or permission."
        ),
        unit="count",
        bad="up",
        scope="shared",
        entity=_NODE,
        combine="max",
        floor=1,
        weighed=False,
        warn=Threshold(value=1, reason="what is not read is not watched (NodeTextFileCollectorScrapeError)"),
        variants=(
            Variant(
                name="Node Exporter",
                query=(
                    f"max by (instance, collector) (node_scrape_collector_success{{{_COLLECTORS},$scope}} == bool 0)"
                    " or max by (instance, collector)"
                    ' (label_replace(node_textfile_scrape_error{$scope}, "collector", "textfile", "", ""))'
                ),
                needs=("node_scrape_collector_success",),
            ),
        ),
    ),
)
