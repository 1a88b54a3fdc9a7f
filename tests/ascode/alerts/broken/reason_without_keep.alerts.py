# expect: reasons @18: no keep
"""A reason for nothing."""

from obskit.ascode.alerts import alert

RULES = (
    alert(
        "ReasonWithoutKeep",
        "db_errors",
        level="warn",
        severity="ticket",
        kind="cause",
        summary="{service} counts {value} errors of its database",
        description="Errors other than time-outs of the pool. Split them by type.",
        hold="15m",
        hold_reason="a failover breaks every connection once",
        over="23m",
        keep_reason="it comes and goes",
    ),
)
