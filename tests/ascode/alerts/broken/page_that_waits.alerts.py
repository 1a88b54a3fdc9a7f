# expect: hold @15: comes too late
"""A page after three hours."""

from obskit.ascode.alerts import alert

RULES = (
    alert(
        "PageThatWaits",
        "db_errors",
        level="warn",
        severity="page",
        kind="cause",
        summary="{service} counts {value} errors of its database",
        description="Errors other than time-outs of the pool. Split them by type.",
        hold="3h",
        hold_reason="a failover breaks every connection once",
        over="19m",
    ),
)
