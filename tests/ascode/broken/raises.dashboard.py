# expect: definition @11: it raises KeyError: 'staging'
"""A lookup that fails."""

from obskit.ascode import board, group

TEAMS = {"production": "Shop"}
STAGE = "staging"

dashboard = board(
    "raises",
    title=f"Requests of {TEAMS[STAGE]}",
    description="One service, as its users see it.",
    groups=[group("Traffic", "http_requests")],
)
