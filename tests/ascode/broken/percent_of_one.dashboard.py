# expect: percent-unit @13: http_error_ratio is a share of 1, and the panel's unit is percent of 100
"""A share of 1 that is drawn as one of 100."""

from obskit.ascode import board, group, panel

dashboard = board(
    "percent_of_one",
    title="Percent of one",
    description="One service, as its users see it.",
    groups=[
        group(
            "Traffic",
            panel("http_error_ratio", unit="percent"),
        )
    ],
)
