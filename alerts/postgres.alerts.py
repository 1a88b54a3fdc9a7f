"""Alerts on the PostgreSQL server: whether it answers, its connections, locks and replicas."""

from obskit.ascode.alerts import Condition, alert

RULES = (
    # Covers: PostgreSQLDown, PostgresqlDown
    alert(
        "PostgresDown",
        "pg_server_up",
        severity="page",
        kind="cause",
        cause="database_unreachable",
        summary="PostgreSQL at {instance} does not answer",
        description=(
            "Every query of every service that uses this server fails. Look at the instance's events: a restart or "
            "failover under way ends by itself, a full disk or a closed network does not."
        ),
        hold="2m",
        hold_reason="a failover of a Multi-AZ instance is over within two minutes and needs nobody",
        keep="10m",
        keep_reason="a server that restarts again and again is one incident, not a page for each restart",
    ),
    # Covers: PostgreSQLHighConnections, PostgresqlTooManyConnections, AwsRdsHighDatabaseConnections
    alert(
        "PostgresConnectionsHigh",
        "pg_server_connections_ratio",
        level="warn",
        severity="ticket",
        kind="cause",
        cause="db_connection_limit",
        summary="{value} of the connections that {instance} accepts are taken",
        description=(
            "The next deployment or scale-out may not fit: it holds old and new tasks' pools side by side. Find out "
            "which service grew, and whether its sessions work or sit idle."
        ),
        hold="10m",
        hold_reason="a rolling deployment runs old and new tasks side by side for some minutes and then gives back",
    ),
    # Covers: PostgreSQLMaxConnectionsReached
    alert(
        "PostgresConnectionsExhausted",
        "pg_server_connections_ratio",
        severity="page",
        kind="cause",
        cause="db_connection_limit",
        summary="{value} of the connections that {instance} accepts are taken: it refuses new ones",
        description=(
            "Tasks that start cannot connect, in every service of this server; those that run go on until they need "
            "one more. Log in as the master user and end sessions that sit idle. Start no deployment now."
        ),
        hold="2m",
        hold_reason="eight scrapes: a burst of short connections is gone by then",
        keep="5m",
        keep_reason="refused clients try again, so that the share swings around the limit",
    ),
    alert(
        "PostgresIdleInTransaction",
        "pg_idle_in_transaction",
        level=10,
        reason="a whole pool of HikariCP's default size (10) is held by sessions that do nothing",
        severity="ticket",
        kind="cause",
        cause="lock_contention",
        summary="{value} sessions began a transaction and do nothing in it",
        description=(
            "They hold locks and connections while the application does something else, or forgot them. The "
            "application_name in pg_stat_activity says whose they are; a transaction is no place for calls to others."
        ),
        hold="10m",
        hold_reason="a transaction is idle for milliseconds between statements; ten at each scrape are no chance",
    ),
    # Covers: PostgreSQLSlowQueries
    alert(
        "PostgresTransactionLong",
        "pg_longest_transaction",
        severity="ticket",
        kind="cause",
        cause="lock_contention",
        summary="A transaction has been open for {value}",
        description=(
            "Vacuum cannot remove what died since it began, and its locks stay. See in pg_stat_activity what it is: a "
            "dump or a report may end by itself, a forgotten session will not."
        ),
        hold="25m",
        hold_reason="half an hour in all: dumps, index builds and vacuums of a modest database are done by then",
    ),
    alert(
        "PostgresLockWaits",
        "pg_blocked",
        level="warn",
        severity="ticket",
        kind="cause",
        cause="lock_contention",
        summary="{value} sessions at {instance} wait for a lock",
        description=(
            "A few requests stand still behind another transaction, again and again. pg_blocking_pids() names the one "
            "at the head; look for a hot row, a batch job or a long transaction."
        ),
        hold="10m",
        hold_reason="short queues behind one row come and go; ten minutes of them are a pattern to be mended",
    ),
    alert(
        "PostgresSessionsBlocked",
        "pg_blocked",
        severity="page",
        kind="cause",
        cause="lock_contention",
        summary="{value} sessions at {instance} stand still behind a lock",
        description=(
            "Pools fill with waiters, and soon requests that need no lock fail too. Find the session at the head of "
            "the queue with pg_blocking_pids() and end it; mostly it is a migration or an idle transaction."
        ),
        hold="2m",
        hold_reason="a migration that takes its lock properly has it for seconds; pools time out after 30 s",
        keep="5m",
        keep_reason="waiters time out and come back: the queue's length swings while its head stays",
    ),
    # Covers: PostgresHasHighDeadLocks, PostgresqlDeadLocks, PostgresqlHighRateDeadlock
    alert(
        "PostgresDeadlocks",
        "pg_deadlocks",
        level="warn",
        severity="ticket",
        kind="cause",
        cause="lock_contention",
        summary="PostgreSQL breaks off {value} transactions that wait for each other",
        description=(
            "Each is an error or a retry in a service. The server's log shows both statements of each deadlock: make "
            "the code take its locks in the same order everywhere."
        ),
        hold="10m",
        hold_reason="one collision of batch jobs leaves the five minutes of the rate; code that is wrong repeats it",
    ),
    alert(
        "PostgresReplicaLagging",
        "pg_replication_lag",
        level="warn",
        severity="ticket",
        kind="cause",
        summary="A replica is {value} behind its primary",
        description=(
            "Whoever reads there sees old data. Look for a long query on the replica, a burst of writes on the "
            "primary, or an instance smaller than the primary's."
        ),
        hold="15m",
        hold_reason="a bulk load or an index build is replayed within some minutes",
    ),
    # Covers: PostgresReplicationLaggingMore1Hour
    alert(
        "PostgresReplicaFarBehind",
        "pg_replication_lag",
        severity="page",
        kind="cause",
        summary="A replica is {value} behind its primary and will hardly catch up",
        description=(
            "Readers see data of an hour ago, and the primary keeps the log that the replica has not fetched: its disk "
            "fills. Take readers off the replica, then find what stops the replay."
        ),
        hold="5m",
        hold_reason="after a restart a replica reports an old age until it has replayed its first transaction",
    ),
    # Covers: PostgresHasReplicationSlotUsed, PostgresqlUnusedReplicationSlot, PostgresReplicationLagBytesAreTooLarge,
    # PostgresReplicationStopped, PostgresReplicationIsStale
    alert(
        "PostgresSlotRetainsLog",
        "pg_slot_retained_bytes",
        level="warn",
        severity="ticket",
        kind="cause",
        cause="disk_full",
        summary="Slot {slot_name} at {instance} keeps {value} of write-ahead log",
        description=(
            "Its reader is gone or too slow, and the log is kept until the volume is full. Ask whose slot it is: bring "
            "the reader back, or drop the slot."
        ),
        hold="30m",
        hold_reason="a reader that restarts, or a bulk load that it follows, has caught up within half an hour",
    ),
    # Covers: PostgresHasExporterErrors, PostgresqlExporterError
    alert(
        "PostgresCollectorsFailing",
        "pg_collectors_failing",
        level="warn",
        severity="ticket",
        kind="cause",
        cause="telemetry_blind",
        summary="{value} collectors of the exporter at {instance} fail",
        description=(
            "What they tell is missing: alerts on it stay quiet whatever happens. The exporter's log names the query "
            "and the reason, mostly a missing right (pg_monitor) or extension."
        ),
        hold="15m",
        hold_reason="a collector times out now and then on a busy server; one that lacks a right fails always",
        where=(
            Condition(
                signal="pg_server_up",
                op=">=",
                value=1,
                reason="when the server is down every collector fails: PostgresDown says it",
            ),
        ),
    ),
)

# Left out: PostgresAcquiredTooManyLocks: held locks are work, not harm; waiting for them is (PostgresSessionsBlocked).
# Left out: PostgresqlTooManyLocksAcquired: as above; a full lock table fails statements and shows as DatabaseErrors.
# Left out: PostgresReplicationRoleChanged: a failover is an event of RDS; once the server is back nobody has to act.
# Left out: PostgresqlRestarted: as above; one that does not end is PostgresDown.
# Left out: PostgresqlNotEnoughConnections: few connections are a quiet night; lost ones are errors of services.
# Left out: PostgresqlHighRateStatementTimeout: its metric is of no exporter; time-outs are DatabaseErrors.
# Left out: PostgresqlConfigurationChanged: a fact for an annotation: nobody has to act on it.
# Left out: PostgresqlSslCompressionActive: removed from PostgreSQL 14.
