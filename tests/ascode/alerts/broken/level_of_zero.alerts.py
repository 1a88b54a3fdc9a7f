# expect: threshold-floor @10: is always >= 0
"""It fires always."""

from obskit.ascode.alerts import alert

RULES = (
    alert(
        "LevelOfZero",
        "db_errors",
        level=0.0,
        severity="ticket",
        kind="cause",
        summary="{service} counts {value} errors of its database",
        description="Errors other than time-outs of the pool. Split them by type.",
        hold="15m",
        hold_reason="a failover breaks every connection once",
        over="38m",
        reason="no error is a good one",
    ),
)
