# expect: definition @13: one panel cannot draw per_second, seconds on one axis
"""Two units on one axis."""

from obskit.ascode import board, group, panel

dashboard = board(
    "two_units",
    title="Two units",
    description="One service, as its users see it.",
    groups=[
        group(
            "Traffic",
            panel("http_requests", "http_latency_p95"),
        )
    ],
)
