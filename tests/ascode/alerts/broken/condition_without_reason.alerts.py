# expect: reasons @18: its condition on http_requests
"""A condition that nobody can defend."""

from obskit.ascode.alerts import Condition, alert

RULES = (
    alert(
        "ConditionWithoutReason",
        "db_errors",
        level="warn",
        severity="ticket",
        kind="cause",
        summary="{service} counts {value} errors of its database",
        description="Errors other than time-outs of the pool. Split them by type.",
        hold="15m",
        hold_reason="a failover breaks every connection once",
        over="24m",
        where=(Condition(signal="http_requests", op=">=", value=0.1, reason="traffic"),),
    ),
)
