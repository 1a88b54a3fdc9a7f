# expect: duplicate-title @8: the title 'Fixed window' is that of
"""A copy that kept the title of what it was copied from."""

from obskit.ascode import board, group, panel

dashboard = board(
    "title_of_another",
    title="Fixed window",
    description="One service, as its users see it.",
    groups=[
        group(
            "Traffic",
            panel("http_requests"),
        )
    ],
)
