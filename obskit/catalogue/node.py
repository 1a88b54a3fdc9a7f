"""The machine below, as Node Exporter tells it (on Fargate: the microVM of the exporter's task)."""

from obskit.model import Signal, Threshold, Variant

_NODE = "node"

SIGNALS = (
    Signal(
        id="node_cpu_ratio",
        topic="node",
        title="node CPU busy",
        unit="ratio",
        bad="up",
        scope="shared",
        entity=_NODE,
        combine="max",
        floor=0.15,
        warn=Threshold(value=0.9, reason="node-mixin warns at 90 % (NodeCPUHighUsage)"),
        variants=(
            Variant(
                name="Node Exporter",
                query='1 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle",$scope}[$rate]))',
                needs=("node_cpu_seconds_total",),
            ),
        ),
    ),
    Signal(
        id="node_steal_ratio",
        topic="node",
        title="node CPU stolen by the hypervisor",
        unit="ratio",
        bad="up",
        scope="shared",
        entity=_NODE,
        combine="max",
        floor=0.1,
        variants=(
            Variant(
                name="Node Exporter",
                query='avg by (instance) (rate(node_cpu_seconds_total{mode="steal",$scope}[$rate]))',
                needs=("node_cpu_seconds_total",),
            ),
        ),
    ),
    Signal(
        id="node_load_per_core",
        topic="node",
        title="node load, per core",
        unit="count",
        bad="up",
        scope="shared",
        entity=_NODE,
        combine="max",
        floor=0.7,
        warn=Threshold(value=2, reason="node-mixin warns at twice the cores (NodeSystemSaturation)"),
        variants=(
            Variant(
                name="Node Exporter",
                query=(
                    "max by (instance) (node_load1{$scope})"
                    ' / count by (instance) (node_cpu_seconds_total{mode="idle",$scope})'
                ),
                needs=("node_load1", "node_cpu_seconds_total"),
            ),
        ),
    ),
    Signal(
        id="node_memory_ratio",
        topic="node",
        title="node memory used",
        unit="ratio",
        bad="up",
        scope="shared",
        entity=_NODE,
        combine="max",
        floor=0.1,
        warn=Threshold(value=0.9, reason="node-mixin warns at 90 % (NodeMemoryHighUtilization)"),
        variants=(
            Variant(
                name="Node Exporter",
                query=(
                    "1 - max by (instance) (node_memory_MemAvailable_bytes{$scope})"
                    " / max by (instance) (node_memory_MemTotal_bytes{$scope})"
                ),
                needs=("node_memory_MemAvailable_bytes", "node_memory_MemTotal_bytes"),
            ),
        ),
    ),
    Signal(
        id="node_major_faults",
        topic="node",
        title="node pages read back from disk",
        unit="per_second",
        bad="up",
        scope="shared",
        entity=_NODE,
        combine="max",
        floor=200,
        variants=(
            Variant(
                name="Node Exporter",
                query="max by (instance) (rate(node_vmstat_pgmajfault{$scope}[$rate]))",
                needs=("node_vmstat_pgmajfault",),
            ),
        ),
    ),
    Signal(
        id="node_disk_used_ratio",
        topic="node",
        title="filesystem used",
        unit="ratio",
        bad="up",
        scope="shared",
        entity=_NODE,
        combine="max",
        floor=0.1,
        warn=Threshold(value=0.95, reason="node-mixin pages at 5 % left (NodeFilesystemAlmostOutOfSpace: 3 %)"),
        variants=(
            Variant(
                name="Node Exporter",
                query=(
                    "1 - max by (instance, mountpoint)"
                    ' (node_filesystem_avail_bytes{fstype!~"ramfs|squashfs|overlay",mountpoint!~"/(run|proc|sys|dev)(/.*)?",$scope})'
                    " / max by (instance, mountpoint)"
                    ' (node_filesystem_size_bytes{fstype!~"ramfs|squashfs|overlay",mountpoint!~"/(run|proc|sys|dev)(/.*)?",$scope} > 0)'
                ),
                needs=("node_filesystem_avail_bytes", "node_filesystem_size_bytes"),
            ),
        ),
    ),
    Signal(
        id="node_inodes_used_ratio",
        topic="node",
        title="inodes used",
        unit="ratio",
        bad="up",
        scope="shared",
        entity=_NODE,
        combine="max",
        floor=0.1,
        warn=Threshold(value=0.95, reason="node-mixin pages at 3 to 5 % left (NodeFilesystemAlmostOutOfFiles)"),
        variants=(
            Variant(
                name="Node Exporter",
                query=(
                    '1 - max by (instance, mountpoint) (node_filesystem_files_free{fstype!~"ramfs|squashfs|overlay",$scope})'
                    ' / max by (instance, mountpoint) (node_filesystem_files{fstype!~"ramfs|squashfs|overlay",$scope} > 0)'
                ),
                needs=("node_filesystem_files_free", "node_filesystem_files"),
            ),
        ),
    ),
    Signal(
        id="node_disk_busy_ratio",
        topic="node",
        title="disk busy",
        unit="ratio",
        bad="up",
        scope="shared",
        entity=_NODE,
        combine="max",
        floor=0.3,
        warn=Threshold(value=0.9, reason="a device that is busy nine tenths of the time queues"),
        variants=(
            Variant(
                name="Node Exporter",
                query='max by (instance) (rate(node_disk_io_time_seconds_total{device!~"loop.*|ram.*|zram.*",$scope}[$rate]))',
                needs=("node_disk_io_time_seconds_total",),
            ),
        ),
    ),
    Signal(
        id="node_network_errors",
        topic="node",
        title="network errors and drops",
        unit="per_second",
        bad="up",
        scope="shared",
        entity=_NODE,
        combine="max",
        floor=5,
        variants=(
            Variant(
                name="Node Exporter",
                query=(
                    "sum by (instance) (rate(node_network_receive_errs_total{$scope}[$rate])"
                    " + rate(node_network_transmit_errs_total{$scope}[$rate])"
                    " + rate(node_network_receive_drop_total{$scope}[$rate])"
                    " + rate(node_network_transmit_drop_total{$scope}[$rate]))"
                ),
                needs=("node_network_receive_errs_total", "node_network_receive_drop_total"),
            ),
        ),
    ),
    Signal(
        id="node_clock_offset",
        topic="node",
        title="clock offset",
        unit="seconds",
        bad="up",
        scope="shared",
        entity=_NODE,
        combine="max",
        floor=0.05,
        warn=Threshold(value=0.05, reason="node-mixin warns beyond 50 ms (NodeClockSkewDetected)"),
        variants=(
            Variant(
                name="Node Exporter",
                query="max by (instance) (abs(node_timex_offset_seconds{$scope}))",
                needs=("node_timex_offset_seconds",),
            ),
        ),
    ),
)
