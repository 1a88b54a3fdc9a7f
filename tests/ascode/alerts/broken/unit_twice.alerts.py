# expect: unit-words @13: behind a value that brings its unit
"""1m 30s seconds."""

from obskit.ascode.alerts import alert

RULES = (
    alert(
        "UnitTwice",
        "db_query_seconds",
        level="warn",
        severity="ticket",
        kind="cause",
        summary="A query of {service} takes {value} seconds",
        description="Errors other than time-outs of the pool. Split them by type.",
        hold="15m",
        hold_reason="a failover breaks every connection once",
    ),
)
