# expect: alert-summary @14: description is empty
"""And now?"""

from obskit.ascode.alerts import alert

RULES = (
    alert(
        "EmptyDescription",
        "db_errors",
        level="warn",
        severity="ticket",
        kind="cause",
        summary="{service} counts {value} errors of its database",
        description="",
        hold="15m",
        hold_reason="a failover breaks every connection once",
        over="44m",
    ),
)
