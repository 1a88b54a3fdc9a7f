"""What a plot's axes say: clock times, whole numbers of what is counted, and a legend beside the lines."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.dates import MINUTELY, SECONDLY, AutoDateLocator, date2num, num2date
from matplotlib.lines import Line2D
from matplotlib.ticker import Formatter, FuncFormatter

from obskit.drawing import axis, step_for
from obskit.incident.units import humanize
from obskit.model import FloatMatrix, Unit

#: Lines that a legend names.
MOST_NAMED = 8
#: Ticks of the time axis: so few that none touches the next.
_FEWEST_TICKS, _MOST_TICKS = 4, 9
#: Room beside the first and the last time: a share of what lies between them, or so much where they are one.
_MARGIN, _ALONE = 0.03, timedelta(seconds=30)
#: Minutes or seconds between them. matplotlib's own know no step of two, and leave nine minutes with two ticks.
_STEPS = (1, 2, 5, 10, 15, 30)


class Clock(Formatter):
    """Writes the ticks of a time axis (UTC), all of them in one form."""

    def __call__(self, x: float, pos: int | None = None) -> str:  # noqa: ARG002 (matplotlib's signature)
        """Return one time, as matplotlib tells where a cursor is."""
        return f"{num2date(x, tz=UTC):%Y-%m-%d %H:%M:%S}"

    def format_ticks(self, values: Sequence[float] | npt.NDArray[np.float64]) -> list[str]:
        """Return ``03:12``; ``03:12:30`` where any lies within a minute; with the day where they span more than one."""
        moments = [num2date(value, tz=UTC) for value in values]
        form = "%H:%M:%S" if any(moment.second or moment.microsecond for moment in moments) else "%H:%M"
        if any(moment.microsecond for moment in moments):
            return [f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03d}" for moment in moments]
        if moments and (moments[-1] - moments[0]).days:
            form = "%m-%d %H:%M" if any(moment.hour or moment.minute for moment in moments) else "%Y-%m-%d"
        return [f"{moment:{form}}" for moment in moments]


def clock_axis(axes: Axes, first: datetime, last: datetime) -> None:
    """Write clock times on the axis, and the day, which they do not tell, below it.

    Args:
        axes: The lowest of a figure.
        first, last: What is drawn lies between them, UTC.
    """
    locator = AutoDateLocator(tz=UTC, minticks=_FEWEST_TICKS, maxticks=_MOST_TICKS)
    for unit in (MINUTELY, SECONDLY):
        locator.intervald[unit] = list(_STEPS)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(Clock())
    margin = (last - first) * _MARGIN or _ALONE
    axes.set_xlim(date2num(first - margin), date2num(last + margin))
    days = dict.fromkeys(f"{moment:%Y-%m-%d}" for moment in (first, last))
    axes.set_xlabel(f"time (UTC), {' to '.join(days)}", fontsize="small")


def value_axis(axes: Axes, values: FloatMatrix, unit: Unit) -> None:
    """Write a unit at round places of the axis; at whole ones where every sample is a whole number of things.

    Args:
        axes: Their limits are set.
        values: What is drawn, in the unit; NaN for "no sample".
        unit: A base unit.
    """
    finite = values[np.isfinite(values)]
    if len(finite):
        span = axis(float(finite.min()), float(finite.max()), rounded=step_for(unit, finite))
        axes.set_yticks(np.arange(span.bottom, span.top + span.step / 2, span.step))
        room = (span.top - span.bottom) * 0.05
        axes.set_ylim(span.bottom - room, span.top + room)
    else:
        axes.set_yticks([])
        axes.text(0.5, 0.5, "no data", transform=axes.transAxes, ha="center", va="center", color="tab:gray")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: humanize(value, unit)))


def legend_beside(axes: Axes, lines: Sequence[Line2D], names: Sequence[str]) -> None:
    """Name lines at the right of their axes, where none of them runs; what is left out is counted."""
    shown, told = list(lines[:MOST_NAMED]), list(names[:MOST_NAMED])
    if len(lines) > MOST_NAMED:
        shown.append(Line2D([], [], linestyle="none"))
        told.append(f"and {len(lines) - MOST_NAMED} more")
    axes.legend(
        shown, told, fontsize="x-small", loc="upper left", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.0, frameon=False
    )
