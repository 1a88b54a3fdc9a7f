"""The machine below, as Node Exporter tells it (on Fargate: the microVM of the exporter's task)."""

from __future__ import annotations

from obskit.model import Signal, Threshold, Variant

_NODE = "node"
SIGNALS = (
    Signal(
        id="node_cpu_ratio",
        topic="node",
        title="node CPU busy",
        meaning=(
            "Share of the node's CPU time that is not idle. Find the process (top, or the containers' CPU on this"
            " node); on Fargate it is the task's own size: give it more, or run more tasks."
        ),
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
        id="node_cpu_working_ratio",
        topic="node",
        title="node CPU at work",
        meaning=(
            "CPU time in which something ran: neither idle nor waiting for a disk, which counts as busy elsewhere. Near"
            " 1 with a load above the cores it is the CPU that is short; low with a high load it is a disk or a server."
        ),
        unit="ratio",
        bad="up",
        scope="shared",
        entity=_NODE,
        combine="max",
        floor=0.15,
        weighed=False,
        variants=(
            Variant(
                name="Node Exporter",
                query=(
                    "1 - avg by (instance) (sum by (instance, cpu)"
                    ' (rate(node_cpu_seconds_total{mode=~"idle|iowait",$scope}[$rate])))'
                ),
                needs=("node_cpu_seconds_total",),
            ),
        ),
    ),
    Signal(
        id="node_steal_ratio",
        topic="node",
        title="node CPU stolen by the hypervisor",
        meaning=(
            "CPU time that the hypervisor gave to others. The work is slow through no fault of its own: replace"
            " the node, or leave burstable instance types whose credits are used up."
        ),
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
        meaning=(
            "Processes that run or wait, for each core. High with busy CPU: too much work; high with idle CPU:"
            " they wait for the disk or an NFS server."
        ),
        unit="count",
        bad="up",
        scope="shared",
        entity=_NODE,
        combine="max",
        floor=0.7,
        warn=Threshold(value=2, reason="node-mixin warns at twice the cores (NodeSystemSaturation)"),
        crit=Threshold(
            value=4, reason="each core has three more waiting than it can run: twice what node-mixin warns at"
        ),
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
        meaning=(
            "Share of memory that is not available any more. Beyond the warning the page cache goes first and"
            " everything reads from disk; find the process that grows before the kernel kills one."
        ),
        unit="ratio",
        bad="up",
        scope="shared",
        entity=_NODE,
        combine="max",
        floor=0.1,
        warn=Threshold(value=0.9, reason="node-mixin warns at 90 % (NodeMemoryHighUtilization)"),
        crit=Threshold(
            value=0.95, reason="a twentieth is what the kernel keeps free to work at all; next it kills a process"
        ),
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
        meaning=(
            "Pages that had to be read back from disk. Many of them mean that memory is short although none is"
            " killed yet: free memory, or everything on the node slows down."
        ),
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
        meaning=(
            "How full each filesystem is. Delete or rotate what grows (du -x), or enlarge it; databases and"
            " brokers stop at 1 and may not start again."
        ),
        unit="ratio",
        bad="up",
        scope="shared",
        entity=_NODE,
        combine="max",
        floor=0.1,
        warn=Threshold(value=0.95, reason="node-mixin warns at 5 % left (NodeFilesystemAlmostOutOfSpace)"),
        crit=Threshold(value=0.97, reason="node-mixin pages at 3 % left (NodeFilesystemAlmostOutOfSpace)"),
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
        meaning=(
            "Share of the possible files that exist. At 1 no file can be created although there is space: look"
            " for a directory with millions of small files (sessions, mails, caches)."
        ),
        unit="ratio",
        bad="up",
        scope="shared",
        entity=_NODE,
        combine="max",
        floor=0.1,
        warn=Threshold(value=0.95, reason="node-mixin warns at 5 % left (NodeFilesystemAlmostOutOfFiles)"),
        crit=Threshold(value=0.97, reason="node-mixin pages at 3 % left (NodeFilesystemAlmostOutOfFiles)"),
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
        meaning=(
            "Share of the time in which the busiest disk worked. Near 1 requests queue: find the writer (iotop);"
            " on EBS compare with the volume's IOPS and throughput limits."
        ),
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
        meaning=(
            "Packets damaged or dropped at the node's interfaces. Errors are cable, driver or platform; drops are"
            " a node or a buffer that cannot keep up. Move the work to another node and compare."
        ),
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
        meaning=(
            "How far the clock is from its time server. Tokens, certificates and TLS break with it, and times in"
            " logs lie: check chrony, and on AWS the server 169.254.169.123."
        ),
        unit="seconds",
        bad="up",
        scope="shared",
        entity=_NODE,
        combine="max",
        floor=0.05,
        warn=Threshold(value=0.05, reason="node-mixin warns beyond 50 ms (NodeClockSkewDetected)"),
        crit=Threshold(value=1, reason="a token that is valid from now on is refused elsewhere for a second"),
        variants=(
            Variant(
                name="Node Exporter",
                query="max by (instance) (abs(node_timex_offset_seconds{$scope}))",
                needs=("node_timex_offset_seconds",),
            ),
        ),
    ),
    Signal(
        id="node_clock_error_bound",
        topic="node",
        title="how wrong the clock may be",
        meaning=(
            "The kernel's own bound of the clock's error: half a millisecond more each second until a time server"
            " answers. It grows where nothing sets the clock any more: look at chrony or systemd-timesyncd."
        ),
        unit="seconds",
        bad="up",
        scope="shared",
        entity=_NODE,
        combine="max",
        floor=1,
        weighed=False,
        variants=(
            Variant(
                name="Node Exporter",
                query="max by (instance) (node_timex_maxerror_seconds{$scope})",
                needs=("node_timex_maxerror_seconds",),
            ),
        ),
    ),
    Signal(
        id="node_fds_ratio",
        topic="node",
        title="node file descriptors used",
        meaning=(
            "Share of the files that the kernel allows on the whole node. Near 1 no process can open anything: find the"
            " one that leaks (lsof), restart it, and only then raise fs.file-max."
        ),
        unit="ratio",
        bad="up",
        scope="shared",
        entity=_NODE,
        combine="max",
        floor=0.1,
        warn=Threshold(value=0.7, reason="node-mixin warns at 70 % (NodeFileDescriptorLimit)"),
        crit=Threshold(value=0.9, reason="node-mixin pages at 90 % (NodeFileDescriptorLimit)"),
        variants=(
            Variant(
                name="Node Exporter",
                query=(
                    "max by (instance) (node_filefd_allocated{$scope})"
                    " / max by (instance) (node_filefd_maximum{$scope} > 0)"
                ),
                needs=("node_filefd_allocated", "node_filefd_maximum"),
            ),
        ),
    ),
    Signal(
        id="node_conntrack_ratio",
        topic="node",
        title="tracked connections used",
        meaning=(
            "Share of the connections that the kernel's firewall can remember. At 1 new connections are dropped without"
            " a word: close idle ones, and raise nf_conntrack_max."
        ),
        unit="ratio",
        bad="up",
        scope="shared",
        entity=_NODE,
        combine="max",
        floor=0.1,
        warn=Threshold(value=0.75, reason="node-mixin warns at 75 % (NodeHighNumberConntrackEntriesUsed)"),
        crit=Threshold(value=0.9, reason="a burst of a tenth more connections is dropped"),
        variants=(
            Variant(
                name="Node Exporter",
                query=(
                    "max by (instance) (node_nf_conntrack_entries{$scope})"
                    " / max by (instance) (node_nf_conntrack_entries_limit{$scope} > 0)"
                ),
                needs=("node_nf_conntrack_entries", "node_nf_conntrack_entries_limit"),
            ),
        ),
    ),
    Signal(
        id="node_oom_kills",
        topic="node",
        title="processes killed for memory in 15 minutes",
        meaning=(
            "Processes that the kernel killed because memory ran out, in a container or on the whole node. The kernel's"
            " log names them; a task that ends with 137 at that time was one."
        ),
        unit="count",
        bad="up",
        scope="shared",
        entity=_NODE,
        combine="max",
        weighed=False,
        crit=Threshold(value=1, reason="whatever was killed did not end its work"),
        variants=(
            Variant(
                name="Node Exporter",
                query="max by (instance) (increase(node_vmstat_oom_kill{$scope}[15m]))",
                needs=("node_vmstat_oom_kill",),
            ),
        ),
    ),
)
