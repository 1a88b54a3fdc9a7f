# expect: aggregate @17: drops the label service
"""Of a task, of nobody."""

from obskit.ascode.alerts import alert

RULES = (
    alert(
        "ServiceDropped",
        "db_pool_used_ratio",
        level="warn",
        severity="ticket",
        kind="cause",
        summary="{task_id} has {value} of its connections in use",
        description="Errors other than time-outs of the pool. Split them by type.",
        hold="15m",
        hold_reason="a failover breaks every connection once",
        by=("task_id",),
    ),
)
