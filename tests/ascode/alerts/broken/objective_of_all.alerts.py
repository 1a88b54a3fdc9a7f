# expect: definition @6: leaves no budget
"""Nobody never fails."""

from obskit.ascode.alerts import Slo

SLOS = (Slo(name="availability", objective="100", failures="slo_failures", requests="slo_requests"),)
