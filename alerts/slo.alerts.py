"""What services promise: each objective becomes a page, a ticket, and the recordings that they read."""

from obskit.ascode.alerts import Slo

SLOS = (
    # Three nines: 43 minutes of a month. What a single region's balancer and tasks hold without special effort.
    Slo(name="availability", objective="99.9", failures="slo_failures", requests="slo_requests"),
    # One second is when a person notices that they wait (Nielsen, 1993). One request in a hundred may take longer:
    # exports, uploads and the first request after a deployment do. The bucket exists in all clients' defaults.
    Slo(name="latency", objective="99", failures="slo_slow_requests", requests="slo_timed_requests", limit="1"),
)
