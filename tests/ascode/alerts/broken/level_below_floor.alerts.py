# expect: threshold-floor @10: floor
"""It fires for noise."""

from obskit.ascode.alerts import alert

RULES = (
    alert(
        "LevelBelowFloor",
        "db_errors",
        level=0.0001,
        severity="ticket",
        kind="cause",
        summary="{service} counts {value} errors of its database",
        description="Errors other than time-outs of the pool. Split them by type.",
        hold="15m",
        hold_reason="a failover breaks every connection once",
        over="39m",
        reason="no error is a good one",
    ),
)
