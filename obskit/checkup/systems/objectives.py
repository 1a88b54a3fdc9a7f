"""Objectives: how much of the error budget is left, and how fast it burns."""

from obskit.checkup.words import System

SYSTEM = System(
    name="objectives",
    title="objectives",
    topics=("slo", "slo_recorded"),
    # The hour pages, the three days make a ticket; those between confirm one of them.
    leave=("slo_burn_rate_5m", "slo_burn_rate_30m", "slo_burn_rate_2h", "slo_burn_rate_6h", "slo_burn_rate_1d"),
    tell=("slo_budget_remaining", "slo_error_ratio"),
)
