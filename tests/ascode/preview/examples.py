"""A small dashboard with one panel of each kind, and data for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from obskit.ascode.definition import Definition, Model
from obskit.ascode.preview.data import Frame, Line, PanelData, PreviewData, Sent, Value
from obskit.model import Window, nanoseconds

START = datetime(2026, 1, 31, 3, 0, tzinfo=UTC)
WINDOW = Window(start=START, end=START + timedelta(hours=1))
PROMETHEUS = {"type": "prometheus", "uid": "${prometheus_datasource}"}
LOKI = {"type": "loki", "uid": "${loki_datasource}"}


def panel(kind: str, title: str, *exprs: str, at: tuple[int, int, int, int] = (0, 0, 12, 8), **more: Any) -> Model:
    """Return a panel at ``(x, y, w, h)`` that asks these queries."""
    source = LOKI if kind == "logs" else PROMETHEUS
    targets = [
        {"refId": chr(65 + i), "expr": e, "datasource": source, **more.pop("target", {})} for i, e in enumerate(exprs)
    ]
    place = dict(zip("xywh", at, strict=True))
    return {"type": kind, "title": title, "gridPos": place, "datasource": source, "targets": targets, **more}


def definition(*panels: Model, variables: tuple[Model, ...] = (), **more: Any) -> Definition:
    """Return a dashboard of these panels."""
    model = {"title": "Shop", "uid": "shop", "panels": list(panels), "templating": {"list": list(variables)}, **more}
    return Definition(name="shop", path=Path("shop.dashboard.py"), source="dashboard = 1\n", model=model)


def variable(name: str, kind: str = "query", **more: Any) -> Model:
    """Return a variable of the dashboard."""
    return {"name": name, "type": kind, "datasource": PROMETHEUS, **more}


THRESHOLDS = {
    "mode": "absolute",
    "steps": [{"color": "green", "value": None}, {"color": "orange", "value": 0.5}, {"color": "#ff0000", "value": 2}],
}


def example(text: str = "shop", *, points: int = 240) -> tuple[Definition, PreviewData]:
    """Return a dashboard and its data with *text* in every place that others can write to."""
    field = {"defaults": {"unit": "s", "thresholds": THRESHOLDS, "custom": {"thresholdsStyle": {"mode": "dashed"}}}}
    about = {"description": text, "fieldConfig": field}
    panels = [
        {"type": "row", "title": text, "gridPos": {"x": 0, "y": 0, "w": 24, "h": 1}},
        panel("timeseries", text, text, at=(0, 1, 12, 8), **about),
        panel("stat", text, text, at=(12, 1, 6, 4), **about),
        panel("table", text, text, at=(12, 5, 12, 4), **about),
        panel("logs", text, text, at=(0, 9, 24, 6), **about),
        panel("timeseries", text, text, at=(0, 15, 8, 5), **about),
        panel("timeseries", text, text, at=(8, 15, 8, 5), **about),
        {"type": "text", "title": text, "gridPos": {"x": 16, "y": 15, "w": 8, "h": 5}, "options": {"content": text}},
    ]
    dashboard = definition(*panels, variables=(variable(text),), title=text, description=text)
    return dashboard, data_of(dashboard, text, points)


def data_of(dashboard: Definition, text: str, points: int) -> PreviewData:
    """Return data for the panels of `example`."""
    sent = (Sent(ref="A", language="PromQL", text=text),)
    failed = (Sent(ref="A", language="PromQL", text=text, said=text, outcome="failed"),)
    lines = (Line(time_ns=nanoseconds(START), source=text, level=text, text=text),)
    shown = {"state": "data", "sent": sent, "notes": (text,)}
    frames = (frame(text, points=points),)
    kinds: list[dict[str, Any]] = [
        {"state": "plain"},
        {**shown, "frames": frames},
        {**shown, "frames": frames},
        {**shown, "frames": frames},
        {**shown, "lines": lines},
        {"state": "failed", "why": text, "sent": failed},
        {"state": "not_asked", "why": text, "sent": sent},
        {"state": "plain"},
    ]
    panels = tuple(PanelData(panel=p, **more) for p, more in zip(dashboard.panels, kinds, strict=True))
    values = {text: Value(texts=(text,))}
    return PreviewData(panels=panels, window=WINDOW, source=text, values=values, notes=(text,))


def frame(name: str, columns: int = 3, *, points: int = 240, top: float = 1.0) -> Frame:
    """Return waves between 0 and *top*, with a hole in each."""
    step = WINDOW.duration / points
    times = np.array([nanoseconds(START + step * i) for i in range(points)], "datetime64[ns]")
    phase = np.linspace(0, 12, points)[:, None] + np.arange(columns)
    values = (np.sin(phase) + 1) / 2 * top
    values[points // 3 : points // 3 + 3] = np.nan
    return Frame(
        times=times,
        values=values,
        names=tuple(f"{name} {i}" for i in range(columns)),
        labels=tuple({"task": f"{name} {i}"} for i in range(columns)),
    )
