"""Series over time as matplotlib figures: UTC, one unit an axis, window shaded, onset marked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from obskit.analysis._needs import require_matplotlib
from obskit.analysis.arguments import moment_of, names_of, unit_of
from obskit.analysis.columns import own_columns, require_seen
from obskit.errors import UsageError
from obskit.escape import clean, cut
from obskit.model import FloatMatrix, Metrics, Series, Unit, Window, nanoseconds, utc

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    from obskit.analysis.incident import Incident

#: Signals that one figure shows: more are no picture.
MOST_PANELS = 12
#: Of those that tell most, where nobody names any.
_CHOSEN = 6
#: Of a title, and of what a legend says beside the axes: longer ones would leave no room for the lines.
_TITLE_LENGTH, _NAME_LENGTH = 60, 32
_WIDTH, _HEIGHT = 9.0, 2.1
#: How thick a line is: one among its like; beside each other, that of the whole and that of one task.
_LINE, _OF_ALL, _OF_ONE = 1.2, 2.8, 0.8
#: What an axis says of a unit.
UNITS: dict[Unit, str] = {
    "seconds": "seconds",
    "bytes": "bytes",
    "ratio": "percent",
    "per_second": "per second",
    "bytes_per_second": "bytes per second",
    "count": "count",
}


def metrics_figure(
    metrics: Metrics, *, window: Window | None = None, onset: datetime | None = None, whose: str = ""
) -> Figure:
    """Return one axes a signal, below each other, with a line a column.

    Args:
        metrics: Columns of at most `MOST_PANELS` signals.
        window: Shaded; None for none.
        onset: Marked by a line; None for none.
        whose: The service that the figure is about, which no title needs to repeat.

    Raises:
        UsageError: Nothing to draw, too many signals, a unit that is none, or a time that no axis holds.
        ObskitError: matplotlib is not installed.
    """
    require_matplotlib()
    from obskit.analysis.axes import clock_axis
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
            hint='name some: incident.plot("http_latency_p95"), or metrics.where(columns).plot()',
        )
    figure = Drawn(figsize=(_WIDTH, _HEIGHT * len(groups) + 0.4), layout="constrained")
    rows = figure.subplots(len(groups), 1, sharex=True, squeeze=False)[:, 0]
    for axes, ((signal, unit), columns) in zip(rows, groups.items(), strict=True):
        _panel(axes, metrics.where(columns), signal, unit, whose)
        _mark(axes, window, onset)
    clock_axis(rows[-1], *_extent(metrics, window))
    _as_it_is(figure)
    return figure


def incident_figure(incident: Incident, signals: Sequence[str | Iterable[str]], *, tasks: bool) -> Figure:
    """Return the signals of an incident; those that tell most where none is named. See `Incident.plot`."""
    require_matplotlib()
    seen, signals = incident.steps.metrics, names_of(signals)
    require_seen(seen, signals)
    chosen = signals or names_of([s.signal for s in incident.diagnosis.metrics.series])[:_CHOSEN]
    columns = [column for name in chosen for column in own_columns(incident, name, tasks=tasks)]
    shown, onset = seen.where(columns), incident.diagnosis.onset
    return metrics_figure(shown, window=incident.window, onset=onset, whose=incident.service.name)


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
    named: dict[str, Line2D] = {}
    for axes, signal in zip(rows, signals, strict=True):
        values, units = [], []
        for place, (side, incident) in enumerate(sides):
            metrics = incident.steps.metrics.where(own_columns(incident, signal))
            onset = np.datetime64(nanoseconds(incident.diagnosis.onset or incident.window.start), "ns")
            lines = _draw(axes, (metrics.times - onset) / np.timedelta64(1, "s"), metrics.values, color=f"C{place}")
            for line in lines[:1]:
                named.setdefault(cut(clean(f"{side}: {incident.service.name}"), _TITLE_LENGTH), line)
            values.append(metrics.values.ravel())
            units += [one.unit for one in metrics.series]
        _dress(axes, _title(signal), units[0], np.concatenate(values))
        axes.axvline(0.0, color="C7", linestyle="--", linewidth=1.0)
    figure.legend(named.values(), named.keys(), fontsize="small", loc="outside upper right", ncols=2, frameon=False)
    rows[-1].set_xlabel("seconds from the onset", fontsize="small")
    _as_it_is(figure)
    return figure


def _panel(axes: Axes, metrics: Metrics, signal: str, unit: Unit, whose: str) -> None:
    """Draw the columns of one signal, that of the whole first, and name them."""
    from obskit.analysis.axes import legend_beside

    metrics = metrics.where(sorted(range(len(metrics.series)), key=lambda column: metrics.series[column].task != ""))
    common, names = _told_apart(metrics.series, whose)
    lines = _draw(axes, metrics.times, metrics.values)
    whole = [line for line, one in zip(lines, metrics.series, strict=True) if not one.task]
    if 0 < len(whole) < len(lines):
        for line in lines:
            line.set_linewidth(_OF_ALL if line in whole else _OF_ONE)
    _dress(axes, _title(signal) + (f": {common}" if common else ""), unit, metrics.values)
    if len(lines) > 1:
        legend_beside(axes, lines, names)


def _draw(
    axes: Axes, at: npt.NDArray[np.generic], values: FloatMatrix, *, color: str | None = None
) -> Sequence[Line2D]:
    """Draw a line a column, and a point where a sample has no neighbour."""
    lines = axes.plot(at, values, linewidth=_LINE, color=color)
    lone = _alone(values)
    for column, line in enumerate(lines):
        line.set_marker(".")
        line.set_markevery(np.flatnonzero(lone[:, column]).tolist())
    return lines


def _dress(axes: Axes, title: str, unit: Unit, values: FloatMatrix) -> None:
    """Name what is drawn, and write its unit at the axis."""
    from obskit.analysis.axes import value_axis

    axes.set_title(title, loc="left", fontsize="medium")
    axes.set_ylabel(UNITS[unit_of(unit)], fontsize="small")
    value_axis(axes, values, unit)
    axes.tick_params(labelsize="small")
    axes.grid(visible=True, alpha=0.3)


def _title(signal: str) -> str:
    """Return what a signal is called."""
    from obskit.catalogue import all_signals

    known = all_signals().get(signal)
    return cut(clean(known.title if known else signal), _TITLE_LENGTH)


def _extent(metrics: Metrics, window: Window | None) -> tuple[datetime, datetime]:
    """Return from when to when there are samples or the window lies."""
    rows = np.flatnonzero(np.isfinite(metrics.values).any(axis=1))
    ends = (0, -1) if not len(rows) else (rows[0], rows[-1])
    begin, end = (utc(int(metrics.times[i].astype("datetime64[ns]").astype(np.int64))) for i in ends)
    return (min(begin, window.start), max(end, window.end)) if window else (begin, end)


def _alone(values: FloatMatrix) -> npt.NDArray[np.bool_]:
    """Return which samples have no neighbour: a line would not show them."""
    present: npt.NDArray[np.bool_] = np.asarray(np.isfinite(values))
    lone = present.copy()
    lone[1:] &= ~present[:-1]
    lone[:-1] &= ~present[1:]
    return lone


def _told_apart(series: Sequence[Series], whose: str) -> tuple[str, list[str]]:
    """Return what all columns of a panel have in common, but for *whose*, and what tells each from the others."""
    parts = [
        dict.fromkeys(filter(None, (one.service, one.task[:12], *(f"{key}={value}" for key, value in one.labels))))
        for one in series
    ]
    common = [part for part in parts[0] if all(part in one for one in parts)]
    rest = "all tasks" if any(one.task for one in series) else "all"
    names = [_joined([part for part in one if part not in common], _NAME_LENGTH) or rest for one in parts]
    return _joined([part for part in common if part != whose], _TITLE_LENGTH), names


def _joined(parts: Sequence[str], longest: int) -> str:
    """Return parts as one text; matplotlib hides names that begin with an underscore."""
    text = cut(clean(", ".join(parts)), longest)
    return f" {text}" if text.startswith("_") else text


def _mark(axes: Axes, window: Window | None, onset: datetime | None) -> None:
    from matplotlib.dates import date2num

    if window is not None:
        axes.axvspan(date2num(window.start), date2num(window.end), color="tab:gray", alpha=0.12, linewidth=0)
    if onset is not None:
        axes.axvline(date2num(onset), color="tab:red", linestyle="--", linewidth=1.0)


def _as_it_is(figure: Figure) -> None:
    """Keep matplotlib from reading a label's ``$`` as the begin of a formula."""
    from matplotlib.text import Text

    for text in figure.findobj(Text):
        if isinstance(text, Text):
            text.set_parse_math(False)
