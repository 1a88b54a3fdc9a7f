# expect: definition @13: a panel has no 'colour'
"""A setting that a panel does not have."""

from obskit.ascode import board, group, panel

dashboard = board(
    "unknown_setting",
    title="Unknown setting",
    description="One service, as its users see it.",
    groups=[
        group(
            "Traffic",
            panel("http_requests", colour="blue"),
        )
    ],
)
