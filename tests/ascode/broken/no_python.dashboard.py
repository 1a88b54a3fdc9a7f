# expect: definition @6: it is no Python: '(' was never closed
"""A bracket that was lost in a merge."""

from obskit.ascode import board, group

dashboard = board(
    "no_python",
    title="No Python",
    description="One service, as its users see it.",
    groups=[group("Traffic", "http_requests")],
