"""What has a limit, and how much of it is used: read before a release, a sale or a holiday."""

from obskit.ascode import board, group, panel, stat

dashboard = board(
    "limits",
    title="Limits",
    description="What can run out, as the share that is used or the time that is left, over days instead of hours.",
    since="7d",
    refresh="5m",
    groups=(
        group(
            "Now",
            stat("container_memory_ratio"),
            stat("container_cpu_ratio"),
            stat("db_pool_used_ratio"),
            stat("pg_server_connections_ratio"),
            stat("node_disk_used_ratio"),
            stat("certificates_expiry"),
        ),
        group(
            "The tasks",
            panel("container_cpu_ratio", "container_memory_ratio", title="CPU and memory, of what a task has"),
            "container_storage_ratio",
            "process_fds_ratio",
            "http_workers_ratio",
            more="service",
        ),
        group(
            "The database",
            "db_pool_used_ratio",
            "pg_server_connections_ratio",
            "pg_transaction_age",
            "rds_free_storage_bytes",
            "rds_io_credits_ratio",
            more="database",
        ),
        group(
            "The cache and the node",
            "cache_memory_ratio",
            "cache_clients_ratio",
            panel("node_disk_used_ratio", "node_inodes_used_ratio", title="Disk and inodes used"),
            panel("node_fds_ratio", "node_conntrack_ratio", title="File descriptors and tracked connections"),
            more="node",
        ),
    ),
)
