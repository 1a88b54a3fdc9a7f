"""When will it be full? A robust line through what was seen, carried on to a limit, with the doubt that belongs to it.

The line is Theil and Sen's: the median of the slopes between all pairs of points, which a quarter of wild points does
not move. It starts from where the series is now, not from where the line would have it. The doubt is what the series
did itself: four of five of its slopes over stretches of at least a quarter of the past lie between the two that
``soonest`` and ``latest`` come from. That the load will be another one (night, a release, a restart) is in no formula:
`backtest` shows what it came to before.

Sources: Theil (1950), A rank-invariant method of linear and polynomial regression analysis; Sen (1968), Estimates of
the regression coefficient based on Kendall's tau.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from obskit.analysis.arguments import duration_of, moment_of, number_of, several
from obskit.errors import UsageError
from obskit.incident.stats import counted, median, quantile_of_sorted
from obskit.model import FloatMatrix

if TYPE_CHECKING:
    import pandas as pd

#: A line is laid through so many points of a series, means of neighbours where it has more samples: pairs are counted
#: in squares, and more points would not make the line straighter.
POINTS = 48
#: Fewest samples that a line is laid through: fewer tell no trend from an accident.
FEWEST = 8
#: Share of the past: pairs at least so far apart say how the slope varies (nearer ones are noise), and its end so long
#: says where the series is now.
STRETCH = 0.25
#: Of these pairs' slopes four of five lie between these.
BETWEEN = (0.1, 0.9)
#: A series whose last sample is older than so many of its own steps has ended: its task is gone.
STEPS_UNTIL_ENDED = 5
#: Beyond a century nobody waits, and pandas cannot count.
_LONGEST_SECONDS = 100 * 365.25 * 86_400
_HOUR = 3600.0
_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]
_Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Points:
    """What lines are laid through; shape (N, P), NaN beyond a series' own points.

    Attributes:
        seconds: Before the past's end: 0 and below.
        values: In the series' unit.
        count: Shape (N,), points of each series.
    """

    seconds: FloatMatrix
    values: FloatMatrix
    count: _Ints

    @property
    def seen(self) -> _Floats:
        """How many seconds of the past each series has, from its first point to the past's end; shape (N,)."""
        seen: _Floats = np.fmax.reduce(-self.seconds, axis=1, initial=0.0)
        return seen


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """A line a series, shape (N,) each; NaN where there are too few points.

    Attributes:
        level: Where the series is at the past's end.
        slope, low, high: A second.
        rises: Even the slow ones of the likely slopes do, and it climbed enough to matter.
    """

    level: _Floats
    slope: _Floats
    low: _Floats
    high: _Floats
    rises: _Flags

    def or_else(self, other: _Line, where: _Flags) -> _Line:
        """Return this line, and the other one in some places."""
        return _Line(
            level=np.where(where, other.level, self.level),
            slope=np.where(where, other.slope, self.slope),
            low=np.where(where, other.low, self.low),
            high=np.where(where, other.high, self.high),
            rises=where | self.rises,
        )

    def seconds_to(self, limit: float, slope: _Floats) -> _Floats:
        """Return how long it takes to a limit at a slope: infinite for one that does not rise."""
        left: _Floats = np.divide(limit - self.level, slope, out=np.full(len(slope), np.inf), where=slope > 0)
        return left


def forecast(
    frame: pd.DataFrame,
    limit: float,
    *,
    last: timedelta | str | None = None,
    until: datetime | str | None = None,
    floor: float = 0.0,
) -> pd.DataFrame:
    """Say of each series when it reaches a limit, if it goes on as it did.

    Args:
        frame: A column a series, a UTC index, NaN for "no sample": ``incident.metrics.to_frame()`` or some of its
            columns.
        limit: The level that is full, in the series' unit.
        last: How much of the past the line is laid through: ``"6h"``; all of it by default. Where load has a daily
            rhythm, give a frame of each day's highest: ``frame.resample("1D").max()``.
        until: Where the past ends; the frame's last time by default. An aware datetime or a text in UTC, of which
            ``"03:00"`` and ``"-30m"`` count from the frame's last time.
        floor: The smallest climb that matters, in the series' unit: `obskit.Signal.floor` of the catalogue.

    Returns:
        A row a column of the frame, in its order:

        * ``says``: ``rising``; ``rising lately`` (only over its later half, or faster than its likely slopes: the line
          is that half's); ``not rising`` (some of the likely slopes do not, or the climb is below *floor*); ``at the
          limit``; ``ended`` (no sample of late: its task is gone); ``too few samples``;
        * ``level``: where the series is when the past ends, without its noise;
        * ``slope``, ``slope_low``, ``slope_high``, and ``slope_recent`` of the later half alone: units an hour;
        * ``left``, ``soonest``, ``latest``: from the past's end to the limit, of what rises; NaT is "not at this rate";
        * ``at``: the moment (UTC) that ``left`` comes to;
        * ``reach``: how many times as long as what was seen the line is carried on; above 1 it is a guess.

    Raises:
        UsageError: The frame's index is not in UTC or not ascending, nothing lies in the past that is asked for, or a
            time, duration or number is none.

    Example:
        >>> import pandas as pd
        >>> from obskit.analysis.trends import forecast
        >>> hours = pd.date_range("2026-01-31", periods=51, freq="h", tz="UTC")
        >>> disk = pd.DataFrame({"disk": [0.30 + 0.01 * hour for hour in range(51)]}, index=hours)
        >>> row = forecast(disk, 1.0).loc["disk"]
        >>> row["says"], row["left"].round("min")
        ('rising', Timedelta('0 days 20:00:00'))
    """
    import pandas as pd

    limit, floor = number_of(limit, "limit"), number_of(floor, "floor")
    past = _past(frame, last, until)
    points = _thinned(past)
    later = _later_half(points)
    whole, recent = _line(points, floor, FEWEST), _line(later, floor, FEWEST // 2)
    lately = recent.rises & (~whole.rises | (recent.slope > whole.high))
    line = whole.or_else(recent, lately)
    seen = np.where(lately, later.seen, points.seen)
    gone, full = _ended(past, points), line.level >= limit
    kinds: list[_Flags] = [points.count < FEWEST, gone, full, lately, line.rises]
    says = np.select(kinds, ["too few samples", "ended", "at the limit", "rising lately", "rising"], "not rising")
    rising = np.char.startswith(says.astype(str), "rising")
    left, soonest, latest = (
        np.where(says == "at the limit", 0.0, np.where(rising, line.seconds_to(limit, slope), np.inf))
        for slope in (line.slope, line.high, line.low)
    )
    result = pd.DataFrame(
        {
            "says": says,
            "level": line.level,
            "slope": line.slope * _HOUR,
            "slope_low": line.low * _HOUR,
            "slope_high": line.high * _HOUR,
            "slope_recent": recent.slope * _HOUR,
            "left": _durations(left),
            "soonest": _durations(soonest),
            "latest": _durations(latest),
            "at": pd.DatetimeIndex(_durations(left) + pd.Timestamp(past.index[-1])),
            "reach": np.divide(left, seen, out=np.full(len(seen), np.nan), where=rising & (seen > 0)),
        },
        index=frame.columns,
    )
    result.attrs["units"] = {"slope": "of the series, an hour", "reach": "times"}
    return result


def backtest(
    frame: pd.DataFrame,
    limit: float,
    moments: Iterable[datetime | str] | datetime | str,
    *,
    last: timedelta | str | None = None,
    floor: float = 0.0,
) -> pd.DataFrame:
    """Say what `forecast` would have said at earlier moments, beside what happened then.

    Args:
        frame, limit, last, floor: As of `forecast`.
        moments: At each of which only what came before is known; as *until* of `forecast`.

    Returns:
        A row a moment and series, indexed by both (``moment``, ``series``), of those that had not reached the limit,
        had not ended and had samples enough: the columns of `forecast`, and ``truth`` (as ``left`` from the last sample
        that was known, to the first one at the limit or above; NaT when the frame shows none), ``error`` (``left``
        minus ``truth``: positive is too late) and ``held`` (True or False where both are known, else NA: ``truth``,
        which is known to a step of the index, lies between ``soonest`` and ``latest``).

    Raises:
        UsageError: As of `forecast`, or no moment is given.
    """
    import pandas as pd

    found: dict[pd.Timestamp, pd.DataFrame] = {}
    for moment in several(moments):
        when = pd.Timestamp(moment_of(moment, now=_end(frame)))
        said = forecast(frame, limit, last=last, until=when, floor=floor)
        later, known = frame.loc[frame.index > when] >= limit, frame.index[frame.index <= when][-1]
        first = np.where(later.any(), later.to_numpy().argmax(axis=0) if len(later) else 0, -1)
        steps = later.index.append(pd.DatetimeIndex([pd.NaT], tz="UTC"))
        said["truth"] = pd.to_timedelta(steps[first] - pd.DatetimeIndex([known]).repeat(len(first)))
        found[when] = said[~said["says"].isin(["ended", "at the limit", "too few samples"])]
    if not found:
        raise UsageError("no moment to look back from", hint="give times within the frame's index")
    result = pd.concat(found, names=["moment", "series"])
    result["error"] = result["left"].sub(result["truth"])
    step = pd.Series(frame.index).diff().median()  # the limit was passed within the step that the truth ends
    both = result["left"].notna() & result["truth"].notna()
    held = (result["soonest"] <= result["truth"]) & (
        result["latest"].isna() | (result["truth"].sub(step) <= result["latest"])
    )
    result["held"] = held.astype("boolean").where(both)
    return result


def _end(frame: pd.DataFrame) -> datetime:
    """Return a frame's last time; the present where it has no row.

    Raises:
        UsageError: Its times cannot be used.
    """
    import pandas as pd

    index = frame.index
    if not isinstance(index, pd.DatetimeIndex) or str(index.tz) != "UTC" or not index.is_monotonic_increasing:
        raise UsageError("a forecast needs an ascending UTC index", hint="take incident.metrics.to_frame()")
    return index[-1] if len(index) else datetime.now(UTC)


def _past(frame: pd.DataFrame, last: timedelta | str | None, until: datetime | str | None) -> pd.DataFrame:
    """Return the rows that are known and that count.

    Raises:
        UsageError: There are none, or their times or values cannot be used.
    """
    end, index = _end(frame), frame.index
    past = frame if until is None else frame.loc[: moment_of(until, now=end)]
    length = None if last is None else duration_of(last)
    if length is not None and len(past):
        past = past.loc[past.index[-1] - length :]
    if not len(past) or not len(past.columns):
        where = {"the frame": f"{index[0]} to {index[-1]}, {len(frame.columns)} columns"} if len(index) else {}
        raise UsageError("there is no past to forecast from", where=where, hint="choose another last or until")
    try:
        return past.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise UsageError("the frame holds no numbers", hint="take columns of incident.metrics.to_frame()") from error


def _thinned(past: pd.DataFrame) -> _Points:
    """Return at most `POINTS` means of neighbouring samples a series, left-aligned, each of about as many samples."""
    values = past.to_numpy(dtype=np.float64).T
    seconds = (past.index - past.index[-1]).total_seconds().to_numpy()
    has = np.isfinite(values)
    samples = has.sum(axis=1)
    count = np.minimum(samples, POINTS)
    # the n-th sample of a series that has m belongs to its point n * count // m
    place = (np.cumsum(has, axis=1) - 1) * count[:, None] // np.maximum(samples, 1)[:, None]
    slot = (np.arange(len(values))[:, None] * POINTS + place)[has]
    size = len(values) * POINTS
    members = np.bincount(slot, minlength=size)
    sums = [
        np.bincount(slot, weights=of[has], minlength=size) for of in (np.broadcast_to(seconds, values.shape), values)
    ]
    means = [
        np.divide(total, members, out=np.full(size, np.nan), where=members > 0).reshape(-1, POINTS) for total in sums
    ]
    return _Points(seconds=means[0], values=means[1], count=count.astype(np.int64))


def _ended(past: pd.DataFrame, points: _Points) -> npt.NDArray[np.bool_]:
    """Say which series have no sample any more."""
    has = past.notna().to_numpy().T
    seconds = (past.index - past.index[-1]).total_seconds().to_numpy()
    newest = np.where(has, seconds, -np.inf).max(axis=1)
    oldest = np.where(has, seconds, np.inf).min(axis=1)
    step = (newest - oldest) / np.maximum(has.sum(axis=1) - 1, 1)
    ended: npt.NDArray[np.bool_] = (points.count > 0) & (-newest > STEPS_UNTIL_ENDED * step)
    return ended


def _line(points: _Points, floor: float, fewest: int) -> _Line:
    """Lay a line through each series' points."""
    first, second = np.triu_indices(points.values.shape[1], k=1)
    count = points.count[:, None]
    with np.errstate(invalid="ignore"):
        pairs = points.values[:, second] - points.values[:, first]
        pairs /= points.seconds[:, second] - points.seconds[:, first]
    slope = median(pairs)
    rest = points.values - slope[:, None] * points.seconds
    level = median(rest, np.arange(rest.shape[1]) >= count * (1 - STRETCH))
    far = np.sort(np.where(second - first >= np.maximum(count * STRETCH, 1), pairs, np.nan), axis=1)
    number = counted(np.isfinite(far))
    low, high = (quantile_of_sorted(far, number, share) for share in BETWEEN)
    enough = points.count >= fewest
    level, slope, low, high = (np.where(enough, of, np.nan) for of in (level, slope, low, high))
    return _Line(level=level, slope=slope, low=low, high=high, rises=(low > 0) & (slope * points.seen >= floor))


def _later_half(points: _Points) -> _Points:
    """Return the later half of each series' points, left-aligned."""
    half = points.count - points.count // 2
    at = np.arange(POINTS) + (points.count - half)[:, None]
    inside = np.arange(POINTS) < half[:, None]
    taken = np.minimum(at, POINTS - 1)
    seconds, values = (
        np.where(inside, np.take_along_axis(of, taken, axis=1), np.nan) for of in (points.seconds, points.values)
    )
    return _Points(seconds=seconds, values=values, count=half)


def _durations(seconds: _Floats) -> pd.TimedeltaIndex:
    """Return times, to the second; NaT for what never comes."""
    import pandas as pd

    return pd.to_timedelta(np.rint(np.where(seconds < _LONGEST_SECONDS, seconds, np.nan)), unit="s")
