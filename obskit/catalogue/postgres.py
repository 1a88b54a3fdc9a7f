"""The PostgreSQL server, as postgres_exporter and CloudWatch tell it."""

from obskit.model import DATABASE, Signal, Threshold, Variant

SIGNALS = (
    Signal(
        id="pg_up",
        topic="postgres",
        title="database answers its exporter",
        meaning=(
            "Whether the exporter reaches the server: 0 is a server that is down, unreachable or out of "
            "connections. Try psql from a task of the service, then look at the database's own events "
            "(failover, restart, full disk)."
        ),
        unit="ratio",
        bad="down",
        scope="shared",
        entity=DATABASE,
        combine="min",
        floor=0.5,
        crit=Threshold(value=0.0, reason="nothing answers: every query of every service fails"),
        variants=(Variant(name="postgres_exporter", query="min(pg_up{$scope})", needs=("pg_up",)),),
    ),
    Signal(
        id="pg_connections_ratio",
        topic="postgres",
        title="server connections, of max_connections",
        meaning=(
            'How near the server is to refusing connections ("too many clients already"). Find who holds '
            "them in pg_stat_activity; stop idle or stuck sessions before raising max_connections."
        ),
        unit="ratio",
        bad="up",
        scope="shared",
        entity=DATABASE,
        combine="max",
        floor=0.1,
        warn=Threshold(value=0.85, reason="three to ten slots are reserved for superusers: the rest is nearly gone"),
        crit=Threshold(
            value=0.95,
            reason="what is left is reserved for superusers: new connections are refused now or within moments",
        ),
        variants=(
            Variant(
                name="postgres_exporter",
                query="max(sum by (instance) (pg_stat_activity_count{$scope}) / on (instance) max by (instance) (pg_settings_max_connections{$scope}))",
                needs=("pg_stat_activity_count", "pg_settings_max_connections"),
            ),
        ),
    ),
    Signal(
        id="pg_connections",
        topic="postgres",
        title="server connections",
        meaning=(
            "Sessions at the server, working or not. A climb with unchanged traffic is a leak, a pool "
            "without a limit, or a deployment that runs old and new tasks together."
        ),
        unit="count",
        bad="up",
        scope="shared",
        entity=DATABASE,
        floor=5,
        variants=(
            Variant(
                name="postgres_exporter",
                query="sum(pg_stat_activity_count{$scope})",
                needs=("pg_stat_activity_count",),
            ),
            Variant(
                name="CloudWatch exporter",
                query="max(aws_rds_database_connections_average{$scope})",
                needs=("aws_rds_database_connections_average",),
            ),
        ),
    ),
    Signal(
        id="pg_active",
        topic="postgres",
        title="statements running",
        meaning=(
            "Statements that run at this moment. Many more than the server has cores means that they wait "
            "for locks, disk or CPU: look at pg_blocked and at the slowest statements."
        ),
        unit="count",
        bad="up",
        scope="shared",
        entity=DATABASE,
        floor=3,
        variants=(
            Variant(
                name="postgres_exporter",
                query='sum(pg_stat_activity_count{state="active",$scope})',
                needs=("pg_stat_activity_count",),
            ),
        ),
    ),
    Signal(
        id="pg_idle_in_transaction",
        topic="postgres",
        title="connections idle in a transaction",
        meaning=(
            "Sessions that began a transaction and do nothing: they hold locks and keep vacuum from "
            "cleaning up. The application forgot to commit, or waits for something else meanwhile: end "
            "the oldest one."
        ),
        unit="count",
        bad="up",
        scope="shared",
        entity=DATABASE,
        floor=2,
        variants=(
            Variant(
                name="postgres_exporter",
                query='sum(pg_stat_activity_count{state=~"idle in transaction.*",$scope})',
                needs=("pg_stat_activity_count",),
            ),
        ),
    ),
    Signal(
        id="pg_longest_transaction",
        topic="postgres",
        title="longest open transaction",
        meaning=(
            "Age of the oldest transaction that is still open. Long ones hold locks and bloat tables: see "
            "what it does in pg_stat_activity and end it if nobody misses it."
        ),
        unit="seconds",
        bad="up",
        scope="shared",
        entity=DATABASE,
        combine="max",
        floor=5,
        warn=Threshold(value=60, reason="a web request's transaction ends within its time-out; a minute is stuck"),
        crit=Threshold(value=300, reason="five minutes of held locks and stopped clean-up: others queue behind it"),
        variants=(
            Variant(
                name="postgres_exporter",
                query='max(pg_stat_activity_max_tx_duration{state!~"idle|disabled",$scope})',
                needs=("pg_stat_activity_max_tx_duration",),
            ),
            Variant(
                name="postgres_exporter, long_running_transactions",
                query="max(pg_long_running_transactions_oldest_timestamp_seconds{$scope})",
                needs=("pg_long_running_transactions_oldest_timestamp_seconds",),
            ),
        ),
    ),
    Signal(
        id="pg_locks",
        topic="postgres",
        title="locks of writers",
        meaning=(
            "Locks held by writers and by changes of tables. A jump beside waiting statements means that "
            "they queue behind each other: look for the session at the head of the queue."
        ),
        unit="count",
        bad="up",
        scope="shared",
        entity=DATABASE,
        floor=5,
        variants=(
            Variant(
                name="postgres_exporter",
                query='sum(pg_locks_count{mode=~"exclusivelock|accessexclusivelock|sharelock|sharerowexclusivelock|rowexclusivelock",$scope})',
                needs=("pg_locks_count",),
            ),
        ),
    ),
    Signal(
        id="pg_exclusive_locks",
        topic="postgres",
        title="locks that block everyone",
        meaning=(
            "Locks that not even a read passes: ALTER TABLE, TRUNCATE, VACUUM FULL. More than a moment of "
            "it stops a table for everybody: usually a migration that waits for an old transaction."
        ),
        unit="count",
        bad="up",
        scope="shared",
        entity=DATABASE,
        floor=1,
        variants=(
            Variant(
                name="postgres_exporter",
                query='sum(pg_locks_count{mode="accessexclusivelock",$scope})',
                needs=("pg_locks_count",),
            ),
        ),
    ),
    Signal(
        id="pg_deadlocks",
        topic="postgres",
        title="deadlocks",
        meaning=(
            "Transactions that the server broke off because they waited for each other. Users see errors; "
            "the order in which the code takes its locks has to be made the same everywhere."
        ),
        unit="per_second",
        bad="up",
        scope="shared",
        entity=DATABASE,
        floor=0.01,
        warn=Threshold(
            value=0.083, reason="five a minute, the level of the postgres_exporter mixin (PostgresHasHighDeadLocks)"
        ),
        variants=(
            Variant(
                name="postgres_exporter",
                query="sum(rate(pg_stat_database_deadlocks{$scope}[$rate]))",
                needs=("pg_stat_database_deadlocks",),
            ),
        ),
    ),
    Signal(
        id="pg_commits",
        topic="postgres",
        title="commits",
        meaning=(
            "Transactions that succeeded: the database's own measure of traffic. A sudden drop means that "
            "the services no longer reach it or wait inside it."
        ),
        unit="per_second",
        bad="down",
        scope="shared",
        entity=DATABASE,
        floor=1,
        variants=(
            Variant(
                name="postgres_exporter",
                query="sum(rate(pg_stat_database_xact_commit{$scope}[$rate]))",
                needs=("pg_stat_database_xact_commit",),
            ),
        ),
    ),
    Signal(
        id="pg_rollbacks",
        topic="postgres",
        title="rollbacks",
        meaning=(
            "Transactions that were undone. A rise tells of errors in the services or of time-outs and "
            "conflicts: their logs say which."
        ),
        unit="per_second",
        bad="up",
        scope="shared",
        entity=DATABASE,
        floor=0.5,
        variants=(
            Variant(
                name="postgres_exporter",
                query="sum(rate(pg_stat_database_xact_rollback{$scope}[$rate]))",
                needs=("pg_stat_database_xact_rollback",),
            ),
        ),
    ),
    Signal(
        id="pg_rows_read",
        topic="postgres",
        title="rows read",
        meaning=(
            "Rows that statements read to find their answers. A jump without more traffic is a query that "
            "lost its index or scans a table that grew: look at the newest release and at the slowest "
            "statements."
        ),
        unit="per_second",
        bad="up",
        scope="shared",
        entity=DATABASE,
        floor=1000,
        variants=(
            Variant(
                name="postgres_exporter",
                query="sum(rate(pg_stat_database_tup_returned{$scope}[$rate]))",
                needs=("pg_stat_database_tup_returned",),
            ),
        ),
    ),
    Signal(
        id="pg_replication_lag",
        topic="postgres",
        title="replication lag",
        meaning=(
            "How far a replica is behind the primary. Readers see old data, and a failover would lose it: "
            "look for a long query on the replica, a burst of writes, or a full network."
        ),
        unit="seconds",
        bad="up",
        scope="shared",
        entity=DATABASE,
        combine="max",
        floor=5,
        warn=Threshold(value=60, reason="the level of AWS's recommended alarm for RDS replicas (ReplicaLag)"),
        crit=Threshold(
            value=3600,
            reason="an hour, the level of the postgres_exporter mixin: the replica will hardly catch up alone",
        ),
        variants=(
            Variant(
                name="postgres_exporter",
                query="max(pg_replication_lag_seconds{$scope})",
                needs=("pg_replication_lag_seconds",),
            ),
            Variant(
                name="postgres_exporter before 0.12",
                query="max(pg_replication_lag{$scope})",
                needs=("pg_replication_lag",),
            ),
            Variant(
                name="CloudWatch exporter",
                query="max(aws_rds_replica_lag_average{$scope} >= 0)",
                needs=("aws_rds_replica_lag_average",),
            ),
        ),
    ),
    Signal(
        id="pg_server_up",
        topic="postgres",
        title="each server answers its exporter",
        meaning=(
            "As pg_up, told apart by server: 0 is one that is down, unreachable or out of connections. "
            "Look at that instance's events first (failover, restart, full disk), then try psql from a task."
        ),
        unit="ratio",
        bad="down",
        scope="shared",
        entity=DATABASE,
        combine="min",
        floor=0.5,
        crit=Threshold(value=0.0, reason="nothing answers: every query to this server fails"),
        weighed=False,
        variants=(Variant(name="postgres_exporter", query="min by (instance) (pg_up{$scope})", needs=("pg_up",)),),
    ),
    Signal(
        id="pg_server_connections_ratio",
        topic="postgres",
        title="connections of each server, of its max_connections",
        meaning=(
            "As pg_connections_ratio, told apart by server. Find who holds the slots in pg_stat_activity; "
            "end idle or stuck sessions before raising max_connections."
        ),
        unit="ratio",
        bad="up",
        scope="shared",
        entity=DATABASE,
        combine="max",
        floor=0.1,
        warn=Threshold(value=0.85, reason="three to ten slots are reserved for superusers: the rest is nearly gone"),
        crit=Threshold(
            value=0.95,
            reason="what is left is reserved for superusers: new connections are refused now or within moments",
        ),
        weighed=False,
        variants=(
            Variant(
                name="postgres_exporter",
                query="sum by (instance) (pg_stat_activity_count{$scope}) / on (instance) max by (instance) (pg_settings_max_connections{$scope})",
                needs=("pg_stat_activity_count", "pg_settings_max_connections"),
            ),
        ),
    ),
    Signal(
        id="pg_collectors_failing",
        topic="postgres",
        title="collectors of the exporter that fail",
        meaning=(
            "Queries of postgres_exporter that got no answer: what they tell is missing from panels and "
            "alerts, and looks like calm. Its log names the reason: mostly a missing right or extension."
        ),
        unit="count",
        bad="up",
        scope="shared",
        entity=DATABASE,
        floor=1,
        warn=Threshold(value=1, reason="every collector that fails takes the alerts on its numbers with it"),
        weighed=False,
        variants=(
            Variant(
                name="postgres_exporter",
                query="sum by (instance) (1 - pg_scrape_collector_success{$scope})",
                needs=("pg_scrape_collector_success",),
            ),
        ),
    ),
)
