"""The database from both ends: the pool in each task, and the PostgreSQL server."""

from obskit.ascode import board, group, panel, stat

dashboard = board(
    "database",
    title="Database",
    description="The connection pools of the services and the PostgreSQL server behind them.",
    events=True,
    groups=(
        group(
            "Now",
            stat("pg_up"),
            stat("pg_connections_ratio"),
            stat("db_pool_used_ratio"),
            stat("db_pool_waiting"),
            stat("pg_longest_transaction"),
            stat("pg_replication_lag"),
        ),
        group(
            "The client's pool",
            "db_pool_used_ratio",
            "db_pool_waiting",
            "db_pool_timeouts",
            "db_pool_acquire_seconds",
            panel("db_pool_max", "db_pool_open", "db_pool_idle", title="Size of the pool: limit, open and idle"),
            "db_query_seconds",
            "db_errors",
            runbook="causes/db_pool_exhausted",
        ),
        group(
            "Connections of the server",
            "pg_connections_ratio",
            panel("pg_connections", "pg_active", "pg_idle_in_transaction", title="Connections by what they do"),
            "pg_longest_transaction",
            runbook="causes/db_connection_limit",
        ),
        group(
            "Locks",
            "pg_blocked",
            panel("pg_locks", "pg_exclusive_locks", title="Locks held, and exclusive ones"),
            "pg_deadlocks",
            runbook="causes/lock_contention",
        ),
        group(
            "Work of the server",
            panel("pg_commits", "pg_rollbacks", title="Commits and rollbacks"),
            "pg_statement_seconds",
            "pg_slowest_statement_seconds",
            panel("pg_rows_read", "pg_rows_written", title="Rows read and written"),
            "pg_cache_hit_ratio",
            "pg_temp_bytes",
            "pg_checkpoints_requested_ratio",
            "pg_replication_lag",
            "pg_database_bytes",
            runbook="causes/slow_queries",
        ),
        group(
            "The RDS instance",
            "rds_cpu_ratio",
            panel("rds_free_storage_bytes", "rds_free_memory_bytes", title="Free storage and memory"),
            panel("rds_read_latency", "rds_write_latency", title="Latency of the disk, reads and writes"),
            "rds_disk_queue",
            "rds_connections",
            runbook="causes/disk_full",
        ),
    ),
)
