"""Series over time as matplotlib figures: UTC, one unit an axis, window shaded, onset marked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from obskit.analysis._needs import require_matplotlib
from obskit.analysis.arguments import moment_of, several, unit_of
from obskit.analysis.columns import own_columns, require_seen
from obskit.errors import UsageError
from obskit.escape import clean, cut
from obskit.model import FloatMatrix, Metrics, Series, Unit, Window, nanoseconds

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    from obskit.analysis.incident import Incident

#: Signals that one figure shows: more are no picture.
MOST_PANELS = 12
#: Of those that tell most, where nobody names any.
_CHOSEN = 6
#: Lines that a legend names.
_MOST_NAMED = 8
_NAME_LENGTH = 60
_WIDTH, _HEIGHT = 9.0, 2.1
#: What an axis says of a unit.
UNITS: dict[Unit, str] = {
    "seconds": "seconds",
    "bytes": "bytes",
    "ratio": "percent",
    "per_second": "per second",
    "bytes_per_second": "bytes per second",
    "count": "count",
}


def metrics_figure(metrics: Metrics, *, window: Window | None = None, onset: datetime | None = None) -> Figure:
    """Return one axes a signal, below each other, with a line a column.

    Args:
        metrics: Columns of at most `MOST_PANELS` signals.
        window: Shaded; None for none.
        onset: Marked by a line; None for none.

    Raises:
        UsageError: Nothing to draw, too many signals, a unit that is none, or a time that no axis holds.
        ObskitError: matplotlib is not installed.
    """
    require_matplotlib()
    from obskit.analysis.figure import Drawn

    for time in (*((window.start, window.end) if window else ()), *((onset,) if onset else ())):
        moment_of(time, now=datetime.now(UTC))
    groups: dict[tuple[str, Unit], list[int]] = {}
    for column, one in enumerate(metrics.series):
        groups.setdefault((one.signal, one.unit), []).append(column)
    if not groups or not len(metrics.times):
        raise UsageError("there is nothing to draw: no series", hint="was anything seen? look at .gaps")
    if len(groups) > MOST_PANELS:
        raise UsageError(
            f"{len(groups)} signals are too many for one figure",
            hint='name some: incident.plot(["http_latency_p95"]), or metrics.where(columns).plot()',
        )
    figure = Drawn(figsize=(_WIDTH, _HEIGHT * len(groups) + 0.4), layout="constrained")
    rows = figure.subplots(len(groups), 1, sharex=True, squeeze=False)[:, 0]
    for axes, ((signal, unit), columns) in zip(rows, groups.items(), strict=True):
        _panel(axes, metrics.where(columns), signal, unit)
        _mark(axes, window, onset)
    _time_axis(rows[-1])
    _as_it_is(figure)
    return figure


def incident_figure(incident: Incident, signals: Sequence[str] | str, *, tasks: bool) -> Figure:
    """Return the signals of an incident; those that tell most where none is named. See `Incident.plot`."""
    require_matplotlib()
    seen, signals = incident.steps.metrics, several(signals)
    require_seen(seen, signals)
    chosen = list(dict.fromkeys(signals or [s.signal for s in incident.diagnosis.metrics.series]))
    columns = [
        column
        for name in (chosen if signals else chosen[:_CHOSEN])
        for column in own_columns(incident, name, tasks=tasks)
    ]
    return metrics_figure(seen.where(columns), window=incident.window, onset=incident.diagnosis.onset)


def overlay_figure(sides: Sequence[tuple[str, Incident]], signals: Sequence[str]) -> Figure:
    """Return signals of several incidents over one another, each on the clock of its own onset.

    Args:
        sides: What a legend calls each, and the incident; one without an onset counts from its window's begin.
        signals: Ids that at least one has seen.

    Raises:
        ObskitError: matplotlib is not installed.
    """
    require_matplotlib()
    from obskit.analysis.figure import Drawn

    figure = Drawn(figsize=(_WIDTH, _HEIGHT * len(signals) + 0.4), layout="constrained")
    rows = figure.subplots(len(signals), 1, sharex=True, squeeze=False)[:, 0]
    for axes, signal in zip(rows, signals, strict=True):
        values, units = [], []
        for place, (side, incident) in enumerate(sides):
            metrics = incident.steps.metrics.where(own_columns(incident, signal))
            onset = np.datetime64(nanoseconds(incident.diagnosis.onset or incident.window.start), "ns")
            lines = _draw(axes, (metrics.times - onset) / np.timedelta64(1, "s"), metrics.values, color=f"C{place}")
            for line in lines[:1]:
                line.set_label(cut(clean(f"{side}: {incident.service.name}"), _NAME_LENGTH))
            values.append(metrics.values.ravel())
            units += [one.unit for one in metrics.series]
        _dress(axes, signal, units[0], np.concatenate(values))
        axes.axvline(0.0, color="C7", linestyle="--", linewidth=1.0)
    rows[0].legend(fontsize="small", loc="upper left")
    rows[-1].set_xlabel("seconds from the onset", fontsize="small")
    _as_it_is(figure)
    return figure


def _panel(axes: Axes, metrics: Metrics, signal: str, unit: Unit) -> None:
    lines = _draw(axes, metrics.times, metrics.values)
    for line, one in zip(lines, metrics.series, strict=True):
        line.set_label(_name(one))
    _dress(axes, signal, unit, metrics.values)
    if any(_name(one) != clean(one.signal) for one in metrics.series):
        _legend(axes, len(lines))


def _draw(
    axes: Axes, at: npt.NDArray[np.generic], values: FloatMatrix, *, color: str | None = None
) -> Sequence[Line2D]:
    """Draw a line a column, and a point where a sample has no neighbour."""
    lines = axes.plot(at, values, linewidth=1.2, color=color)
    lone = _alone(values)
    for column, line in enumerate(lines):
        line.set_marker(".")
        line.set_markevery(np.flatnonzero(lone[:, column]).tolist())
    return lines


def _dress(axes: Axes, signal: str, unit: Unit, values: FloatMatrix) -> None:
    """Name the signal, and write its unit at round places of the axis."""
    from matplotlib.ticker import FuncFormatter

    from obskit.catalogue import all_signals
    from obskit.drawing import axis, binary_step, round_step
    from obskit.incident.units import humanize

    known = all_signals().get(signal)
    axes.set_title(cut(clean(known.title if known else signal), _NAME_LENGTH), loc="left", fontsize="medium")
    axes.set_ylabel(UNITS[unit_of(unit)], fontsize="small")
    finite = values[np.isfinite(values)]
    if len(finite):
        rounded = binary_step if unit.startswith("bytes") else round_step
        span = axis(float(finite.min()), float(finite.max()), rounded=rounded)
        axes.set_yticks(np.arange(span.bottom, span.top + span.step / 2, span.step))
        room = (span.top - span.bottom) * 0.05
        axes.set_ylim(span.bottom - room, span.top + room)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: humanize(value, unit)))
    axes.tick_params(labelsize="small")
    axes.grid(visible=True, alpha=0.3)


def _alone(values: FloatMatrix) -> npt.NDArray[np.bool_]:
    """Return which samples have no neighbour: a line would not show them."""
    present: npt.NDArray[np.bool_] = np.asarray(np.isfinite(values))
    lone = present.copy()
    lone[1:] &= ~present[:-1]
    lone[:-1] &= ~present[1:]
    return lone


def _legend(axes: Axes, lines: int) -> None:
    handles, names = axes.get_legend_handles_labels()
    left = lines - _MOST_NAMED
    title = f"and {left} more" if left > 0 else None
    axes.legend(handles[:_MOST_NAMED], names[:_MOST_NAMED], fontsize="x-small", loc="upper left", title=title)


def _name(one: Series) -> str:
    """Return what tells a column apart within its signal; matplotlib hides names that begin with an underscore."""
    parts = [one.service, one.task[:12], *(f"{key}={value}" for key, value in one.labels)]
    text = cut(clean(", ".join(filter(None, parts))) or clean(one.signal), _NAME_LENGTH)
    return f" {text}" if text.startswith("_") else text


def _mark(axes: Axes, window: Window | None, onset: datetime | None) -> None:
    from matplotlib.dates import date2num

    if window is not None:
        axes.axvspan(date2num(window.start), date2num(window.end), color="tab:gray", alpha=0.12, linewidth=0)
    if onset is not None:
        axes.axvline(date2num(onset), color="tab:red", linestyle="--", linewidth=1.0)


def _time_axis(axes: Axes) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(tz=UTC)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=UTC))
    axes.set_xlabel("time (UTC)", fontsize="small")


def _as_it_is(figure: Figure) -> None:
    """Keep matplotlib from reading a label's ``$`` as the begin of a formula."""
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        if isinstance(text, Text):
            text.set_parse_math(False)
