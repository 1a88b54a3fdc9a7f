# expect: impossible @18: never hold together
"""A condition that excludes the level."""

from obskit.ascode.alerts import Condition, alert

RULES = (
    alert(
        "Contradiction",
        "db_errors",
        level="warn",
        severity="ticket",
        kind="cause",
        summary="{service} counts {value} errors of its database",
        description="Errors other than time-outs of the pool. Split them by type.",
        hold="15m",
        hold_reason="a failover breaks every connection once",
        over="31m",
        where=(Condition(signal="db_errors", op="<", value=0.001, reason="few errors hurt nobody at all"),),
    ),
)
