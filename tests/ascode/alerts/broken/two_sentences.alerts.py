# expect: alert-summary @13: more than one sentence
"""A phone shows the first."""

from obskit.ascode.alerts import alert

RULES = (
    alert(
        "TwoSentences",
        "db_errors",
        level="warn",
        severity="ticket",
        kind="cause",
        summary="{service} counts {value} errors. They come from its database",
        description="Errors other than time-outs of the pool. Split them by type.",
        hold="15m",
        hold_reason="a failover breaks every connection once",
        over="41m",
    ),
)
