# expect: definition @6: binary floats
"""A float has noise."""

from obskit.ascode.alerts import Slo

SLOS = (Slo(name="availability", objective=99.9, failures="slo_failures", requests="slo_requests"),)
