"""The machines below: CPU, memory, disk, network, and when a disk will be full."""

from obskit.checkup.words import Fill, System

SYSTEM = System(
    name="node",
    title="nodes",
    topics=("node", "node_io"),
    tell=("node_cpu_ratio", "node_memory_ratio", "node_disk_used_ratio"),
    fills=(
        Fill(signal="node_disk_used_ratio", what="disk is full in"),
        Fill(signal="node_inodes_used_ratio", what="inodes are used up in"),
    ),
)
