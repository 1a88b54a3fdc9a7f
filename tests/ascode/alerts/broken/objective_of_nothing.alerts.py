# expect: definition @6: leaves nothing to promise
"""A promise of nothing."""

from obskit.ascode.alerts import Slo

SLOS = (Slo(name="availability", objective="0", failures="slo_failures", requests="slo_requests"),)
