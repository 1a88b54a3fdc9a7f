# expect: aggregate @18: it never holds
"""A node has no service."""

from obskit.ascode.alerts import Condition, alert

RULES = (
    alert(
        "ConditionOfOthers",
        "db_errors",
        level="warn",
        severity="ticket",
        kind="cause",
        summary="{service} counts {value} errors of its database",
        description="Errors other than time-outs of the pool. Split them by type.",
        hold="15m",
        hold_reason="a failover breaks every connection once",
        over="46m",
        where=(Condition(signal="node_cpu_ratio", op=">=", value=0.9, reason="only when the machine is busy"),),
    ),
)
