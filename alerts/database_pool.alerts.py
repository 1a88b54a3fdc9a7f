"""Alerts on the database as services see it: the connection pool in each task, and what queries bring.

A full pool, requests that time out in it and slow queries are one story told three times: the
page is the pool's, what users feel of it is a symptom that the cause's alert silences, and the
tickets are for what comes before.
"""

from obskit.ascode.alerts import Condition, alert

RULES = (
    # Covers: PgbouncerActiveConnections
    alert(
        "DatabasePoolExhausted",
        "db_pool_used_ratio",
        severity="page",
        kind="cause",
        cause="db_pool_exhausted",
        summary="{service} has {value} of a task's database connections in use",
        description=(
            "In at least one task no connection is free: requests queue, and fail when the pool's time-out ends. "
            "See first what the connections do in the database: wait for a lock, run long, or nothing (a leak)."
        ),
        hold="2m",
        hold_reason=(
            "full at eight scrapes in a row is no burst, and four times the usual time-out of a pool (30 s) has passed"
        ),
        keep="5m",
        keep_reason="requests that time out free the pool for a moment: it would page again each time it refills",
    ),
    # Covers: PgbouncerClientsWaitingForConnection, PgbouncerHighClientWaitTime
    alert(
        "DatabasePoolWaiting",
        "db_pool_waiting",
        level="warn",
        severity="ticket",
        kind="cause",
        cause="db_pool_exhausted",
        summary="{value} requests of {service} wait for a database connection",
        description=(
            "The pool is too small for the traffic, or connections are held too long; users notice longer answers. "
            "Compare the mean time of a query with yesterday's before the pool is made larger."
        ),
        hold="10m",
        hold_reason="a burst queues for seconds, and new tasks of a deployment open their connections for a minute",
    ),
    alert(
        "DatabasePoolTimeouts",
        "db_pool_timeouts",
        severity="page",
        kind="symptom",
        summary="{value} requests of {service} give up waiting for a database connection",
        description=(
            "Each of them is an error that a user sees. The pool need not look full: with a time-out of seconds it "
            "empties between two scrapes. Look for the statement or lock that holds connections in bursts."
        ),
        hold="2m",
        hold_reason="the rate looks back five minutes already: two more tell an outage from one stuck statement",
        keep="5m",
        keep_reason="time-outs come in waves as the queue fills and fails: one incident, one page",
    ),
    alert(
        "DatabasePoolAcquireSlow",
        "db_pool_acquire_seconds",
        level="warn",
        severity="ticket",
        kind="cause",
        summary="A request of {service} waits {value} for a database connection that is free",
        description=(
            "The pool has room, and still hands connections out slowly: it opens new ones all the time, the database "
            "accepts them slowly (TLS, authentication, a proxy), or bursts shorter than a scrape empty it."
        ),
        hold="15m",
        hold_reason="a deployment opens all its connections anew within a few minutes",
        where=(
            Condition(
                signal="db_pool_used_ratio",
                op="<",
                value=1.0,
                reason="with a full pool waiting is no news: DatabasePoolExhausted says it",
            ),
        ),
    ),
    alert(
        "DatabaseErrors",
        "db_errors",
        level="warn",
        severity="ticket",
        kind="cause",
        summary="{service} counts {value} errors of its database",
        description=(
            "Errors other than time-outs of the pool: refused or broken connections, deadlocks, constraints. "
            "Split them by type; one that is new since a deployment is the release's."
        ),
        hold="15m",
        hold_reason="a failover breaks every connection once, and is over within a few minutes",
    ),
    alert(
        "DatabaseErrorsFailRequests",
        "db_errors",
        severity="page",
        kind="cause",
        cause="database_unreachable",
        summary="Requests of {service} fail while its database client counts {value} errors",
        description=(
            "Users get errors, and the database is where they come from. Look at the type of the errors: refused and "
            "reset are the server or the network, authentication is a rotated password, all else the statements."
        ),
        hold="3m",
        hold_reason="a failover of a Multi-AZ instance takes one to two minutes and needs nobody",
        where=(
            Condition(
                signal="http_error_ratio",
                op=">=",
                value=0.05,
                reason="errors that are retried hurt nobody; at one request in twenty they are not",
            ),
        ),
    ),
    alert(
        "DatabaseQueriesSlow",
        "db_query_seconds",
        # A ticket: HikariCP tells how long a connection is held, which may be as long as the request.
        severity="ticket",
        kind="cause",
        cause="slow_queries",
        summary="A database query of {service} takes {value} on average",
        description=(
            "Pages need several queries each, so users wait, and pools run full soon. See whether statements wait for "
            "locks or work: pg_blocked and the server's CPU tell them apart."
        ),
        hold="5m",
        hold_reason="with the five minutes of the mean, one long report that comes and goes wakes nobody",
        where=(
            Condition(
                signal="http_requests",
                op=">=",
                value=0.1,
                reason="a worker's statements may take seconds: it serves no requests, so nobody waits for them",
            ),
        ),
    ),
)

# Left out: a warning of a pool that is nearly full: DatabasePoolWaiting tells when that costs anything.
# Left out: PgbouncerMaxConnections: clients refused at max_client_conn show as DatabaseErrors of their service.
# Left out: PgbouncerServerConnectionSaturationWarning: max_user_connections is unlimited by default.
# Left out: PgbouncerServerConnectionSaturationCritical: as above.
