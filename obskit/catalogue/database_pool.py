"""The client side of a database: the connection pool in each task, and what queries take."""

from obskit.model import Signal, Threshold, Variant

_FULL = Threshold(value=0.95, reason="every connection is taken: the next request waits")

SIGNALS = (
    Signal(
        id="db_pool_used_ratio",
        topic="database_pool",
        title="pool connections in use, of the pool's size",
        meaning=(
            "How much of its connection pool the fullest task uses. Near 1 every further request waits: "
            "look for slow queries or held transactions (db_query_seconds, pg_longest_transaction) before "
            "making the pool larger."
        ),
        unit="ratio",
        bad="up",
        combine="max",
        floor=0.2,
        warn=_FULL,
        crit=Threshold(value=1.0, reason="no connection is free at all: requests queue until they time out"),
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
            Variant(
                name="Micrometer jdbc",
                query=(
                    "sum by ($service, $task) (jdbc_connections_active{$svc})"
                    " / sum by ($service, $task) (jdbc_connections_max{$svc} > 0)"
                ),
                needs=("jdbc_connections_active", "jdbc_connections_max"),
            ),
            Variant(
                name="pgxpool",
                query=(
                    "sum by ($service, $task) (pgxpool_acquired_conns{$svc})"
                    " / sum by ($service, $task) (pgxpool_max_conns{$svc} > 0)"
                ),
                needs=("pgxpool_acquired_conns", "pgxpool_max_conns"),
            ),
            Variant(
                name="Node pg pool",
                query=(
                    "sum by ($service, $task) (pg_pool_active_connections{$svc})"
                    " / sum by ($service, $task) (pg_pool_max{$svc} > 0)"
                ),
                needs=("pg_pool_active_connections", "pg_pool_max"),
            ),
        ),
    ),
    Signal(
        id="db_pool_waiting",
        topic="database_pool",
        title="requests waiting for a pool connection",
        meaning=(
            "Requests that have no connection yet and stand in the pool's queue. Any that stay mean that "
            "connections are held too long or are too few: compare with db_query_seconds and the "
            "database's own load."
        ),
        unit="count",
        bad="up",
        floor=1,
        warn=Threshold(value=1, reason="a pool that is large enough keeps nobody waiting"),
        crit=Threshold(
            value=10, reason="as many wait as HikariCP's default pool (10) has connections: each waits for a whole turn"
        ),
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
                # seconds waited in a second: by Little's law the mean number of those who wait
                name="Go database/sql",
                query="sum by ($service, $task) (rate(go_sql_wait_duration_seconds_total{$svc}[$rate]))",
                needs=("go_sql_wait_duration_seconds_total",),
            ),
            Variant(
                name="Node pg pool",
                query="sum by ($service, $task) (pg_pool_waiting_connections{$svc})",
                needs=("pg_pool_waiting_connections",),
            ),
        ),
    ),
    Signal(
        id="db_pool_timeouts",
        topic="database_pool",
        title="pool time-outs",
        meaning=(
            "Requests that gave up waiting for a connection; each is an error that a user sees. Find out "
            "what holds the connections: a slow query, a lock, or a leak that only a restart clears."
        ),
        unit="per_second",
        bad="up",
        floor=0.02,
        warn=Threshold(value=0.02, reason="more than one failed request a minute"),
        crit=Threshold(value=0.2, reason="a dozen failed requests a minute: an outage for some users, not a blip"),
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
        meaning=(
            "Errors that the database client counted, by kind, without time-outs of the pool. A new kind "
            "after a deployment points at the release; refused or reset connections point at the database "
            "or the network."
        ),
        unit="per_second",
        bad="up",
        floor=0.02,
        warn=Threshold(value=0.1, reason="six errors a minute: more than an odd conflict between two writers"),
        crit=Threshold(value=1.0, reason="an error a second: users meet it whatever they do"),
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
        meaning=(
            "How long a query takes on average, as the service sees it. When it rises, pools fill up and "
            "requests queue: look for locks, a missing index or a busy database."
        ),
        unit="seconds",
        bad="up",
        combine="mean",
        floor=0.02,
        warn=Threshold(
            value=0.25, reason="an indexed query takes milliseconds; at a quarter of a second a page of four takes one"
        ),
        crit=Threshold(
            value=1.0, reason="a page asks several queries in a row: at a second each it misses every usual time-out"
        ),
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
            Variant(
                name="Node pg pool",
                query=(
                    "sum by ($service, $task) (rate(pg_command_duration_seconds_sum{$svc}[$rate]))"
                    " / sum by ($service, $task) (rate(pg_command_duration_seconds_count{$svc}[$rate]))"
                ),
                needs=("pg_command_duration_seconds_sum",),
            ),
        ),
    ),
    Signal(
        id="db_pool_acquire_seconds",
        topic="database_pool",
        title="mean time to get a pool connection",
        meaning=(
            "What every request pays before its first query: next to nothing while a connection is free. "
            "When it rises, the pool is exhausted or the database accepts new connections slowly."
        ),
        unit="seconds",
        bad="up",
        combine="max",
        floor=0.02,
        warn=Threshold(value=0.1, reason="a free connection is handed out within a millisecond: this is queueing"),
        crit=Threshold(value=1.0, reason="a second before the first query: the time budget of a web request is gone"),
        variants=(
            Variant(
                name="OpenTelemetry",
                query=(
                    "sum by ($service, $task) (rate(db_client_connection_wait_time_seconds_sum{$svc}[$rate]))"
                    " / sum by ($service, $task) (rate(db_client_connection_wait_time_seconds_count{$svc}[$rate]))"
                ),
                needs=("db_client_connection_wait_time_seconds_sum",),
            ),
            Variant(
                name="OpenTelemetry before 1.26",
                query=(
                    "sum by ($service, $task) (rate(db_client_connections_wait_time_milliseconds_sum{$svc}[$rate]))"
                    " / sum by ($service, $task) (rate(db_client_connections_wait_time_milliseconds_count{$svc}[$rate])) / 1000"
                ),
                needs=("db_client_connections_wait_time_milliseconds_sum",),
            ),
            Variant(
                name="HikariCP",
                query=(
                    "sum by ($service, $task) (rate(hikaricp_connections_acquire_seconds_sum{$svc}[$rate]))"
                    " / sum by ($service, $task) (rate(hikaricp_connections_acquire_seconds_count{$svc}[$rate]))"
                ),
                needs=("hikaricp_connections_acquire_seconds_sum",),
            ),
            # of those that had to wait: database/sql does not count the others
            Variant(
                name="Go database/sql",
                query=(
                    "sum by ($service, $task) (rate(go_sql_wait_duration_seconds_total{$svc}[$rate]))"
                    " / sum by ($service, $task) (rate(go_sql_wait_count_total{$svc}[$rate]))"
                ),
                needs=("go_sql_wait_duration_seconds_total", "go_sql_wait_count_total"),
            ),
            Variant(
                name="pgxpool",
                query=(
                    "sum by ($service, $task) (rate(pgxpool_acquire_duration_ns{$svc}[$rate]))"
                    " / sum by ($service, $task) (rate(pgxpool_acquire_count{$svc}[$rate])) / 1e9"
                ),
                needs=("pgxpool_acquire_duration_ns", "pgxpool_acquire_count"),
            ),
            Variant(
                name="pgbouncer, longest wait",
                query="max by ($service, $task) (pgbouncer_pools_client_maxwait_seconds{$svc})",
                needs=("pgbouncer_pools_client_maxwait_seconds",),
            ),
        ),
    ),
)
