# expect: definition @7: has no
"""A level that the signal does not have."""

from obskit.ascode.alerts import alert

RULES = (
    alert(
        "NoSuchLevel",
        "http_requests",
        level="crit",
        severity="ticket",
        kind="cause",
        summary="{service} counts {value} errors of its database",
        description="Errors other than time-outs of the pool. Split them by type.",
        hold="15m",
        hold_reason="a failover breaks every connection once",
    ),
)
