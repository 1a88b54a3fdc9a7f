# expect: definition @7: '5 minutes' is no duration
"""Words for a duration."""

from obskit.ascode.alerts import alert

RULES = (
    alert(
        "BadDuration",
        "db_errors",
        level="warn",
        severity="ticket",
        kind="cause",
        summary="{service} counts {value} errors of its database",
        description="Errors other than time-outs of the pool. Split them by type.",
        hold="5 minutes",
        hold_reason="a failover breaks every connection once",
        over="7m",
    ),
)
