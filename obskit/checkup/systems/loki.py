"""Loki: does it take all lines, keep them and find them again."""

from obskit.checkup.words import System

SYSTEM = System(
    name="loki",
    title="Loki",
    topics=("loki",),
    tell=("loki_up", "loki_request_error_ratio", "loki_lines_discarded"),
)
