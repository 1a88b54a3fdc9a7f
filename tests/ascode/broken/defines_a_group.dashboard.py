# expect: definition @6: `dashboard` is no dashboard but GroupSpec
"""A group where a board belongs."""

from obskit.ascode import group

dashboard = group("Traffic", "http_requests")
