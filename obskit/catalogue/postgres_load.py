"""How hard PostgreSQL works, and whether it works well: statements, cache, checkpoints, writes.

What ``pg_stat_statements``, ``pg_stat_checkpointer`` and ``database_wraparound`` tell needs the exporter's collectors of
that name, which are off by default.
"""

from obskit.model import DATABASE, Signal, Threshold, Variant

SIGNALS = (
    Signal(
        id="pg_blocked",
        topic="postgres_load",
        title="statements that wait for a lock",
        meaning=(
            "Sessions that stand still until another one ends its transaction. Find the one at the head "
            "with pg_blocking_pids() and end it when it does nothing useful."
        ),
        unit="count",
        bad="up",
        scope="shared",
        entity=DATABASE,
        floor=2,
        warn=Threshold(value=5, reason="a queue, not one writer that waits its turn"),
        crit=Threshold(value=20, reason="the usual pool's worth of requests stands still behind a lock"),
        variants=(
            Variant(
                name="postgres_exporter",
                query='sum by (instance) (pg_stat_activity_count{wait_event_type="Lock",$scope})',
                needs=("pg_stat_activity_count",),
            ),
        ),
    ),
    Signal(
        id="pg_statement_seconds",
        topic="postgres_load",
        title="mean time of a statement",
        meaning=(
            "What a statement takes inside the server, over all of them (pg_stat_statements). When it "
            "rises while the number of statements does not, something in the server slows them: locks, "
            "disk, CPU or a bad plan."
        ),
        unit="seconds",
        bad="up",
        scope="shared",
        entity=DATABASE,
        combine="max",
        floor=0.01,
        warn=Threshold(
            value=0.1,
            reason=(
                "an indexed statement takes milliseconds; a mean of a tenth of a second is no work for a web request"
            ),
        ),
        crit=Threshold(value=1.0, reason="at a second a statement, requests time out and pools run full"),
        variants=(
            Variant(
                name="postgres_exporter, pg_stat_statements",
                query="sum by (instance, datname) (rate(pg_stat_statements_seconds_total{$scope}[$rate])) / sum by (instance, datname) (rate(pg_stat_statements_calls_total{$scope}[$rate]))",
                needs=("pg_stat_statements_seconds_total", "pg_stat_statements_calls_total"),
            ),
        ),
    ),
    Signal(
        id="pg_slowest_statement_seconds",
        topic="postgres_load",
        title="mean time of the slowest statement",
        meaning=(
            "The worst kind of statement of each database (pg_stat_statements). Its text is found by "
            "total time in that view: look for a lost index, a changed plan or a table that grew."
        ),
        unit="seconds",
        bad="up",
        scope="shared",
        entity=DATABASE,
        combine="max",
        floor=0.5,
        warn=Threshold(
            value=5,
            reason=(
                "longer than a user waits; reports and clean-up jobs of that length belong on a replica or "
                "into the night"
            ),
        ),
        crit=Threshold(
            value=30,
            reason=("the usual statement and gateway time-outs are over: it fails, or it holds its locks that long"),
        ),
        variants=(
            Variant(
                name="postgres_exporter, pg_stat_statements",
                query="max by (instance, datname) (rate(pg_stat_statements_seconds_total{$scope}[$rate]) / rate(pg_stat_statements_calls_total{$scope}[$rate]))",
                needs=("pg_stat_statements_seconds_total", "pg_stat_statements_calls_total"),
            ),
        ),
    ),
    Signal(
        id="pg_cache_hit_ratio",
        topic="postgres_load",
        title="reads that the buffer cache answers",
        meaning=(
            "Share of blocks found in shared buffers. When it falls, the data that is in use no longer "
            "fits into memory, or a scan pushed it out: expect more disk reads and slower statements."
        ),
        unit="ratio",
        bad="down",
        scope="shared",
        entity=DATABASE,
        combine="min",
        floor=0.02,
        warn=Threshold(value=0.98, reason="the level of the postgres_exporter mixin (PostgreSQLCacheHitRatio)"),
        crit=Threshold(value=0.9, reason="every tenth block comes from disk: statements are bound by its latency"),
        variants=(
            Variant(
                name="postgres_exporter",
                query="sum by (instance) (rate(pg_stat_database_blks_hit{$scope}[$rate])) / (sum by (instance) (rate(pg_stat_database_blks_hit{$scope}[$rate])) + sum by (instance) (rate(pg_stat_database_blks_read{$scope}[$rate])) > 0)",
                needs=("pg_stat_database_blks_hit", "pg_stat_database_blks_read"),
            ),
        ),
    ),
    Signal(
        id="pg_rollback_ratio",
        topic="postgres_load",
        title="transactions that were undone",
        meaning=(
            "Share of transactions that end in a rollback. A rise means errors in the services, deadlocks "
            "or time-outs: their logs name the error."
        ),
        unit="ratio",
        bad="up",
        scope="shared",
        entity=DATABASE,
        combine="max",
        floor=0.02,
        warn=Threshold(value=0.1, reason="the level of the postgres_exporter mixin (PostgresHasTooManyRollbacks)"),
        crit=Threshold(value=0.5, reason="most transactions fail"),
        variants=(
            Variant(
                name="postgres_exporter",
                query="sum by (instance) (rate(pg_stat_database_xact_rollback{$scope}[$rate])) / (sum by (instance) (rate(pg_stat_database_xact_rollback{$scope}[$rate])) + sum by (instance) (rate(pg_stat_database_xact_commit{$scope}[$rate])) > 0)",
                needs=("pg_stat_database_xact_rollback", "pg_stat_database_xact_commit"),
            ),
        ),
    ),
    Signal(
        id="pg_temp_bytes",
        topic="postgres_load",
        title="temporary files written",
        meaning=(
            "Sorts and joins that did not fit into work_mem and went to disk. A jump is usually one new "
            "or changed query; temporary files can also fill the volume."
        ),
        unit="bytes_per_second",
        bad="up",
        scope="shared",
        entity=DATABASE,
        floor=1024 * 1024,
        warn=Threshold(value=10 * 2**20, reason="36 GB an hour: more than an occasional report needs"),
        variants=(
            Variant(
                name="postgres_exporter",
                query="sum by (instance) (rate(pg_stat_database_temp_bytes{$scope}[$rate]))",
                needs=("pg_stat_database_temp_bytes",),
            ),
        ),
    ),
    Signal(
        id="pg_checkpoints_requested_ratio",
        topic="postgres_load",
        title="checkpoints that the write-ahead log forced",
        meaning=(
            "Share of checkpoints that came because the log was full, not by schedule. Near 1 the server "
            "writes in bursts and statements stall: spread the writes, or raise max_wal_size."
        ),
        unit="ratio",
        bad="up",
        scope="shared",
        entity=DATABASE,
        combine="max",
        floor=0.2,
        warn=Threshold(
            value=0.5,
            reason=(
                "PostgreSQL's own advice: checkpoints shall come by checkpoint_timeout, requested ones be the exception"
            ),
        ),
        variants=(
            Variant(
                name="postgres_exporter, PostgreSQL 17",
                query="sum by (instance) (increase(pg_stat_checkpointer_num_requested_total{$scope}[1h])) / (sum by (instance) (increase(pg_stat_checkpointer_num_requested_total{$scope}[1h])) + sum by (instance) (increase(pg_stat_checkpointer_num_timed_total{$scope}[1h])) > 0)",
                needs=("pg_stat_checkpointer_num_requested_total", "pg_stat_checkpointer_num_timed_total"),
            ),
            Variant(
                name="postgres_exporter",
                query="sum by (instance) (increase(pg_stat_bgwriter_checkpoints_req_total{$scope}[1h])) / (sum by (instance) (increase(pg_stat_bgwriter_checkpoints_req_total{$scope}[1h])) + sum by (instance) (increase(pg_stat_bgwriter_checkpoints_timed_total{$scope}[1h])) > 0)",
                needs=("pg_stat_bgwriter_checkpoints_req_total", "pg_stat_bgwriter_checkpoints_timed_total"),
            ),
        ),
    ),
    Signal(
        id="pg_rows_written",
        topic="postgres_load",
        title="rows written",
        meaning=(
            "Rows inserted, changed and deleted. A burst explains replication lag, forced checkpoints and "
            "bloat; its source is usually a batch job or a migration."
        ),
        unit="per_second",
        bad="up",
        scope="shared",
        entity=DATABASE,
        floor=100,
        variants=(
            Variant(
                name="postgres_exporter",
                query="sum by (instance) (rate(pg_stat_database_tup_inserted{$scope}[$rate])) + sum by (instance) (rate(pg_stat_database_tup_updated{$scope}[$rate])) + sum by (instance) (rate(pg_stat_database_tup_deleted{$scope}[$rate]))",
                needs=("pg_stat_database_tup_inserted", "pg_stat_database_tup_updated", "pg_stat_database_tup_deleted"),
            ),
        ),
    ),
    Signal(
        id="pg_database_bytes",
        topic="postgres_load",
        title="size of the databases",
        meaning=(
            "Disk space that each database takes. A climb that does not level off fills the volume: "
            "compare with the free storage, and look for a table without clean-up or a replication slot "
            "nobody reads."
        ),
        unit="bytes",
        bad="up",
        scope="shared",
        entity=DATABASE,
        floor=100 * 2**20,
        variants=(
            Variant(
                name="postgres_exporter",
                query="sum by (instance, datname) (pg_database_size_bytes{$scope})",
                needs=("pg_database_size_bytes",),
            ),
        ),
    ),
    Signal(
        id="pg_transactions",
        topic="postgres_load",
        title="transactions, ended either way",
        meaning=(
            "Commits and rollbacks of each database: how much it is used. Shares and mean times of a "
            "handful of transactions mean little; read them together with this."
        ),
        unit="per_second",
        bad="both",
        scope="shared",
        entity=DATABASE,
        floor=1,
        weighed=False,
        variants=(
            Variant(
                name="postgres_exporter",
                query="sum by (instance, datname) (rate(pg_stat_database_xact_commit{$scope}[$rate])) + sum by (instance, datname) (rate(pg_stat_database_xact_rollback{$scope}[$rate]))",
                needs=("pg_stat_database_xact_commit", "pg_stat_database_xact_rollback"),
            ),
        ),
    ),
    Signal(
        id="pg_blocks_read",
        topic="postgres_load",
        title="blocks that the buffer cache did not hold",
        meaning=(
            "Blocks of 8 KiB read past shared buffers, from the system's cache or from disk. Only when "
            "there are many does a low hit ratio (pg_cache_hit_ratio) cost anything."
        ),
        unit="per_second",
        bad="up",
        scope="shared",
        entity=DATABASE,
        floor=100,
        weighed=False,
        variants=(
            Variant(
                name="postgres_exporter",
                query="sum by (instance) (rate(pg_stat_database_blks_read{$scope}[$rate]))",
                needs=("pg_stat_database_blks_read",),
            ),
        ),
    ),
    Signal(
        id="pg_slot_retained_bytes",
        topic="postgres_load",
        title="log that a replication slot keeps",
        meaning=(
            "Write-ahead log that the server may not delete because the slot's reader has not confirmed "
            "it. A climb fills the volume: bring the reader back, or drop a slot that nobody reads."
        ),
        unit="bytes",
        bad="up",
        scope="shared",
        entity=DATABASE,
        combine="max",
        floor=2**30,
        warn=Threshold(value=10 * 2**30, reason="half of the smallest RDS volume (20 GiB) is log that nobody fetches"),
        weighed=False,
        variants=(
            Variant(
                name="postgres_exporter",
                query="max by (instance, slot_name) (pg_replication_slots_pg_wal_lsn_diff{$scope})",
                needs=("pg_replication_slots_pg_wal_lsn_diff",),
            ),
        ),
    ),
    Signal(
        id="pg_transaction_age",
        topic="postgres_load",
        title="age of the oldest transaction ID",
        meaning=(
            "How many transactions ago the oldest row was last frozen. At 2.1 billion the server stops "
            "taking writes. Vacuum should hold it near 200 million: find the old transaction, slot or "
            "lock that keeps it from ending."
        ),
        unit="count",
        bad="up",
        scope="shared",
        entity=DATABASE,
        combine="max",
        floor=50_000_000,
        warn=Threshold(
            value=1_000_000_000,
            reason=(
                "five times the age at which autovacuum freezes (200 million) and half of what there is: something "
                "keeps it from ending"
            ),
        ),
        weighed=False,
        variants=(
            Variant(
                name="postgres_exporter, database_wraparound",
                query="max(pg_database_wraparound_age_datfrozenxid_seconds{$scope})",
                needs=("pg_database_wraparound_age_datfrozenxid_seconds",),
            ),
            Variant(
                name="CloudWatch exporter",
                query="max(aws_rds_maximum_used_transaction_ids_average{$scope})",
                needs=("aws_rds_maximum_used_transaction_ids_average",),
            ),
        ),
    ),
    Signal(
        id="pg_database_growth_ratio",
        topic="postgres_load",
        title="growth of each database within a day",
        meaning=(
            "How much larger than a day ago; 0.2 is a fifth. A day, so that nightly loads and clean-ups "
            "cancel out. Find the table that grows, and whether its clean-up still runs."
        ),
        unit="ratio",
        bad="up",
        scope="shared",
        entity=DATABASE,
        combine="max",
        floor=0.05,
        warn=Threshold(value=0.2, reason="a fifth a day doubles a database in four days"),
        weighed=False,
        variants=(
            Variant(
                name="postgres_exporter",
                query="sum by (instance, datname) (pg_database_size_bytes{$scope}) / (sum by (instance, datname) (pg_database_size_bytes{$scope} offset 1d) > 0) - 1",
                needs=("pg_database_size_bytes",),
            ),
        ),
    ),
)
