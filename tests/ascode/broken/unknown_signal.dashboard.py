# expect: definition @13: there is no signal 'http_request_rate'
"""A signal that the catalogue does not have."""

from obskit.ascode import board, group, panel

dashboard = board(
    "unknown_signal",
    title="Unknown signal",
    description="One service, as its users see it.",
    groups=[
        group(
            "Traffic",
            panel("http_request_rate"),
            panel("http_error_ratio"),
        )
    ],
)
