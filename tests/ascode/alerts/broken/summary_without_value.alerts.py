# expect: alert-summary @13: does not say {value}
"""How slow, nobody knows."""

from obskit.ascode.alerts import alert

RULES = (
    alert(
        "SummaryWithoutValue",
        "http_latency_p95",
        level="warn",
        severity="ticket",
        kind="cause",
        summary="{service} is slow",
        description="Errors other than time-outs of the pool. Split them by type.",
        hold="15m",
        hold_reason="a failover breaks every connection once",
    ),
)
