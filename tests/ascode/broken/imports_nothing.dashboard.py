# expect: definition @4: it raises ModuleNotFoundError: No module named 'shop_metrics'
"""A helper that is on somebody's laptop only."""

from shop_metrics import REQUESTS

from obskit.ascode import board, group

dashboard = board(
    "imports_nothing",
    title="Imports nothing",
    description="One service, as its users see it.",
    groups=[group("Traffic", REQUESTS)],
)
