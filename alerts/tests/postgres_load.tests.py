"""Tests of the alerts on how hard PostgreSQL works."""

from obskit.ascode.alerts import around, counting, fires, quiet, steady

DB = {"instance": "db:9187"}
SHOP = {**DB, "datname": "shop"}
_SHOP = 'instance="db:9187",datname="shop"'
GIB = 2**30
#: A day of samples, and some hours.
DAY, HOURS = 24 * 240, 4 * 240


def transactions(per_second: float, undone: float = 0.0) -> dict[str, str]:
    """Return transactions of which a share is rolled back."""
    return {
        f"pg_stat_database_xact_commit{{{_SHOP}}}": counting(per_second * (1 - undone)),
        f"pg_stat_database_xact_rollback{{{_SHOP}}}": counting(per_second * undone),
    }


def statement(seconds: float, calls: float = 20, queryid: str = "1") -> dict[str, str]:
    """Return a kind of statement that takes so long each time."""
    return {
        f'pg_stat_statements_seconds_total{{{_SHOP},user="app",queryid="{queryid}"}}': counting(seconds * calls),
        f'pg_stat_statements_calls_total{{{_SHOP},user="app",queryid="{queryid}"}}': counting(calls),
    }


def blocks(found: float, per_second: float) -> dict[str, str]:
    """Return reads of blocks of which a share is found in the cache."""
    return {
        f"pg_stat_database_blks_hit{{{_SHOP}}}": counting(found * per_second),
        f"pg_stat_database_blks_read{{{_SHOP}}}": counting((1 - found) * per_second),
    }


def checkpoints(requested: float) -> dict[str, str]:
    """Return twelve checkpoints an hour of which a share is requested."""
    return {
        'pg_stat_checkpointer_num_requested_total{instance="db:9187"}': counting(requested * 12 / 3600),
        'pg_stat_checkpointer_num_timed_total{instance="db:9187"}': counting((1 - requested) * 12 / 3600),
    }


def grown(by: float, start: int = 10 * GIB) -> dict[str, str]:
    """Return a database that is as large for a day and then larger."""
    return {f"pg_database_size_bytes{{{_SHOP}}}": f"{start}x{DAY} {int(start * (1 + by))}x{HOURS}"}


TESTS = (
    around(
        "PostgresStatementsSlow",
        lambda seconds: {**statement(seconds), **transactions(20)},
        labels={**SHOP, "severity": "ticket", "cause": "slow_queries"},
    ),
    fires("PostgresStatementsSlow", {**statement(2, 1), **transactions(1.1)}, at="1h", why="little used, but used"),
    quiet("PostgresStatementsSlow", {**statement(60, 0.1), **transactions(0.9)}, at="1h", why="a database of reports"),
    quiet(
        "PostgresStatementsSlow",
        {**statement(40, 0.01), **statement(0.001, 50, "2"), **transactions(50)},
        at="1h",
        why="a slow report among many fast statements: the mean is weighed by calls",
    ),
    around(
        "PostgresStatementVerySlow",
        lambda seconds: {**statement(seconds, 0.02), **statement(0.002, 50, "2")},
        labels={**SHOP, "severity": "ticket"},
    ),
    quiet(
        "PostgresStatementVerySlow",
        {
            f'pg_stat_statements_seconds_total{{{_SHOP},user="app",queryid="9"}}': "100x40 1300x400",
            f'pg_stat_statements_calls_total{{{_SHOP},user="app",queryid="9"}}': "3x40 4x400",
        },
        at="20m",
        why="one report of twenty minutes",
    ),
    around(
        "PostgresCacheHitsLow",
        lambda found: blocks(found, 100_000),
        labels={**DB, "severity": "ticket"},
    ),
    fires("PostgresCacheHitsLow", blocks(0.5, 2100), at="1h", why="few reads, but half of them from disk"),
    quiet("PostgresCacheHitsLow", blocks(0.5, 1900), at="1h", why="a quiet database: nobody waits for its disk"),
    quiet(
        "PostgresCacheHitsLow",
        {
            f"pg_stat_database_blks_hit{{{_SHOP}}}": "0+30000x80 2400000+300000x400",
            f"pg_stat_database_blks_read{{{_SHOP}}}": "0+30000x80 2400000+3000x400",
        },
        at="30m",
        why="the cache warms up after a restart",
    ),
    around(
        "PostgresRollbacksHigh",
        lambda undone: transactions(20, undone),
        far=0.9,
        labels={**DB, "severity": "ticket"},
    ),
    fires("PostgresRollbacksHigh", transactions(1.1, 0.5), at="1h", why="little used, but used"),
    quiet("PostgresRollbacksHigh", transactions(0.9, 0.5), at="1h", why="a handful of transactions"),
    quiet(
        "PostgresRollbacksHigh",
        {
            **transactions(100, 0.01),
            'pg_stat_database_xact_commit{instance="db:9187",datname="admin"}': counting(0.01),
            'pg_stat_database_xact_rollback{instance="db:9187",datname="admin"}': counting(0.01),
        },
        at="1h",
        why="half of a side database's few transactions: the server's share is one per cent",
    ),
    around(
        "PostgresTempFiles",
        lambda rate: {f"pg_stat_database_temp_bytes{{{_SHOP}}}": counting(rate)},
        labels={**DB, "severity": "ticket"},
    ),
    quiet(
        "PostgresTempFiles",
        {f"pg_stat_database_temp_bytes{{{_SHOP}}}": "0x40 20000000000x400"},
        at="20m",
        why="one index build of 20 GB",
    ),
    around("PostgresCheckpointsForced", checkpoints, far=1.0, labels={**DB, "severity": "ticket"}),
    fires(
        "PostgresCheckpointsForced",
        {
            'pg_stat_bgwriter_checkpoints_req_total{instance="db:9187"}': counting(0.01),
            'pg_stat_bgwriter_checkpoints_timed_total{instance="db:9187"}': counting(0.001),
        },
        at="2h10m",
        labels=DB,
        why="servers before PostgreSQL 17 count them elsewhere",
    ),
    quiet(
        "PostgresCheckpointsForced",
        {
            'pg_stat_checkpointer_num_requested_total{instance="db:9187"}': "0x20 0+1x160 160x2000",
            'pg_stat_checkpointer_num_timed_total{instance="db:9187"}': "0+0.05x20 1x160 1+0.05x2000",
        },
        at="2h",
        why="a bulk load of forty minutes: the share stays high for an hour after it",
    ),
    around(
        "PostgresTransactionIdsRunOut",
        lambda age: {f"pg_database_wraparound_age_datfrozenxid_seconds{{{_SHOP}}}": steady(age)},
        far=2_000_000_000,
        labels={"severity": "ticket"},
    ),
    fires(
        "PostgresTransactionIdsRunOut",
        {
            'aws_rds_maximum_used_transaction_ids_average{dimension_DBInstanceIdentifier="orders"}': steady(
                1_200_000_000
            )
        },
        at="2h",
        why="where CloudWatch alone tells it",
    ),
    fires("PostgresDatabaseGrowing", grown(0.21), at="25h2m", labels={**SHOP, "severity": "ticket"}, why="21 % a day"),
    quiet("PostgresDatabaseGrowing", grown(0.5), at="24h59m", why="not yet an hour: a table may be being rewritten"),
    quiet("PostgresDatabaseGrowing", grown(0.19), at="26h", why="19 % a day"),
    fires("PostgresDatabaseGrowing", grown(0.5, 14 * GIB // 10), at="26h", why="2.1 GiB: large enough to look at"),
    quiet("PostgresDatabaseGrowing", grown(0.5, 13 * GIB // 10), at="26h", why="1.95 GiB: too small to harm"),
    quiet("PostgresDatabaseGrowing", grown(9, GIB // 8), at="26h", why="a small database that has begun to be used"),
    quiet(
        "PostgresDatabaseGrowing",
        {f"pg_database_size_bytes{{{_SHOP}}}": f"_x{DAY} {50 * GIB}x{HOURS}"},
        at="26h",
        why="a database that was restored today has no yesterday",
    ),
    quiet("PostgresDatabaseGrowing", {}, at="26h", why="no series"),
)
