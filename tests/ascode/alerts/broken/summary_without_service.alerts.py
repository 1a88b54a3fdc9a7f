# expect: alert-summary @13: of which {service}
"""Whose, nobody knows."""

from obskit.ascode.alerts import alert

RULES = (
    alert(
        "SummaryWithoutService",
        "db_errors",
        level="warn",
        severity="ticket",
        kind="cause",
        summary="{value} errors of a database",
        description="Errors other than time-outs of the pool. Split them by type.",
        hold="15m",
        hold_reason="a failover breaks every connection once",
        over="43m",
    ),
)
