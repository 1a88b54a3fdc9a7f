# expect: cause @18: it is a symptom
"""What users feel, taken for a cause."""

from obskit.ascode.alerts import alert

RULES = (
    alert(
        "SymptomWithCause",
        "db_errors",
        level="warn",
        severity="ticket",
        kind="symptom",
        summary="{service} counts {value} errors of its database",
        description="Errors other than time-outs of the pool. Split them by type.",
        hold="15m",
        hold_reason="a failover breaks every connection once",
        over="28m",
        cause="database_unreachable",
    ),
)
