# expect: runbook-links @14: runbooks has no page '/shop/runbooks/causes/pool_is_full.md'
"""A runbook that nobody has written."""

from obskit.ascode import board, group, panel, text

dashboard = board(
    "runbook_to_nowhere",
    title="Runbook to nowhere",
    description="One service, as its users see it.",
    groups=[
        group(
            "Traffic",
            text(
                "What to do",
                "Read [the runbook](https://git.example.com/shop/runbooks/causes/pool_is_full.md).",
            ),
            panel("http_requests"),
        )
    ],
)
