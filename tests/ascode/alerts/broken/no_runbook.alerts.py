# expect: alert-runbook @8: there is no
"""Whoever is woken is alone."""

from obskit.ascode.alerts import alert

RULES = (
    alert(
        "NoRunbook",
        "db_errors",
        level="warn",
        severity="ticket",
        kind="cause",
        summary="{service} counts {value} errors of its database",
        description="Errors other than time-outs of the pool. Split them by type.",
        hold="15m",
        hold_reason="a failover breaks every connection once",
        over="49m",
    ),
)
