"""Series over time as matplotlib figures: UTC, one unit an axis, window shaded, onset marked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from obskit.analysis._needs import require_matplotlib
from obskit.errors import UsageError
from obskit.escape import clean, cut
from obskit.model import FloatMatrix, Metrics, Series, Unit, Window

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from obskit.analysis.incident import Incident

#: Signals that one figure shows: more are no picture.
MOST_PANELS = 12
#: Of those that tell most, where nobody names any.
_CHOSEN = 6
#: Lines that a legend names.
_MOST_NAMED = 8
_NAME_LENGTH = 60
_WIDTH, _HEIGHT = 9.0, 2.1
_UNITS: dict[Unit, str] = {
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
        UsageError: Nothing to draw, or too many signals.
        ObskitError: matplotlib is not installed.
    """
    require_matplotlib()
    from obskit.analysis.figure import Drawn

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


def incident_figure(incident: Incident, signals: Sequence[str], *, tasks: bool) -> Figure:
    """Return the signals of an incident; those that tell most where none is named. See `Incident.plot`."""
    require_matplotlib()
    seen = incident.steps.metrics
    known = {s.signal for s in seen.series}
    for name in signals:
        if name not in known:
            import difflib

            near = difflib.get_close_matches(name, sorted(known), n=3, cutoff=0.5)
            hint = f"did you mean {', '.join(near)}?" if near else "the signals that were seen: incident.metrics.series"
            raise UsageError(f"the signal {name[:80]!r} was not seen", hint=hint)
    chosen = list(dict.fromkeys(signals or [s.signal for s in incident.diagnosis.metrics.series]))
    columns = [column for name in (chosen if signals else chosen[:_CHOSEN]) for column in _own(incident, name, tasks)]
    return metrics_figure(seen.where(columns), window=incident.window, onset=incident.diagnosis.onset)


def _own(incident: Incident, signal: str, tasks: bool) -> list[int]:
    """Return a signal's columns that are about the service or what it stands on; anybody's where there are none."""
    walk = incident.steps
    whose = {"", incident.service.name, walk.evidence.entity(signal)}
    columns = [i for i, s in enumerate(walk.metrics.series) if s.signal == signal]
    own = [i for i in columns if walk.metrics.series[i].service in whose] or columns
    whole = [i for i in own if not walk.metrics.series[i].task]
    return own if tasks or not whole else whole


def _panel(axes: Axes, metrics: Metrics, signal: str, unit: Unit) -> None:
    from matplotlib.ticker import FuncFormatter

    from obskit.catalogue import all_signals
    from obskit.drawing import axis, binary_step, round_step
    from obskit.incident.units import humanize

    known = all_signals().get(signal)
    lines = axes.plot(metrics.times, metrics.values, linewidth=1.2)
    lone = _alone(metrics.values)
    for column, (line, one) in enumerate(zip(lines, metrics.series, strict=True)):
        line.set_label(_name(one))
        line.set_marker(".")
        line.set_markevery(np.flatnonzero(lone[:, column]).tolist())
    axes.set_title(cut(clean(known.title if known else signal), _NAME_LENGTH), loc="left", fontsize="medium")
    axes.set_ylabel(_UNITS[unit], fontsize="small")
    finite = metrics.values[np.isfinite(metrics.values)]
    if len(finite):
        rounded = binary_step if unit.startswith("bytes") else round_step
        span = axis(float(finite.min()), float(finite.max()), rounded=rounded)
        axes.set_yticks(np.arange(span.bottom, span.top + span.step / 2, span.step))
        room = (span.top - span.bottom) * 0.05
        axes.set_ylim(span.bottom - room, span.top + room)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: humanize(value, unit)))
    axes.tick_params(labelsize="small")
    axes.grid(visible=True, alpha=0.3)
    if any(_name(one) != clean(one.signal) for one in metrics.series):
        _legend(axes, len(lines))


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
