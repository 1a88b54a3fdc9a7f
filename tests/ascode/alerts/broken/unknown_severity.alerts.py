# expect: definition @7: there is no severity 'critical'
"""A severity of another house."""

from obskit.ascode.alerts import alert

RULES = (
    alert(
        "UnknownSeverity",
        "db_errors",
        level="warn",
        severity="critical",
        kind="cause",
        summary="{service} counts {value} errors of its database",
        description="Errors other than time-outs of the pool. Split them by type.",
        hold="15m",
        hold_reason="a failover breaks every connection once",
        over="25m",
    ),
)
