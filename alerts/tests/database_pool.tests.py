"""Tests of the alerts on the connection pool and on queries, as services see them."""

from obskit.ascode.alerts import around, counting, fires, quiet, steady

SHOP = {"service": "shop"}


def pool(used: float, task: str = "a", size: float = 10) -> dict[str, str]:
    """Return a HikariCP pool of which a share is in use."""
    return {
        f'hikaricp_connections_active{{service="shop",task_id="{task}"}}': steady(used * size),
        f'hikaricp_connections_max{{service="shop",task_id="{task}"}}': steady(size),
    }


def acquiring(seconds: float, used: float) -> dict[str, str]:
    """Return a pool that hands out ten connections a second, each after so long."""
    return {
        'hikaricp_connections_acquire_seconds_sum{service="shop",task_id="a"}': counting(seconds * 10),
        'hikaricp_connections_acquire_seconds_count{service="shop",task_id="a"}': counting(10),
        **pool(used),
    }


def errors(per_second: float, kind: str = "OperationalError") -> dict[str, str]:
    """Return so many errors of the database client."""
    return {f'db_errors_total{{service="shop",task_id="a",type="{kind}"}}': counting(per_second)}


def requests(per_second: float, failing: float = 0.0) -> dict[str, str]:
    """Return requests, of which a share fails."""
    head = 'http_requests_total{service="shop",task_id="a",path="/cart"'
    return {
        f'{head},status="200"}}': counting(per_second * (1 - failing)),
        f'{head},status="500"}}': counting(per_second * failing),
    }


def querying(seconds: float) -> dict[str, str]:
    """Return ten queries a second that take so long each."""
    return {
        'db_query_duration_seconds_sum{service="shop",task_id="a"}': counting(seconds * 10),
        'db_query_duration_seconds_count{service="shop",task_id="a"}': counting(10),
    }


TESTS = (
    around("DatabasePoolExhausted", pool, labels={**SHOP, "severity": "page", "cause": "db_pool_exhausted"}),
    fires(
        "DatabasePoolExhausted",
        {**pool(1.0, "a"), **pool(0.1, "b"), **pool(0.1, "c")},
        at="3m",
        labels=SHOP,
        why="a third of the requests meet a full pool; the mean of the tasks is 40 %",
    ),
    quiet(
        "DatabasePoolExhausted",
        {
            'hikaricp_connections_active{service="shop",task_id="a"}': "10x6 4x2 10x6 3x2 10x6 5x400",
            'hikaricp_connections_max{service="shop",task_id="a"}': steady(10),
        },
        at="5m30s",
        why="bursts that empty again",
    ),
    quiet(
        "DatabasePoolExhausted",
        {
            'db_pool_checked_out{service="shop",task_id="a"}': steady(3),
            'db_pool_size{service="shop",task_id="a"}': steady(0),
        },
        at="10m",
        why="a pool without a limit cannot be full",
    ),
    fires(
        "DatabasePoolExhausted",
        {
            'hikaricp_connections_active{service="shop",task_id="a"}': "10x40 5x400",
            'hikaricp_connections_max{service="shop",task_id="a"}': steady(10),
        },
        at="14m45s",
        why="it has room since ten minutes, and may fill again",
    ),
    quiet(
        "DatabasePoolExhausted",
        {
            'hikaricp_connections_active{service="shop",task_id="a"}': "10x40 5x400",
            'hikaricp_connections_max{service="shop",task_id="a"}': steady(10),
        },
        at="15m45s",
        why="it has had room for five minutes",
    ),
    around(
        "DatabasePoolWaiting",
        lambda waiting: {'hikaricp_connections_pending{service="shop",task_id="a"}': steady(waiting)},
        labels={**SHOP, "severity": "ticket"},
    ),
    quiet(
        "DatabasePoolWaiting",
        {'hikaricp_connections_pending{service="shop",task_id="a"}': "6x20 0x2 6x20 0x2 6x20 0x400"},
        at="16m",
        why="the queue is served each time within minutes",
    ),
    around(
        "DatabasePoolTimeouts",
        lambda rate: {'hikaricp_connections_timeout_total{service="shop",task_id="a"}': counting(rate)},
        labels={**SHOP, "severity": "page", "kind": "symptom"},
    ),
    fires(
        "DatabasePoolTimeouts",
        {
            f'hikaricp_connections_timeout_total{{service="shop",task_id="{task}"}}': counting(rate)
            for task, rate in (("a", 0.3), ("b", 0), ("c", 0))
        },
        at="15m",
        labels=SHOP,
        why="one of three tasks: their mean is below the level",
    ),
    quiet(
        "DatabasePoolTimeouts",
        {'hikaricp_connections_timeout_total{service="shop",task_id="a"}': "900x30 0x400"},
        at="10m",
        why="a restarted task counts from nothing again",
    ),
    fires(
        "DatabasePoolTimeouts",
        {'hikaricp_connections_timeout_total{service="shop",task_id="a"}': "0+3.15x80 253x400"},
        at="24m30s",
        why="none since twenty minutes, but they come in waves",
    ),
    quiet(
        "DatabasePoolTimeouts",
        {'hikaricp_connections_timeout_total{service="shop",task_id="a"}': "0+3.15x80 253x400"},
        at="26m",
        why="the last wave is five minutes ago",
    ),
    around(
        "DatabasePoolAcquireSlow",
        lambda seconds: acquiring(seconds, used=0.5),
        labels={**SHOP, "severity": "ticket"},
    ),
    fires("DatabasePoolAcquireSlow", acquiring(0.5, used=0.95), at="25m", why="there is room, if little"),
    quiet("DatabasePoolAcquireSlow", acquiring(0.5, used=1.0), at="25m", why="DatabasePoolExhausted says it"),
    around("DatabaseErrors", errors, labels={**SHOP, "severity": "ticket"}),
    fires(
        "DatabaseErrors",
        {**errors(0.2), **errors(0.3, "InterfaceError")},
        at="25m",
        labels=SHOP,
        why="two kinds of error, one alert of the service",
    ),
    quiet("DatabaseErrors", errors(5, "pool_timeout"), at="25m", why="time-outs of the pool have their own alert"),
    quiet(
        "DatabaseErrors",
        {'db_errors_total{service="shop",task_id="a",type="OperationalError"}': "0x20 200x400"},
        at="25m",
        why="a failover broke every connection once",
    ),
    around(
        "DatabaseErrorsFailRequests",
        lambda rate: {**errors(rate), **requests(50, failing=0.06)},
        labels={**SHOP, "severity": "page", "cause": "database_unreachable"},
    ),
    quiet(
        "DatabaseErrorsFailRequests",
        {**errors(20), **requests(50, failing=0.04)},
        at="20m",
        why="nearly all are retried",
    ),
    quiet("DatabaseErrorsFailRequests", errors(20), at="20m", why="a worker: nobody asks it for anything"),
    around(
        "DatabaseQueriesSlow",
        lambda seconds: {**querying(seconds), **requests(5)},
        labels={**SHOP, "severity": "ticket", "cause": "slow_queries"},
    ),
    fires("DatabaseQueriesSlow", {**querying(20), **requests(0.11)}, at="25m", why="a user every nine seconds"),
    quiet("DatabaseQueriesSlow", {**querying(20), **requests(0.09)}, at="25m", why="a worker's reports may take long"),
    quiet(
        "DatabaseQueriesSlow",
        {
            'db_query_duration_seconds_sum{service="shop",task_id="a"}': "0+0.1x40 70+0.1x400",
            'db_query_duration_seconds_count{service="shop",task_id="a"}': counting(0.1),
            **requests(10),
        },
        at="15m",
        why="one statement of a minute is gone from the mean before anybody is woken",
    ),
)
