# expect: template @13: written by hand
"""A template where a placeholder belongs."""

from obskit.ascode.alerts import alert

RULES = (
    alert(
        "TemplateByHand",
        "db_errors",
        level="warn",
        severity="ticket",
        kind="cause",
        summary="{service} counts {value} errors, {{ $value }} in all",
        description="Errors other than time-outs of the pool. Split them by type.",
        hold="15m",
        hold_reason="a failover breaks every connection once",
        over="13m",
    ),
)
