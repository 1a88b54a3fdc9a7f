"""Tests of the alerts on the PostgreSQL server."""

from obskit.ascode.alerts import around, counting, fires, quiet, steady

DB = {"instance": "db:9187"}


def connections(share: float, instance: str = "db:9187") -> dict[str, str]:
    """Return a server of 200 connections of which a share is taken, by sessions of two states."""
    count = f'pg_stat_activity_count{{instance="{instance}",datname="shop"'
    return {
        f'{count},state="active"}}': steady(share * 200 - 20),
        f'{count},state="idle"}}': steady(20),
        f'pg_settings_max_connections{{instance="{instance}"}}': steady(200),
    }


def blocked(sessions: float) -> dict[str, str]:
    """Return so many sessions that wait for a lock."""
    head = 'pg_stat_activity_count{instance="db:9187",state="active"'
    return {f'{head},wait_event_type="Lock"}}': steady(sessions), f'{head},wait_event_type=""}}': steady(90)}


def idle(sessions: str, state: str = "idle in transaction") -> dict[str, str]:
    """Return sessions of a state."""
    return {f'pg_stat_activity_count{{instance="db:9187",state="{state}"}}': sessions}


def oldest(seconds: str, state: str = "active") -> dict[str, str]:
    """Return the age of the oldest transaction of a state."""
    return {f'pg_stat_activity_max_tx_duration{{instance="db:9187",state="{state}"}}': seconds}


def collector(failing: float, up: float = 1) -> dict[str, str]:
    """Return an exporter with one collector that works and one that does not."""
    head = 'pg_scrape_collector_success{instance="db:9187"'
    return {
        f'{head},collector="database"}}': steady(1),
        f'{head},collector="stat_statements"}}': steady(1 - failing),
        'pg_up{instance="db:9187"}': steady(up),
    }


TESTS = (
    around(
        "PostgresDown",
        lambda up: {'pg_up{instance="db:9187"}': steady(up)},
        bad=0,
        good=1,
        far=0,
        labels={**DB, "severity": "page", "cause": "database_unreachable"},
    ),
    fires(
        "PostgresDown",
        {'pg_up{instance="db:9187"}': steady(1), 'pg_up{instance="db2:9187"}': steady(0)},
        at="3m",
        labels={"instance": "db2:9187"},
        why="one of two servers: it is named",
    ),
    quiet(
        "PostgresDown",
        {'pg_up{instance="db:9187"}': "1x20 0x6 1x400"},
        at="7m30s",
        why="a failover of a minute and a half",
    ),
    fires("PostgresDown", {'pg_up{instance="db:9187"}': "0x40 1x400"}, at="19m45s", why="it may fall again"),
    quiet("PostgresDown", {'pg_up{instance="db:9187"}': "0x40 1x400"}, at="20m45s", why="up for ten minutes"),
    around("PostgresConnectionsHigh", connections, far=1.0, labels={**DB, "severity": "ticket"}),
    quiet(
        "PostgresConnectionsHigh",
        {**connections(0.5), **connections(0.6, "db2:9187")},
        at="30m",
        why="together 110 % of one server's limit, but each has room",
    ),
    quiet(
        "PostgresConnectionsHigh",
        {'pg_stat_activity_count{instance="db:9187",state="idle"}': steady(5000)},
        at="30m",
        why="without the server's limit nothing can be said",
    ),
    around(
        "PostgresConnectionsExhausted",
        connections,
        far=1.0,
        labels={**DB, "severity": "page", "cause": "db_connection_limit"},
    ),
    fires(
        "PostgresConnectionsExhausted",
        {**connections(0.2), **connections(0.97, "db2:9187")},
        at="3m",
        labels={"instance": "db2:9187"},
        why="the full one is named; the mean is 59 %",
    ),
    fires(
        "PostgresConnectionsExhausted",
        {
            'pg_stat_activity_count{instance="db:9187",state="active"}': "199x40 180x400",
            'pg_settings_max_connections{instance="db:9187"}': steady(200),
        },
        at="14m45s",
        why="clients that were refused come back",
    ),
    quiet(
        "PostgresConnectionsExhausted",
        {
            'pg_stat_activity_count{instance="db:9187",state="active"}': "199x40 180x400",
            'pg_settings_max_connections{instance="db:9187"}': steady(200),
        },
        at="15m45s",
        why="below the limit for five minutes",
    ),
    around(
        "PostgresIdleInTransaction",
        lambda sessions: idle(steady(sessions)),
        labels={"severity": "ticket", "cause": "lock_contention"},
    ),
    fires(
        "PostgresIdleInTransaction",
        {**idle(steady(6)), **idle(steady(6), "idle in transaction (aborted)")},
        at="12m",
        why="one that failed and was not rolled back holds its locks too",
    ),
    quiet("PostgresIdleInTransaction", idle(steady(300), "idle"), at="30m", why="idle alone is a pool at rest"),
    quiet(
        "PostgresIdleInTransaction",
        idle("14x12 3x1 12x12 5x1 15x12 2x1 14x12 1x400"),
        at="13m",
        why="many short transactions: at some scrape there are few",
    ),
    around(
        "PostgresTransactionLong",
        lambda seconds: oldest(steady(seconds)),
        labels={"severity": "ticket", "cause": "lock_contention"},
    ),
    quiet(
        "PostgresTransactionLong",
        oldest("0+15x100 0x400"),
        at="29m",
        why="a dump of twenty-five minutes, from its beginning to after its end",
    ),
    quiet("PostgresTransactionLong", oldest(steady(90_000), "idle"), at="1h", why="an idle session holds nothing"),
    around("PostgresLockWaits", blocked, labels={**DB, "severity": "ticket"}),
    quiet("PostgresLockWaits", blocked(0), at="30m", why="ninety sessions work and none waits for a lock"),
    around("PostgresSessionsBlocked", blocked, labels={**DB, "severity": "page", "cause": "lock_contention"}),
    fires("PostgresSessionsBlocked", blocked(25), at="2m30s", why="soon, since it grows"),
    quiet(
        "PostgresSessionsBlocked",
        {'pg_stat_activity_count{instance="db:9187",state="active",wait_event_type="Lock"}': "0x20 60x6 0x400"},
        at="7m30s",
        why="a migration that had its lock for a minute and a half",
    ),
    fires(
        "PostgresSessionsBlocked",
        {'pg_stat_activity_count{instance="db:9187",state="active",wait_event_type="Lock"}': "60x40 10x400"},
        at="14m45s",
        why="waiters that timed out come back behind the same head",
    ),
    quiet(
        "PostgresSessionsBlocked",
        {'pg_stat_activity_count{instance="db:9187",state="active",wait_event_type="Lock"}': "60x40 10x400"},
        at="15m45s",
        why="no long queue for five minutes",
    ),
    around(
        "PostgresDeadlocks",
        lambda rate: {'pg_stat_database_deadlocks{instance="db:9187",datname="shop"}': counting(rate)},
        labels={"severity": "ticket", "cause": "lock_contention"},
    ),
    quiet(
        "PostgresDeadlocks",
        {'pg_stat_database_deadlocks{instance="db:9187",datname="shop"}': "5x20 60x2000"},
        at="14m",
        why="one collision of two jobs, however many it broke off",
    ),
    quiet(
        "PostgresDeadlocks",
        {'pg_stat_database_deadlocks{instance="db:9187",datname="shop"}': "0+9x20 0x2000"},
        at="14m",
        why="the server's restart set the counter back",
    ),
    around(
        "PostgresReplicaLagging",
        lambda seconds: {'pg_replication_lag_seconds{instance="replica:9187"}': steady(seconds)},
        labels={"severity": "ticket"},
    ),
    fires(
        "PostgresReplicaLagging",
        {'aws_rds_replica_lag_average{dimension_DBInstanceIdentifier="orders-replica"}': steady(300)},
        at="20m",
        why="where CloudWatch alone tells it",
    ),
    quiet(
        "PostgresReplicaLagging",
        {'pg_replication_lag_seconds{instance="replica:9187"}': "0x4 0+30x20 600-30x20 0x400"},
        at="12m",
        why="a bulk load: the lag grows for five minutes and is worked off in five more",
    ),
    around(
        "PostgresReplicaFarBehind",
        lambda seconds: {'pg_replication_lag_seconds{instance="replica:9187"}': steady(seconds)},
        labels={"severity": "page"},
    ),
    quiet(
        "PostgresReplicaFarBehind",
        {'pg_replication_lag_seconds{instance="replica:9187"}': "0x20 40000x12 2x400"},
        at="9m",
        why="after its restart a replica tells an old age until it replays",
    ),
    around(
        "PostgresSlotRetainsLog",
        lambda kept: {
            'pg_replication_slots_pg_wal_lsn_diff{instance="db:9187",slot_name="dms"}': steady(kept),
            'pg_replication_slots_pg_wal_lsn_diff{instance="db:9187",slot_name="replica"}': steady(0),
        },
        labels={**DB, "slot_name": "dms", "severity": "ticket", "cause": "disk_full"},
    ),
    quiet(
        "PostgresSlotRetainsLog",
        {
            f'pg_replication_slots_pg_wal_lsn_diff{{instance="db:9187",slot_name="{slot}"}}': steady(6 * 2**30)
            for slot in ("a", "b")
        },
        at="1h",
        why="two slots keep the same log: 6 GiB, not 12",
    ),
    around(
        "PostgresCollectorsFailing",
        collector,
        labels={**DB, "severity": "ticket", "cause": "telemetry_blind"},
    ),
    quiet("PostgresCollectorsFailing", collector(1, up=0), at="1h", why="PostgresDown says it"),
)
