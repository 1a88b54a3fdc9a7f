# expect: link-urls @14: there is no host in the address
"""An address that no browser opens."""

from obskit.ascode import board, group, panel, text

dashboard = board(
    "link_without_host",
    title="Link without host",
    description="One service, as its users see it.",
    groups=[
        group(
            "Traffic",
            text(
                "Who to call",
                "[Our page](https:///wiki/on-call)",
            ),
            panel("http_requests"),
        )
    ],
)
