# expect: definition @7: there is no kind 'reason'
"""A kind that inhibitions do not know."""

from obskit.ascode.alerts import alert

RULES = (
    alert(
        "UnknownKind",
        "db_errors",
        level="warn",
        severity="ticket",
        kind="reason",
        summary="{service} counts {value} errors of its database",
        description="Errors other than time-outs of the pool. Split them by type.",
        hold="15m",
        hold_reason="a failover breaks every connection once",
        over="26m",
    ),
)
