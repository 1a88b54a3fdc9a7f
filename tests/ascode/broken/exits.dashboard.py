# expect: definition @10: it raises SystemExit: set STAGE
"""A definition that ends the program."""

import sys

from obskit.ascode import board, group

STAGE = ""
if not STAGE:
    sys.exit("set STAGE")

dashboard = board(
    "exits",
    title=f"Requests of {STAGE}",
    description="One service, as its users see it.",
    groups=[group("Traffic", "http_requests")],
)
