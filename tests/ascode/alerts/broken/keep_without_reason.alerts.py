# expect: reasons @18: its keep has no reason
"""A keep that nobody can defend."""

from obskit.ascode.alerts import alert

RULES = (
    alert(
        "KeepWithoutReason",
        "db_errors",
        level="warn",
        severity="ticket",
        kind="cause",
        summary="{service} counts {value} errors of its database",
        description="Errors other than time-outs of the pool. Split them by type.",
        hold="15m",
        hold_reason="a failover breaks every connection once",
        over="22m",
        keep="5m",
    ),
)
