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
        group("Memory", "node_memory_ratio", "node_major_faults", runbook="causes/node_pressure"),
        group(
            "Disk", "node_disk_used_ratio", "node_inodes_used_ratio", "node_disk_busy_ratio", runbook="causes/disk_full"
        ),
        group("Network", "node_network_errors", runbook="causes/network_unreachable"),
        group("Clock", panel("node_clock_offset"), runbook="causes/clock_skew"),
    ),
)
