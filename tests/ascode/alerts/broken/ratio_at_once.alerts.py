# expect: fragile @15: fires at once
"""For one evaluation a ratio may be anything."""

from obskit.ascode.alerts import alert

RULES = (
    alert(
        "RatioAtOnce",
        "http_error_ratio",
        level="warn",
        severity="ticket",
        kind="cause",
        summary="{service} answers {value} of its requests with an error",
        description="Errors other than time-outs of the pool. Split them by type.",
        hold="0s",
        hold_reason="a failover breaks every connection once",
    ),
)
