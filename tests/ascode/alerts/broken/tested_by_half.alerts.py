# expect: alert-tested @8: no test in which it is quiet
"""It was never seen quiet."""

from obskit.ascode.alerts import alert

RULES = (
    alert(
        "TestedByHalf",
        "db_errors",
        level="warn",
        severity="ticket",
        kind="cause",
        summary="{service} counts {value} errors of its database",
        description="Errors other than time-outs of the pool. Split them by type.",
        hold="15m",
        hold_reason="a failover breaks every connection once",
        over="48m",
    ),
)
