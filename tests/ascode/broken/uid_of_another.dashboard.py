# expect: duplicate-uid @6: the uid 'obskit-fixed_window' is that of
"""A copy that kept the name of what it was copied from."""

from obskit.ascode import board, group, panel

dashboard = board(
    "fixed_window",
    title="Uid of another",
    description="One service, as its users see it.",
    groups=[
        group(
            "Traffic",
            panel("http_requests"),
        )
    ],
)
