# expect: hold @18: after its end
"""A page that goes on for six hours."""

from obskit.ascode.alerts import alert

RULES = (
    alert(
        "PageThatStays",
        "db_errors",
        level="warn",
        severity="page",
        kind="cause",
        summary="{service} counts {value} errors of its database",
        description="Errors other than time-outs of the pool. Split them by type.",
        hold="15m",
        hold_reason="a failover breaks every connection once",
        over="20m",
        keep="6h",
        keep_reason="it comes and goes all night",
    ),
)
