# expect: promql @13: PromQL:
"""A divisor whose bracket is open."""

from obskit.ascode import board, group, panel

dashboard = board(
    "divided_by_nonsense",
    title="Divided by nonsense",
    description="One service, as its users see it.",
    groups=[
        group(
            "Traffic",
            panel("http_requests", title="Requests of a task", divided_by="count(up"),
        )
    ],
)
