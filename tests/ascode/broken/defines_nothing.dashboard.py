# expect: definition @0: it defines no `dashboard`
"""A board that is given to nobody."""

from obskit.ascode import board, group

board(
    "defines_nothing",
    title="Defines nothing",
    description="One service, as its users see it.",
    groups=[group("Traffic", "http_requests")],
)
