# expect: duplicate-alert @20: the same fact as FactOnce
"""Two tickets for one incident."""

from obskit.ascode.alerts import alert

RULES = (
    alert(
        "FactOnce",
        "db_errors",
        level="warn",
        severity="ticket",
        kind="cause",
        summary="{service} counts {value} errors of its database",
        description="Errors other than time-outs of the pool. Split them by type.",
        hold="15m",
        hold_reason="a failover breaks every connection once",
        over="4m",
    ),
    alert(
        "FactTwice",
        "db_errors",
        level=9.0,
        severity="ticket",
        kind="cause",
        summary="{service} counts {value} errors of its database",
        description="Errors other than time-outs of the pool. Split them by type.",
        hold="15m",
        hold_reason="a failover breaks every connection once",
        over="4m",
        reason="nine a second fail by then",
    ),
)
