"""Objectives on what was seen: error ratios, burn rates, when the page would have come, what another promise changes.

Windows, shares of the budget and the least number of failures are those of the rules that obskit builds
(`obskit.ascode.alerts.slo_rules`); here they are evaluated on a recording, step by step as a rule group would be.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, get_args

import numpy as np

from obskit.analysis.arguments import duration_of, moment_of, several
from obskit.ascode.alerts import Slo
from obskit.ascode.alerts.build import INTERVAL
from obskit.ascode.alerts.rule import seconds
from obskit.ascode.alerts.slo_rules import BURNS, RATE, WINDOWS, possible
from obskit.errors import UsageError
from obskit.incident.impact import Own, Where, impact_of
from obskit.incident.losses import Loss, Objective

if TYPE_CHECKING:
    import pandas as pd

    from obskit.analysis.incident import Incident

_STEP = float(seconds(INTERVAL))


def rates(incident: Incident, counted_by: Where = "service") -> pd.DataFrame:
    """Return how many requests there were, and how many of them failed.

    Args:
        incident: Whose service it is about. Where ``slo_requests`` and ``slo_failures`` were asked, those; else
            ``http_requests`` and ``http_error_ratio``, which every investigation asks.
        counted_by: The ``service`` counts what it answered; its ``balancer`` also what nobody was left to answer.

    Returns:
        ``requests`` and ``failures``, per second, by time (UTC). NaN in both where one of them is not known.

    Raises:
        UsageError: They were not asked of this service, or it is neither of the two who shall count.
    """
    import pandas as pd

    _require_counting(counted_by)
    own, name = incident.metrics, incident.service.name
    mine = Own(own.where(i for i, s in enumerate(own.series) if s.service == name))
    if counted_by == "service" and mine.columns("slo_requests") and mine.columns("slo_failures"):
        sides = mine.line("slo_requests", "sum")[:, None], mine.line("slo_failures", "sum")[:, None]
    else:
        found = mine.answered() if counted_by == "service" else mine.balanced()
        if found is None:
            raise UsageError(
                f"nobody was asked how many requests of {name} failed",
                where={"counted by": f"the {counted_by}"},
                hint="compare incident.gaps_frame(), or let the other side count: counted_by=",
            )
        sides = found
    known = np.isfinite(sides[0]) & np.isfinite(sides[1])
    held = {
        column: np.where(known.any(axis=1), np.where(known, side, 0.0).sum(axis=1), np.nan)
        for column, side in zip(("requests", "failures"), sides, strict=True)
    }
    frame = pd.DataFrame(held, index=pd.DatetimeIndex(own.times, tz="UTC", name="time")).dropna()
    frame.attrs["units"] = dict.fromkeys(held, "per_second")
    return frame


def stretched(
    frame: pd.DataFrame, calm_until: datetime | str, *, before: timedelta | str = "3d", after: timedelta | str = "0s"
) -> pd.DataFrame:
    """Return rates as if the calm stretch had lasted longer before, and the trouble longer afterwards.

    A recording holds minutes, a burn rate looks back for hours and days: what was not recorded has to be assumed, and
    this is the assumption.

    Args:
        frame: From `rates`.
        calm_until: When trouble began: an aware datetime, or a text in UTC (``"03:00"`` counts from the last sample).
        before: How long, before the first sample, it went on as in the median of the samples until *calm_until*:
            a median, for trouble often shows a moment before it is noticed.
        after: How long, after the last sample, it goes on as in the mean of the last `RATE`, or of the samples since
            *calm_until* if those are fewer.

    Returns:
        The same columns, at the interval of obskit's rules.

    Raises:
        UsageError: There is no sample before *calm_until*, or none after it and *after* is longer than nothing; a time
            or duration is none.
    """
    import pandas as pd

    start = _began(frame, calm_until)
    calm, trouble = frame.loc[: start - pd.Timedelta(1, "ns")], frame.loc[start:]
    earlier, later = duration_of(before), duration_of(after)
    if calm.empty or (trouble.empty and later > timedelta(0)):
        raise UsageError(
            f"nothing was seen {'before' if calm.empty else 'after'} {start}",
            where={"samples": f"{frame.index[0]} to {frame.index[-1]}" if len(frame) else "none"},
            hint="say when trouble began, within the recording",
        )
    step = pd.Timedelta(_STEP, "s")
    first, last = frame.index[0].floor(step), frame.index[-1].ceil(step)
    ahead = pd.date_range(first - earlier, first, freq=step, inclusive="left", name="time")
    on = pd.date_range(last, last + later, freq=step, inclusive="right", name="time")
    recent = trouble.loc[last - pd.Timedelta(float(seconds(RATE)), "s") :] if len(on) else trouble
    # a rule sees what the samples of its interval came to
    seen = frame.resample(step, label="right", closed="right").mean()
    parts = [
        pd.DataFrame(dict(calm.median()), index=ahead),
        seen,
        pd.DataFrame(dict(recent.mean()) if len(on) else {c: [] for c in frame}, index=on, dtype=np.float64),
    ]
    result = pd.concat([part for part in parts if len(part)])
    result.attrs["units"] = frame.attrs.get("units", {})
    return result


def burn_rates(frame: pd.DataFrame, slo: Slo) -> pd.DataFrame:
    """Return how many times faster than allowed the budget burns, over each window of obskit's rules.

    Args:
        frame: From `stretched`: what lies before its first row does not count, as before a server's first sample.
        slo: The objective; 1 is the rate at which its budget ends just with its period.

    Returns:
        A column a window (``5m``, ``30m``, ``1h``, …) by time (UTC); NaN where there were no requests.
    """
    failures, requests = _recorded(frame)
    budget = float(slo.budget)
    held = {}
    for window in WINDOWS:
        failed, asked = (
            (failures, requests) if window == RATE else (_summed(failures, window), _summed(requests, window))
        )
        held[window] = (failed / asked.where(asked > 0)) / budget
    import pandas as pd

    return pd.DataFrame(held)


def alerts(frame: pd.DataFrame, slo: Slo) -> pd.DataFrame:
    """Return when obskit's alerts of an objective would have begun to fire.

    Args:
        frame: From `stretched`.
        slo: The objective.

    Returns:
        A row a way in which one of the two alerts comes about: ``severity``, ``share`` (of the period's budget, spent
        in the long window), ``long``, ``short``, ``factor`` (burn rate from which on), ``possible`` (of a low
        objective even a service that is down burns slower), ``fires`` (UTC; NaT: not in this frame), ``peak``
        (highest burn rate over the long window).
    """
    import pandas as pd

    burning = burn_rates(frame, slo)
    failures = _recorded(frame)[0]
    least = float(Decimal(slo.least_failures) - Decimal("0.5"))  # as the rules have it: rates are not whole
    rows = []
    for burn in BURNS:
        factor = float(burn.factor(slo.period))
        failed = _summed(failures, burn.long) * _STEP
        on = (burning[burn.long] > factor) & (burning[burn.short] > factor) & (failed > least)
        can = burn in possible(slo, burn.severity)
        rows.append(
            {
                "severity": burn.severity,
                "share": float(burn.share),
                "long": burn.long,
                "short": burn.short,
                "factor": factor,
                "possible": can,
                "fires": on.idxmax() if can and on.any() else pd.NaT,
                "peak": burning[burn.long].max(),
            }
        )
    found = pd.DataFrame(rows)
    found["fires"] = pd.to_datetime(found["fires"], utc=True)
    found.attrs["units"] = {"share": "ratio", "factor": "times", "peak": "times"}
    return found


def losses(incident: Incident, counted_by: Where = "service") -> Loss | None:
    """Return the requests that the incident cost, as its postmortem counts them; None where nobody was asked.

    Raises:
        UsageError: It is neither of the two who count.
    """
    _require_counting(counted_by)
    return impact_of(incident.diagnosis, incident.metrics).lost[counted_by]


def what_if(
    frame: pd.DataFrame, slo: Slo, objectives: Iterable[str], *, loss: Loss | None, since: datetime | str
) -> pd.DataFrame:
    """Return what an incident means under other promises.

    Args:
        frame: From `stretched`.
        slo: The objective that is varied; name, period and signals stay.
        objectives: Percents as text: ``("99", "99.9", "99.99")``.
        loss: From `losses`.
        since: When trouble began, as *calm_until* of `stretched`.

    Returns:
        A row an objective: ``budget`` (share of requests that may fail), ``spent`` (share of the period's budget that
        this one incident took; above 1 it broke the promise alone; NaN where no request is known), ``affords`` (how
        many such incidents a period: infinite where nothing failed, NaN where nothing is known),
        ``page`` and ``ticket`` (UTC; NaT: not in this frame), ``page_after`` (from *since*).

    Raises:
        UsageError: There is no loss, no objective or no such time, or an objective is no percentage.
    """
    import pandas as pd

    if loss is None:
        raise UsageError("nothing is known of what was lost", hint="let the other side count: losses(incident, ...)")
    percents: tuple[str, ...] = several(objectives)
    if not percents:
        raise UsageError("no objective is given", hint='for example ["99", "99.9"]')
    start = _began(frame, since)
    rows = []
    for percent in percents:
        one = replace(slo, objective=percent)
        fires = alerts(frame, one).groupby("severity")["fires"].min()
        spent = loss.spent(Objective(percent=percent, period=timedelta(seconds=float(seconds(one.period)))))
        rows.append(
            {
                "objective": percent,
                "budget": float(one.budget),
                "spent": spent,
                "affords": np.inf if spent == 0 else 1 / spent,
                "page": fires["page"],
                "page_after": fires["page"] - start,
                "ticket": fires["ticket"],
            }
        )
    found = pd.DataFrame(rows).set_index("objective")
    found.attrs["units"] = {"budget": "ratio", "spent": "ratio", "affords": "incidents a period"}
    return found


def _require_counting(counted_by: str) -> None:
    """Refuse whoever counts no requests.

    Raises:
        UsageError: It names the two who do.
    """
    if counted_by not in get_args(Where):
        raise UsageError(
            f"{str(counted_by)[:80]!r} does not count requests", hint=f"counted_by: {', '.join(get_args(Where))}"
        )


def _began(frame: pd.DataFrame, since: datetime | str) -> pd.Timestamp:
    import pandas as pd

    return pd.Timestamp(moment_of(since, now=frame.index[-1] if len(frame) else datetime.now(UTC)))


def _recorded(frame: pd.DataFrame) -> tuple[pd.Series[float], pd.Series[float]]:
    """Return failures and requests a second as the rules record them: over the last `RATE`, at each evaluation."""
    smooth = frame.rolling(_in_seconds(RATE), min_periods=1).mean()
    return smooth["failures"].clip(lower=0.0), smooth["requests"].clip(lower=0.0)


def _summed(series: pd.Series[float], window: str) -> pd.Series[float]:
    return series.rolling(_in_seconds(window), min_periods=1).sum()


def _in_seconds(window: str) -> str:
    """Return a duration of a rule in the words of pandas: ``5m`` is five months there."""
    return f"{seconds(window):g}s"
