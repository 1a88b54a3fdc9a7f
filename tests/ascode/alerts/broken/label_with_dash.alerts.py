# expect: promql @18: PromQL:
"""A label that PromQL takes for a subtraction."""

from obskit.ascode.alerts import alert

RULES = (
    alert(
        "LabelWithDash",
        "db_errors",
        level="warn",
        severity="ticket",
        kind="cause",
        summary="{service} counts {value} errors of its database",
        description="Errors other than time-outs of the pool. Split them by type.",
        hold="15m",
        hold_reason="a failover breaks every connection once",
        over="12m",
        by=("service", "task-id"),
    ),
)
