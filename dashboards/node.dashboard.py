"""A machine by its Node Exporter: use, saturation and errors of CPU, memory, disk and network."""

from obskit.ascode import board, group, panel, stat

dashboard = board(
    "node",
    title="Nodes",
    description="Use, saturation and errors of each machine that a Node Exporter watches.",
    select=("job", "instance"),
    anchor="node_uname_info",
    groups=(
        group(
            "Now",
            stat("node_cpu_ratio"),
            stat("node_load_per_core"),
            stat("node_memory_ratio"),
            stat("node_disk_used_ratio"),
            stat("node_inodes_used_ratio"),
            stat("node_clock_offset"),
        ),
        group("CPU", "node_cpu_ratio", "node_steal_ratio", "node_load_per_core", runbook="causes/node_pressure"),
        group("Memory", "node_memory_ratio", "node_major_faults", "node_oom_kills", runbook="causes/node_pressure"),
        group(
            "Disk",
            "node_disk_used_ratio",
            "node_inodes_used_ratio",
            "node_disk_busy_ratio",
            "node_disk_queue",
            panel("node_disk_read_bytes", "node_disk_write_bytes", title="Disk, read and written"),
            runbook="causes/disk_full",
        ),
        group(
            "Network and descriptors",
            panel("node_network_receive_bytes", "node_network_transmit_bytes", title="Network, received and sent"),
            "node_network_errors",
            "node_network_error_ratio",
            "node_conntrack_ratio",
            "node_fds_ratio",
            runbook="causes/network_unreachable",
        ),
        group(
            "Clock and collectors",
            panel("node_clock_offset", "node_clock_error_bound", title="Clock: offset, and the bound of its error"),
            "node_filesystem_turned_readonly",
            "node_collector_failing",
            runbook="causes/clock_skew",
        ),
    ),
)
