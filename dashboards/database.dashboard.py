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
            "pg_locks",
            "pg_exclusive_locks",
            "pg_deadlocks",
            runbook="causes/lock_contention",
        ),
        group(
            "Work of the server",
            panel("pg_commits", "pg_rollbacks", title="Commits and rollbacks"),
            "pg_rows_read",
            "pg_replication_lag",
            runbook="causes/slow_queries",
        ),
    ),
)
