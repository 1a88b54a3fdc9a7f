# expect: cause @18: no cause 'database_unreacheable'
"""A misspelt cause silences nothing."""

from obskit.ascode.alerts import alert

RULES = (
    alert(
        "UnknownCause",
        "db_errors",
        level="warn",
        severity="ticket",
        kind="cause",
        summary="{service} counts {value} errors of its database",
        description="Errors other than time-outs of the pool. Split them by type.",
        hold="15m",
        hold_reason="a failover breaks every connection once",
        over="27m",
        cause="database_unreacheable",
    ),
)
