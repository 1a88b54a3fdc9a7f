# expect: definition @7: an alert has no 'where_'
"""A misspelt field."""

from obskit.ascode.alerts import alert

RULES = (
    alert(
        "UnknownField",
        "db_errors",
        level="warn",
        severity="ticket",
        kind="cause",
        summary="{service} counts {value} errors of its database",
        description="Errors other than time-outs of the pool. Split them by type.",
        hold="15m",
        hold_reason="a failover breaks every connection once",
        over="9m",
        where_=(),
    ),
)
