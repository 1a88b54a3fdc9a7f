# expect: rate-window @17: fewer than four scrapes
"""A rate over two scrapes."""

from obskit.ascode.alerts import alert

RULES = (
    alert(
        "WindowOfTwoScrapes",
        "db_errors",
        level="warn",
        severity="ticket",
        kind="cause",
        summary="{service} counts {value} errors of its database",
        description="Errors other than time-outs of the pool. Split them by type.",
        hold="15m",
        hold_reason="a failover breaks every connection once",
        over="30s",
    ),
)
