# expect: template @13: no label 'queue'
"""A placeholder of a label that the alert does not carry."""

from obskit.ascode.alerts import alert

RULES = (
    alert(
        "UnknownLabel",
        "db_errors",
        level="warn",
        severity="ticket",
        kind="cause",
        summary="{service} counts {value} errors in {queue}",
        description="Errors other than time-outs of the pool. Split them by type.",
        hold="15m",
        hold_reason="a failover breaks every connection once",
        over="14m",
    ),
)
