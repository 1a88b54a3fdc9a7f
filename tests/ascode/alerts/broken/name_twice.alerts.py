# expect: duplicate-alert @20: an alert of this name
"""Two alerts, one runbook."""

from obskit.ascode.alerts import alert

RULES = (
    alert(
        "NameTwice",
        "db_errors",
        level="warn",
        severity="ticket",
        kind="cause",
        summary="{service} counts {value} errors of its database",
        description="Errors other than time-outs of the pool. Split them by type.",
        hold="15m",
        hold_reason="a failover breaks every connection once",
        over="34m",
    ),
    alert(
        "NameTwice",
        "db_errors",
        level="warn",
        severity="ticket",
        kind="cause",
        summary="{service} counts {value} errors of its database",
        description="Errors other than time-outs of the pool. Split them by type.",
        hold="15m",
        hold_reason="a failover breaks every connection once",
        over="35m",
    ),
)
