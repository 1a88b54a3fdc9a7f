"""Alerts on how hard PostgreSQL works: what will hurt users one day, and needs nobody at night."""

from obskit.ascode.alerts import Condition, alert

#: Shares and means of a handful of transactions say nothing.
_IN_USE = Condition(
    signal="pg_transactions",
    op=">=",
    value=1,
    reason="on a database of fewer than a transaction a second one report or one failed script is a large share",
)

RULES = (
    alert(
        "PostgresStatementsSlow",
        "pg_statement_seconds",
        level="warn",
        severity="ticket",
        kind="cause",
        cause="slow_queries",
        summary="A statement on {datname} at {instance} takes {value} on average",
        description=(
            "Over all statements, inside the server: not the network, not the pool. pg_stat_statements names those "
            "that take the most time; compare with yesterday and with the last release."
        ),
        hold="15m",
        hold_reason="with the five minutes of the mean: a nightly report of a quarter of an hour is no trend",
        where=(_IN_USE,),
    ),
    alert(
        "PostgresStatementVerySlow",
        "pg_slowest_statement_seconds",
        severity="ticket",
        kind="cause",
        cause="slow_queries",
        summary="One statement on {datname} at {instance} takes {value} each time",
        description=(
            "The usual time-outs are over before it answers, and it is asked again and again. Find it in "
            "pg_stat_statements by its mean, and look for a lost index or a changed plan."
        ),
        hold="15m",
        hold_reason="one run of a report shows for five minutes (the rate); what shows longer runs repeatedly",
    ),
    # Covers: PostgreSQLCacheHitRatio
    alert(
        "PostgresCacheHitsLow",
        "pg_cache_hit_ratio",
        severity="ticket",
        kind="cause",
        summary="Only {value} of the blocks that {instance} reads are in its buffer cache",
        description=(
            "The data in use no longer fits into shared_buffers, or a query scans what it should find by an index. "
            "Statements depend on the disk: look at its latency, then at the tables that are scanned whole."
        ),
        hold="30m",
        hold_reason="after a restart the cache is cold, and a nightly dump reads everything once",
        where=(
            Condition(
                signal="pg_blocks_read",
                op=">=",
                value=1000,
                reason="8 MB/s: below it a low share costs nobody anything, whatever the disk",
            ),
        ),
    ),
    # Covers: PostgresHasTooManyRollbacks, PostgresqlHighRollbackRate
    alert(
        "PostgresRollbacksHigh",
        "pg_rollback_ratio",
        level="warn",
        severity="ticket",
        kind="cause",
        summary="{value} of the transactions at {instance} are undone",
        description=(
            "Services meet errors inside their transactions, or roll back what they only read. Their logs name the "
            "error; some drivers end each read with a rollback, which is harmless and can be switched off."
        ),
        hold="15m",
        hold_reason="a failed batch or a release that is rolled back is over by then",
        where=(_IN_USE,),
    ),
    alert(
        "PostgresTempFiles",
        "pg_temp_bytes",
        level="warn",
        severity="ticket",
        kind="cause",
        summary="{instance} writes {value} of temporary files",
        description=(
            "Sorts and joins do not fit into work_mem and go to disk, all the time. Mostly it is one statement: see "
            "temp_blks_written in pg_stat_statements."
        ),
        hold="30m",
        hold_reason="a report or an index build sorts on disk for some minutes, as it should",
    ),
    # Covers: PostgresTooManyCheckpointsRequested
    alert(
        "PostgresCheckpointsForced",
        "pg_checkpoints_requested_ratio",
        level="warn",
        severity="ticket",
        kind="cause",
        summary="{value} of the checkpoints at {instance} came because the log was full",
        description=(
            "Writes come in bursts and commits stall meanwhile. max_wal_size is too small for what is written, or a "
            "job writes more than it needs to."
        ),
        hold="2h",
        hold_reason="the share looks back an hour, so that a bulk load of one hour shows for two",
    ),
    alert(
        "PostgresTransactionIdsRunOut",
        "pg_transaction_age",
        level="warn",
        severity="ticket",
        kind="cause",
        summary="The oldest transaction ID is {value} transactions old; writes stop at 2.1 billion",
        description=(
            "Vacuum does not get to freeze old rows: an old transaction, a replication slot, a prepared transaction or "
            "a lock holds it up, or it is too slow. Nothing helps once writes have stopped but hours of vacuum."
        ),
        hold="1h",
        hold_reason="the age moves by the day: an hour later is early enough, and passes over a gap of the exporter",
    ),
    alert(
        "PostgresDatabaseGrowing",
        "pg_database_growth_ratio",
        level="warn",
        severity="ticket",
        kind="cause",
        cause="disk_full",
        summary="{datname} at {instance} has grown by {value} within a day",
        description=(
            "At this pace the volume is full within days. Find the table that grows, and whether its clean-up and its "
            "vacuum still run; a load that was planned needs nothing but the space."
        ),
        hold="1h",
        hold_reason="a table that is rewritten stands there twice for as long as that takes",
        where=(
            Condition(
                signal="pg_database_bytes",
                op=">=",
                value=2 * 2**30,
                reason="a tenth of the smallest volume: a new database of a few megabytes doubles without harm",
            ),
        ),
    ),
)

# Left out: PostgreSQLQPS: many queries are work, not harm; what they cost shows in CPU, latency and the pools.
# Left out: PostgresqlCommitRateLow: nobody writes at night; services that cannot commit have errors.
# Left out: PostgresqlLowXidConsumption: as above.
# Left out: PostgresXLOGConsumptionVeryLow: as above.
# Left out: PostgresXLOGConsumptionVeryHigh: many writes hurt as checkpoints, replicas or disk: each has its alert.
# Left out: PostgresHasTooManyDeadTuples: a tenth of dead rows is autovacuum's own level (scale factor 0.2 by default).
# Left out: PostgresqlTooManyDeadTuples: as above.
# Left out: PostgresTablesNotVaccumed: a series for each table; what it leads to is PostgresTransactionIdsRunOut.
# Left out: PostgresqlTableNotAutoVacuumed: as above.
# Left out: PostgresqlTableNotAutoAnalyzed: a series for each table; old statistics show as slow statements.
# Left out: PostgresqlBloatIndexHigh: its metric comes from a custom query; growth is PostgresDatabaseGrowing.
# Left out: PostgresqlBloatTableHigh: as above.
# Left out: PostgresqlInvalidIndex: its metric comes from a custom query, and the migration that failed says so itself.
