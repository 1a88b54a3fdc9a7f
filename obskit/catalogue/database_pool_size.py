"""How large a task's connection pool is: its limit, what is open of it and what is free."""

from obskit.model import Signal, Variant

SIGNALS = (
    Signal(
        id="db_pool_max",
        topic="database_pool_size",
        title="connections that the pool may open",
        meaning=(
            "The limit of the pools of all tasks together. It has to stay below what the database accepts "
            "(pg_connections_ratio), also while a deployment runs old and new tasks side by side."
        ),
        unit="count",
        bad="both",
        floor=1,
        variants=(
            Variant(
                name="OpenTelemetry",
                query="sum by ($service, $task) (db_client_connection_max{$svc})",
                needs=("db_client_connection_max",),
            ),
            Variant(
                name="OpenTelemetry before 1.26",
                query="sum by ($service, $task) (db_client_connections_max{$svc})",
                needs=("db_client_connections_max",),
            ),
            Variant(
                name="HikariCP",
                query="sum by ($service, $task) (hikaricp_connections_max{$svc})",
                needs=("hikaricp_connections_max",),
            ),
            Variant(
                name="Go database/sql",
                query="sum by ($service, $task) (go_sql_max_open_connections{$svc})",
                needs=("go_sql_max_open_connections",),
            ),
            Variant(
                name="Micrometer jdbc",
                query="sum by ($service, $task) (jdbc_connections_max{$svc})",
                needs=("jdbc_connections_max",),
            ),
            Variant(
                name="pgxpool",
                query="sum by ($service, $task) (pgxpool_max_conns{$svc})",
                needs=("pgxpool_max_conns",),
            ),
            Variant(
                name="Node pg pool",
                query="sum by ($service, $task) (pg_pool_max{$svc})",
                needs=("pg_pool_max",),
            ),
            Variant(
                name="psycopg_pool",
                query="sum by ($service, $task) (db_pool_max{$svc})",
                needs=("db_pool_max",),
            ),
            Variant(
                name="SQLAlchemy",
                query="sum by ($service, $task) (sqlalchemy_pool_size{$svc})",
                needs=("sqlalchemy_pool_size",),
            ),
            Variant(
                name="pgbouncer",
                query="sum by ($service, $task) (pgbouncer_databases_pool_size{$svc})",
                needs=("pgbouncer_databases_pool_size",),
            ),
        ),
    ),
    Signal(
        id="db_pool_open",
        topic="database_pool_size",
        title="connections that the pool holds open",
        meaning=(
            "What the service's tasks hold open at the database, used or not. When it climbs to the limit "
            "while requests stay the same, connections are held longer or leak: look at db_query_seconds."
        ),
        unit="count",
        bad="up",
        floor=5,
        variants=(
            Variant(
                name="OpenTelemetry",
                query="sum by ($service, $task) (db_client_connection_count{$svc})",
                needs=("db_client_connection_count",),
            ),
            Variant(
                name="OpenTelemetry before 1.26",
                query="sum by ($service, $task) (db_client_connections_usage{$svc})",
                needs=("db_client_connections_usage",),
            ),
            Variant(
                name="HikariCP",
                query="sum by ($service, $task) (hikaricp_connections{$svc})",
                needs=("hikaricp_connections",),
            ),
            Variant(
                name="Go database/sql",
                query="sum by ($service, $task) (go_sql_open_connections{$svc})",
                needs=("go_sql_open_connections",),
            ),
            Variant(
                name="Micrometer jdbc",
                query="sum by ($service, $task) (jdbc_connections_active{$svc} + jdbc_connections_idle{$svc})",
                needs=("jdbc_connections_active", "jdbc_connections_idle"),
            ),
            Variant(
                name="pgxpool",
                query="sum by ($service, $task) (pgxpool_total_conns{$svc})",
                needs=("pgxpool_total_conns",),
            ),
            Variant(
                name="Node pg pool",
                query="sum by ($service, $task) (pg_pool_size{$svc})",
                needs=("pg_pool_size",),
            ),
            Variant(
                name="SQLAlchemy",
                query="sum by ($service, $task) (sqlalchemy_pool_checkedout{$svc} + sqlalchemy_pool_checkedin{$svc})",
                needs=("sqlalchemy_pool_checkedout", "sqlalchemy_pool_checkedin"),
            ),
            Variant(
                name="pgbouncer",
                query="sum by ($service, $task) (pgbouncer_databases_current_connections{$svc})",
                needs=("pgbouncer_databases_current_connections",),
            ),
        ),
    ),
    Signal(
        id="db_pool_idle",
        topic="database_pool_size",
        title="connections that are free",
        meaning=(
            "Open connections that nobody uses. None for minutes means that the next burst has to wait: "
            "see db_pool_waiting for whether it already does."
        ),
        unit="count",
        bad="down",
        floor=2,
        variants=(
            Variant(
                name="OpenTelemetry",
                query='sum by ($service, $task) (db_client_connection_count{db_client_connection_state="idle",$svc})',
                needs=("db_client_connection_count",),
            ),
            Variant(
                name="OpenTelemetry before 1.26",
                query='sum by ($service, $task) (db_client_connections_usage{state="idle",$svc})',
                needs=("db_client_connections_usage",),
            ),
            Variant(
                name="HikariCP",
                query="sum by ($service, $task) (hikaricp_connections_idle{$svc})",
                needs=("hikaricp_connections_idle",),
            ),
            Variant(
                name="Go database/sql",
                query="sum by ($service, $task) (go_sql_idle_connections{$svc})",
                needs=("go_sql_idle_connections",),
            ),
            Variant(
                name="Micrometer jdbc",
                query="sum by ($service, $task) (jdbc_connections_idle{$svc})",
                needs=("jdbc_connections_idle",),
            ),
            Variant(
                name="pgxpool",
                query="sum by ($service, $task) (pgxpool_idle_conns{$svc})",
                needs=("pgxpool_idle_conns",),
            ),
            Variant(
                name="Node pg pool",
                query="sum by ($service, $task) (pg_pool_idle_connections{$svc})",
                needs=("pg_pool_idle_connections",),
            ),
            Variant(
                name="SQLAlchemy",
                query="sum by ($service, $task) (sqlalchemy_pool_checkedin{$svc})",
                needs=("sqlalchemy_pool_checkedin",),
            ),
            Variant(
                name="pgbouncer",
                query="sum by ($service, $task) (pgbouncer_pools_server_idle_connections{$svc})",
                needs=("pgbouncer_pools_server_idle_connections",),
            ),
        ),
    ),
)
