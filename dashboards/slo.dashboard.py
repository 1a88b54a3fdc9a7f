"""Objectives: how fast the error budget burns, over the windows that burn-rate alerts look at.

It draws what the rules of ``alerts/slo.alerts.py`` record: without them it is empty.
"""

from obskit.ascode import board, group, panel, stat, text

dashboard = board(
    "slo",
    title="Objectives and error budgets",
    description="Burn rates and what is left of the error budget, of each service and objective.",
    since="7d",
    groups=(
        group(
            "The error budget",
            text(
                "How to read it",
                "A burn rate of 1 uses the budget up just when its period ends; 14.4 uses 2 % of a 30-day budget in "
                "an hour. Two windows are compared: the long one says that it matters, the short one that it goes on.",
            ),
            stat("slo_budget_remaining", title="Least budget left"),
            panel("slo_budget_remaining", width=20),
        ),
        group(
            "Page: 14.4 over 1 h and 5 min, 6 over 6 h and 30 min",
            panel("slo_burn_rate_5m", width=6),
            panel("slo_burn_rate_1h", width=6),
            panel("slo_burn_rate_30m", width=6),
            panel("slo_burn_rate_6h", width=6),
            more="incident",
        ),
        group(
            "Ticket: 3 over 1 d and 2 h, 1 over 3 d and 6 h",
            panel("slo_burn_rate_2h"),
            panel("slo_burn_rate_1d"),
            panel("slo_burn_rate_3d"),
            more="service",
        ),
        group(
            "What it is made of",
            panel("slo_error_ratio"),
            panel("slo_requests"),
            panel("slo_failures", "slo_slow_requests", title="Failed and slow requests"),
            more="service",
        ),
    ),
)
