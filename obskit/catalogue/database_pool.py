"""The client side of a database: the connection pool in each task, and what queries take."""

from obskit.model import Signal, Threshold, Variant

_FULL = Threshold(value=0.95, reason="every connection is taken: the next request waits")

SIGNALS = (
    Signal(
        id="db_pool_used_ratio",
        topic="database_pool",
        title="pool connections in use, of the pool's size",
        unit="ratio",
        bad="up",
        combine="max",
        floor=0.2,
        warn=_FULL,
        variants=(
            Variant(
                name="OpenTelemetry",
                query=(
                    'sum by ($service, $task) (db_client_connection_count{db_client_connection_state="used",$svc})'
                    " / sum by ($service, $task) (db_client_connection_max{$svc})"
                ),
                needs=("db_client_connection_count", "db_client_connection_max"),
            ),
            Variant(
                name="OpenTelemetry before 1.26",
                query=(
                    'sum by ($service, $task) (db_client_connections_usage{state="used",$svc})'
                    " / sum by ($service, $task) (db_client_connections_max{$svc})"
                ),
                needs=("db_client_connections_usage", "db_client_connections_max"),
            ),
            Variant(
                name="HikariCP",
                query=(
                    "sum by ($service, $task) (hikaricp_connections_active{$svc})"
                    " / sum by ($service, $task) (hikaricp_connections_max{$svc})"
                ),
                needs=("hikaricp_connections_active", "hikaricp_connections_max"),
            ),
            Variant(
                name="Go database/sql",
                query=(
                    "sum by ($service, $task) (go_sql_in_use_connections{$svc})"
                    " / sum by ($service, $task) (go_sql_max_open_connections{$svc} > 0)"
                ),
                needs=("go_sql_in_use_connections", "go_sql_max_open_connections"),
            ),
            Variant(
                name="SQLAlchemy",
                query=(
                    "sum by ($service, $task) (sqlalchemy_pool_checkedout{$svc})"
                    " / sum by ($service, $task) (sqlalchemy_pool_size{$svc} > 0)"
                ),
                needs=("sqlalchemy_pool_checkedout", "sqlalchemy_pool_size"),
            ),
            Variant(
                name="named by the application",
                query=(
                    "sum by ($service, $task) (db_pool_checked_out{$svc})"
                    " / sum by ($service, $task) (db_pool_size{$svc} > 0)"
                ),
                needs=("db_pool_checked_out", "db_pool_size"),
            ),
            Variant(
                name="psycopg_pool",
                query=(
                    "sum by ($service, $task) (db_pool_in_use{$svc}) / sum by ($service, $task) (db_pool_max{$svc} > 0)"
                ),
                needs=("db_pool_in_use", "db_pool_max"),
            ),
            Variant(
                name="pgbouncer",
                query=(
                    "sum by ($service, $task) (pgbouncer_pools_server_active_connections{$svc})"
                    " / sum by ($service, $task) (pgbouncer_databases_pool_size{$svc} > 0)"
                ),
                needs=("pgbouncer_pools_server_active_connections", "pgbouncer_databases_pool_size"),
            ),
        ),
    ),
    Signal(
        id="db_pool_waiting",
        topic="database_pool",
        title="requests waiting for a pool connection",
        unit="count",
        bad="up",
        floor=1,
        warn=Threshold(value=1, reason="a pool that is large enough keeps nobody waiting"),
        variants=(
            Variant(
                name="OpenTelemetry",
                query="sum by ($service, $task) (db_client_connection_pending_requests{$svc})",
                needs=("db_client_connection_pending_requests",),
            ),
            Variant(
                name="OpenTelemetry before 1.26",
                query="sum by ($service, $task) (db_client_connections_pending_requests{$svc})",
                needs=("db_client_connections_pending_requests",),
            ),
            Variant(
                name="HikariCP",
                query="sum by ($service, $task) (hikaricp_connections_pending{$svc})",
                needs=("hikaricp_connections_pending",),
            ),
            Variant(
                name="pgbouncer",
                query="sum by ($service, $task) (pgbouncer_pools_client_waiting_connections{$svc})",
                needs=("pgbouncer_pools_client_waiting_connections",),
            ),
            Variant(
                name="Go database/sql",
                query="sum by ($service, $task) (rate(go_sql_wait_count_total{$svc}[$rate]))",
                needs=("go_sql_wait_count_total",),
            ),
        ),
    ),
    Signal(
        id="db_pool_timeouts",
        topic="database_pool",
        title="pool time-outs",
        unit="per_second",
        bad="up",
        floor=0.02,
        variants=(
            Variant(
                name="HikariCP",
                query="sum by ($service, $task) (rate(hikaricp_connections_timeout_total{$svc}[$rate]))",
                needs=("hikaricp_connections_timeout_total",),
            ),
            Variant(
                name="OpenTelemetry",
                query="sum by ($service, $task) (rate(db_client_connection_timeouts_total{$svc}[$rate]))",
                needs=("db_client_connection_timeouts_total",),
            ),
            Variant(
                name="OpenTelemetry before 1.26",
                query="sum by ($service, $task) (rate(db_client_connections_timeouts_total{$svc}[$rate]))",
                needs=("db_client_connections_timeouts_total",),
            ),
            Variant(
                name="named by the application",
                query="sum by ($service, $task) (rate(db_pool_timeouts_total{$svc}[$rate]))",
                needs=("db_pool_timeouts_total",),
            ),
            Variant(
                name="error counter by type",
                query='sum by ($service, $task) (rate(db_errors_total{type=~".*pool.*",$svc}[$rate]))',
                needs=("db_errors_total",),
            ),
        ),
    ),
    Signal(
        id="db_errors",
        topic="database_pool",
        title="database errors that are no pool time-outs",
        unit="per_second",
        bad="up",
        floor=0.02,
        variants=(
            Variant(
                name="error counter by type",
                query='sum by ($service, type) (rate(db_errors_total{type!~".*pool.*",$svc}[$rate]))',
                needs=("db_errors_total",),
            ),
        ),
    ),
    Signal(
        id="db_query_seconds",
        topic="database_pool",
        title="mean time of a query",
        unit="seconds",
        bad="up",
        combine="mean",
        floor=0.02,
        variants=(
            Variant(
                name="OpenTelemetry",
                query=(
                    "sum by ($service, $task) (rate(db_client_operation_duration_seconds_sum{$svc}[$rate]))"
                    " / sum by ($service, $task) (rate(db_client_operation_duration_seconds_count{$svc}[$rate]))"
                ),
                needs=("db_client_operation_duration_seconds_sum",),
            ),
            Variant(
                name="named by the application",
                query=(
                    "sum by ($service, $task) (rate(db_query_duration_seconds_sum{$svc}[$rate]))"
                    " / sum by ($service, $task) (rate(db_query_duration_seconds_count{$svc}[$rate]))"
                ),
                needs=("db_query_duration_seconds_sum",),
            ),
            Variant(
                name="HikariCP, time a connection is held",
                query=(
                    "sum by ($service, $task) (rate(hikaricp_connections_usage_seconds_sum{$svc}[$rate]))"
                    " / sum by ($service, $task) (rate(hikaricp_connections_usage_seconds_count{$svc}[$rate]))"
                ),
                needs=("hikaricp_connections_usage_seconds_sum",),
            ),
        ),
    ),
)
