# expect: template @14: no label 'task'
"""The same in the other text."""

from obskit.ascode.alerts import alert

RULES = (
    alert(
        "LabelInDescription",
        "db_errors",
        level="warn",
        severity="ticket",
        kind="cause",
        summary="{service} counts {value} errors of its database",
        description="Look at {task} first: it has most of them.",
        hold="15m",
        hold_reason="a failover breaks every connection once",
        over="15m",
    ),
)
