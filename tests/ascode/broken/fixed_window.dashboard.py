# expect: target-rate-interval @13: not over $__rate_interval: rate of http_requests_total
"""A window that does not follow the zoom."""

from obskit.ascode import board, group, panel

dashboard = board(
    "fixed_window",
    title="Fixed window",
    description="One service, as its users see it.",
    groups=[
        group(
            "Traffic",
            panel("http_requests", over="5m"),
        )
    ],
)
