# expect: definition @7: is no name of an alert
"""A name that no runbook can have."""

from obskit.ascode.alerts import alert

RULES = (
    alert(
        "db-errors",
        "db_errors",
        level="warn",
        severity="ticket",
        kind="cause",
        summary="{service} counts {value} errors of its database",
        description="Errors other than time-outs of the pool. Split them by type.",
        hold="15m",
        hold_reason="a failover breaks every connection once",
        over="11m",
    ),
)
