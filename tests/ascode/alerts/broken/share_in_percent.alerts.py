# expect: impossible @10: is a share of 1
"""Ninety, where 0.9 is meant."""

from obskit.ascode.alerts import alert

RULES = (
    alert(
        "ShareInPercent",
        "http_error_ratio",
        level=90.0,
        severity="ticket",
        kind="cause",
        summary="{service} answers {value} of its requests with an error",
        description="Errors other than time-outs of the pool. Split them by type.",
        hold="15m",
        hold_reason="a failover breaks every connection once",
        over="7m",
        reason="most requests fail by then",
    ),
)
