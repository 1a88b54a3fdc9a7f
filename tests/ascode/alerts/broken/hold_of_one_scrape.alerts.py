# expect: hold @15: fewer than four scrapes
"""One lost scrape decides."""

from obskit.ascode.alerts import alert

RULES = (
    alert(
        "HoldOfOneScrape",
        "db_errors",
        level="warn",
        severity="ticket",
        kind="cause",
        summary="{service} counts {value} errors of its database",
        description="Errors other than time-outs of the pool. Split them by type.",
        hold="15s",
        hold_reason="a failover breaks every connection once",
        over="18m",
    ),
)
