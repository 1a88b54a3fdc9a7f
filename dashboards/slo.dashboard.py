"""Objectives: how fast the error budget burns, over the windows that burn-rate alerts look at."""

from obskit.ascode import board, group, panel, text

_BUDGET = "1 - $objective"

dashboard = board(
    "slo",
    title="Objectives and error budgets",
    description="Burn rates of the error budget of each service, for the objective that is chosen above.",
    constants=(("objective", "Objective", ("0.999", "0.9995", "0.995", "0.99", "0.95")),),
    since="7d",
    groups=(
        group(
            "The error budget",
            text(
                "How to read it",
                "A burn rate of 1 uses the budget up just when its period ends; 14.4 uses 2 % of a 30-day budget in "
                "an hour. Two windows are compared: the long one says that it matters, the short one that it goes on.",
            ),
            panel("slo_error_ratio", title="Budget used over 30 days", over="30d", divided_by=_BUDGET, width=24),
        ),
        group(
            "Page: 14.4 over 1 h and 5 min, 6 over 6 h and 30 min",
            panel("slo_error_ratio", title="Burn rate, 5 min", over="5m", divided_by=_BUDGET, unit="short", width=6),
            panel("slo_error_ratio", title="Burn rate, 1 h", over="1h", divided_by=_BUDGET, unit="short", width=6),
            panel("slo_error_ratio", title="Burn rate, 30 min", over="30m", divided_by=_BUDGET, unit="short", width=6),
            panel("slo_error_ratio", title="Burn rate, 6 h", over="6h", divided_by=_BUDGET, unit="short", width=6),
            more="incident",
        ),
        group(
            "Ticket: 3 over 1 d and 2 h, 1 over 3 d and 6 h",
            panel("slo_error_ratio", title="Burn rate, 2 h", over="2h", divided_by=_BUDGET, unit="short"),
            panel("slo_error_ratio", title="Burn rate, 1 d", over="1d", divided_by=_BUDGET, unit="short"),
            panel("slo_error_ratio", title="Burn rate, 3 d", over="3d", divided_by=_BUDGET, unit="short"),
            more="service",
        ),
    ),
)
