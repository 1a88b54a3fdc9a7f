# expect: reasons @16: its hold has no reason
"""A duration that nobody can defend."""

from obskit.ascode.alerts import alert

RULES = (
    alert(
        "HoldWithoutReason",
        "db_errors",
        level="warn",
        severity="ticket",
        kind="cause",
        summary="{service} counts {value} errors of its database",
        description="Errors other than time-outs of the pool. Split them by type.",
        hold="15m",
        hold_reason="",
        over="21m",
    ),
)
