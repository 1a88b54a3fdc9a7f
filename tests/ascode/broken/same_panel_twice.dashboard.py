# expect: definition @6: two panels of same_panel_twice have one id
"""The same panel in two groups."""

from obskit.ascode import board, group

dashboard = board(
    "same_panel_twice",
    title="Same panel twice",
    description="One service, as its users see it.",
    groups=[
        group("Traffic", "http_requests"),
        group("Load", "http_requests"),
    ],
)
