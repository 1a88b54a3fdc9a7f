# expect: dashboard-links @13: no definition has the uid 'obskit-checkout'
"""A link to a dashboard that was renamed."""

from obskit.ascode import board, group, panel

dashboard = board(
    "link_to_nowhere",
    title="Link to nowhere",
    description="One service, as its users see it.",
    groups=[
        group(
            "Traffic",
            panel("http_requests", title="Requests of users", more="checkout"),
        )
    ],
)
