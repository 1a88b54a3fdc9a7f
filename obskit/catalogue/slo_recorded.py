"""What the recordings of objectives hold: burn rates and what is left of the error budget.

`obskit.ascode.alerts.slo_rules` writes the rules that record them; a server that does not
evaluate those rules answers nothing here. A service may have several objectives, told apart by
the label ``slo``. Triage does not weigh these: they speak of hours and days.
"""

from __future__ import annotations

from obskit.model import Signal, Threshold, Variant

#: Windows that burn rates are recorded over, and the burn rate from which on it is bad there.
#: The factors are those of a budget of 30 days.
_PAGE, _SLOW_PAGE = 14.4, 6.0
_TICKET, _SLOW_TICKET = 3.0, 1.0
_REASONS = {
    _PAGE: "uses 2 % of a 30-day budget in an hour: a person must act now (SRE workbook, chapter 5)",
    _SLOW_PAGE: "uses 5 % of a 30-day budget in six hours: a person must act now (SRE workbook, chapter 5)",
    _TICKET: "uses 10 % of a 30-day budget in a day: a ticket for tomorrow (SRE workbook, chapter 5)",
    _SLOW_TICKET: "uses 10 % of a 30-day budget in three days: a ticket (SRE workbook, chapter 5)",
}
_WINDOWS = {
    "5m": _PAGE,
    "30m": _SLOW_PAGE,
    "1h": _PAGE,
    "2h": _TICKET,
    "6h": _SLOW_PAGE,
    "1d": _TICKET,
    "3d": _SLOW_TICKET,
}


def _recorded(name: str, combine: str) -> tuple[Variant, ...]:
    query = f"{combine} by ($service, slo) ({name}{{$svc}})"
    return (Variant(name="recorded by obskit's rules", query=query, needs=(name,)),)


def _burn_rate(window: str, factor: float) -> Signal:
    return Signal(
        id=f"slo_burn_rate_{window}",
        topic="slo_recorded",
        title=f"burn rate, {window}",
        meaning=(
            f"How many times faster than the objective allows the error budget was used over the last {window}: at 1"
            " it ends just with its period. When it is high, run obskit triage for the service and look at what changed."
        ),
        unit="count",
        bad="up",
        combine="max",
        floor=0.1,
        weighed=False,
        crit=Threshold(value=factor, reason=_REASONS[factor]),
        variants=_recorded(f"service:slo_burn_rate:ratio_rate{window}", "max"),
    )


SIGNALS = (
    *(_burn_rate(window, factor) for window, factor in _WINDOWS.items()),
    Signal(
        id="slo_budget_remaining",
        topic="slo_recorded",
        title="error budget that is left",
        meaning=(
            "The share of the period's error budget that is not used up yet; below zero the objective is missed."
            " With little left, put off risky releases and work on what failed most."
        ),
        unit="ratio",
        bad="down",
        combine="min",
        floor=0.01,
        weighed=False,
        warn=Threshold(
            value=0.25, reason="three quarters are used: another incident a third as bad as all before it ends the rest"
        ),
        crit=Threshold(
            value=0.0,
            reason="the objective is missed: changes stop but for repairs (SRE workbook, error budget policy)",
        ),
        variants=_recorded("service:slo_error_budget:remaining_ratio", "min"),
    ),
)
