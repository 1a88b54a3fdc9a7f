"""Alloy: do logs and samples reach where they belong."""

from obskit.checkup.words import System

SYSTEM = System(
    name="alloy",
    title="Alloy",
    topics=("alloy",),
    tell=("alloy_up", "alloy_entries_dropped", "alloy_write_error_ratio"),
)
