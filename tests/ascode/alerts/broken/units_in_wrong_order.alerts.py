# expect: hold @15: is no duration for Prometheus
"""Prometheus wants the larger unit first."""

from obskit.ascode.alerts import alert

RULES = (
    alert(
        "UnitsInWrongOrder",
        "db_errors",
        level="warn",
        severity="ticket",
        kind="cause",
        summary="{service} counts {value} errors of its database",
        description="Errors other than time-outs of the pool. Split them by type.",
        hold="5m1h",
        hold_reason="a failover breaks every connection once",
        over="17m",
    ),
)
