"""A dashboard's data from a recording: the columns of the signals that its panels were made from.

A recording knows no PromQL. What it holds of a signal are the columns that a triage asked for;
a panel that was not made from signals shows nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from obskit.ascode.choose import chosen
from obskit.ascode.definition import Model, Query, signals_of
from obskit.ascode.preview.data import (
    MOST_LINES,
    Frame,
    Line,
    PanelData,
    PreviewAsk,
    PreviewData,
    Sent,
    State,
    Value,
    Values,
)
from obskit.ascode.preview.look import legend, same_unit
from obskit.catalogue import all_signals
from obskit.model import FloatMatrix, Series, Window, nanoseconds, utc
from obskit.settings import LabelNames

if TYPE_CHECKING:
    from obskit.ascode.definition import Definition
    from obskit.sources.bundle import Recording

_NOT_IN = "not in the recording"
#: How obskit's own panels write "this signal, for each of that".
_DIVIDED = "\n) / ("
#: How a query begins that makes one number of all series.
_OF_ALL = re.compile(r"\s*(sum|avg|min|max)\s*\(")
_FOLDS: Mapping[str, Callable[..., Any]] = {"sum": np.nansum, "avg": np.nanmean, "min": np.nanmin, "max": np.nanmax}


def from_recording(definition: Definition, ask: PreviewAsk, recording: Recording) -> PreviewData:
    """Return what the recording holds of each panel.

    Raises:
        UsageError: A variable is given that the dashboard does not have.
    """
    window = ask.window or _seen(recording)
    given = ask.variables
    names = {v.get("name") for v in definition.variables}
    if "service" in names and "service" not in dict(given):
        given = (*given, ("service", recording.service.name))
    values = chosen(definition, given)
    reader = _Reader(recording=recording, window=window, values=values, labels=ask.labels)
    return PreviewData(
        panels=tuple(reader.panel(definition, panel) for panel in definition.panels),
        window=window,
        source=f"a recording of {recording.service.name}",
        values=values,
        notes=("Queries were not sent: shown are the columns that the recording holds of each panel’s signals.",),
    )


def _seen(recording: Recording) -> Window:
    """Return the stretch of which the recording holds numbers; its whole window where it holds none."""
    metrics, whole = recording.telemetry.metrics, recording.window.with_baseline()
    rows = np.flatnonzero(np.isfinite(metrics.values).any(axis=1))
    if rows.size < 2:
        return whole
    first, last = (utc(int(metrics.times[i].astype("datetime64[ns]").astype(np.int64))) for i in (rows[0], rows[-1]))
    return replace(whole, start=first, end=max(last, recording.window.end))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reader:
    """A recording as panels look at it."""

    recording: Recording
    window: Window
    values: Values
    labels: LabelNames

    def panel(self, definition: Definition, panel: Model) -> PanelData:
        """Return what the recording holds of one panel."""
        queries = [q for q in definition.queries if q.role == "panel" and q.owner is panel]
        if not queries:
            return PanelData(panel=panel, state="plain")
        sent = tuple(Sent(ref=q.ref, language=q.language, text=q.text, outcome="not_asked") for q in queries)
        if panel.get("type") == "logs":
            return self._logs(panel, sent)
        frames: list[Frame] = []
        # A query that divides its signal by another is no longer what was recorded.
        if not any(_DIVIDED in q.text for q in queries):
            for number, signal in enumerate(signals_of(panel)):
                frame = self._frame(panel, signal, queries[min(number, len(queries) - 1)])
                frames += [frame] if frame else []
        state: State = "data" if frames else "empty"
        why = "" if frames else self._why(signals_of(panel))
        return PanelData(panel=panel, state=state, why=why, frames=tuple(frames), sent=sent)

    def _why(self, signals: tuple[str, ...]) -> str:
        """Return why nothing of these signals is shown."""
        series = self.recording.telemetry.metrics.series
        others = sorted({s.service for s in series if s.signal in signals and s.service} - (self._services() or set()))
        return f"recorded of {', '.join(others)} only" if others else _NOT_IN

    def _frame(self, panel: Model, signal: str, query: Query) -> Frame | None:
        """Return a signal's columns within the window, or None when there is no sample."""
        metrics, known = self.recording.telemetry.metrics, all_signals().get(signal)
        rows = (metrics.times >= _moment(self.window.start)) & (metrics.times <= _moment(self.window.end))
        wanted = self._services() if known and known.scope == "service" else None
        keep = [
            i
            for i, s in enumerate(metrics.series)
            if s.signal == signal
            and (wanted is None or s.service in wanted)
            and same_unit(panel, s.unit)
            and np.isfinite(metrics.values[rows, i]).any()
        ]
        if not keep:
            return None
        keep.sort(key=lambda i: metrics.series[i].name)
        block = metrics.values[rows][:, keep]
        labels = tuple(self._labels(metrics.series[i]) for i in keep)
        fold = _OF_ALL.match(query.text)
        if fold and panel.get("type") != "timeseries":
            block, labels = _folded(block, fold[1]), ({},)
        form, title = _legend_of(panel, query), known.title if known else signal
        names = tuple(legend(form, found, self.values) or title for found in labels)
        return Frame(times=metrics.times[rows], values=block, names=names, labels=labels)

    def _services(self) -> frozenset[str] | None:
        """Return the services that were chosen; None for all."""
        value = self.values.get("service", Value(texts=(), pattern=True))
        return None if value.pattern else frozenset(value.texts)

    def _labels(self, series: Series) -> dict[str, str]:
        own = {self.labels.service: series.service, self.labels.task: series.task}
        return {name: text for name, text in (*own.items(), *series.labels) if text}

    def _logs(self, panel: Model, sent: tuple[Sent, ...]) -> PanelData:
        """Return the newest lines of the chosen services."""
        import pyarrow as pa
        import pyarrow.compute as pc

        table = self.recording.telemetry.logs.table
        at, start, end = table.column("time_ns"), nanoseconds(self.window.start), nanoseconds(self.window.end)
        mask = pc.and_(pc.greater_equal(at, start), pc.less_equal(at, end))
        wanted = self._services()
        if wanted is not None:
            mask = pc.and_(mask, pc.is_in(table.column("service"), value_set=pa.array(sorted(wanted), pa.string())))
        found = table.filter(mask)
        if not found.num_rows:
            return PanelData(panel=panel, state="empty", why=_NOT_IN, sent=sent)
        rows = found.slice(max(0, found.num_rows - MOST_LINES)).to_pylist()
        return PanelData(
            panel=panel,
            state="data",
            lines=tuple(_line(row) for row in reversed(rows)),
            sent=sent,
            notes=(f"The last {len(rows)} of {found.num_rows} recorded lines; the query’s filters were not applied.",),
        )


def _moment(moment: datetime) -> np.datetime64:
    return np.datetime64(nanoseconds(moment), "ns")


def _folded(block: FloatMatrix, how: str) -> FloatMatrix:
    """Return one column of all, shape (T, 1); NaN where none has a sample."""
    present = np.isfinite(block).any(axis=1)
    out = np.full((len(block), 1), np.nan)
    out[present, 0] = _FOLDS[how](block[present], axis=1)
    return out


def _legend_of(panel: Model, query: Query) -> str:
    targets = (t for t in panel.get("targets") or () if isinstance(t, dict) and t.get("refId") == query.ref)
    return str(next(targets, {}).get("legendFormat") or "")


def _line(row: Mapping[str, Any]) -> Line:
    source = " ".join(filter(None, (row["service"], row["task"][-12:])))
    return Line(time_ns=row["time_ns"], source=source, level=row["level"], text=row["line"])
