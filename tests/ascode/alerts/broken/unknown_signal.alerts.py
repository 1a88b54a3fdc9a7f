# expect: definition @7: no signal 'db_error'
"""A misspelt signal."""

from obskit.ascode.alerts import alert

RULES = (
    alert(
        "UnknownSignal",
        "db_error",
        level="warn",
        severity="ticket",
        kind="cause",
        summary="{service} counts {value} errors of its database",
        description="Errors other than time-outs of the pool. Split them by type.",
        hold="15m",
        hold_reason="a failover breaks every connection once",
    ),
)
