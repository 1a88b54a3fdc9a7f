# expect: definition @7: a threshold of its own needs a reason
"""A number that nobody can defend."""

from obskit.ascode.alerts import alert

RULES = (
    alert(
        "LevelWithoutReason",
        "db_errors",
        level=3.0,
        severity="ticket",
        kind="cause",
        summary="{service} counts {value} errors of its database",
        description="Errors other than time-outs of the pool. Split them by type.",
        hold="15m",
        hold_reason="a failover breaks every connection once",
        over="10m",
    ),
)
