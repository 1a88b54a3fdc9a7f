# expect: duplicate-title @6: the dashboard has no title
"""A dashboard that nobody can find."""

from obskit.ascode import board, group

dashboard = board(
    "no_title",
    title="",
    description="One service, as its users see it.",
    groups=[group("Traffic", "http_requests")],
)
