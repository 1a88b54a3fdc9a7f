# expect: objectives @8: two objectives
"""Two budgets in one series."""

from obskit.ascode.alerts import Slo

SLOS = (
    Slo(name="availability", objective="99.9", failures="slo_failures", requests="slo_requests"),
    Slo(name="availability", objective="99", failures="slo_failures", requests="slo_requests"),
)
