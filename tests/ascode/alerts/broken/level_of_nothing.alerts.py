# expect: definition @7: its level is no number
"""NaN compares with nothing."""

from obskit.ascode.alerts import alert

RULES = (
    alert(
        "LevelOfNothing",
        "db_errors",
        level=float("nan"),
        severity="ticket",
        kind="cause",
        summary="{service} counts {value} errors of its database",
        description="Errors other than time-outs of the pool. Split them by type.",
        hold="15m",
        hold_reason="a failover breaks every connection once",
        over="29m",
        reason="computed from nothing at all",
    ),
)
