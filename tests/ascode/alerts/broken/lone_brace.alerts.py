# expect: template @14: a brace that is no placeholder
"""A brace around words."""

from obskit.ascode.alerts import alert

RULES = (
    alert(
        "LoneBrace",
        "db_errors",
        level="warn",
        severity="ticket",
        kind="cause",
        summary="{service} counts {value} errors of its database",
        description="Look at {the task} first: it has most of them.",
        hold="15m",
        hold_reason="a failover breaks every connection once",
        over="16m",
    ),
)
