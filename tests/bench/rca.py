"""The engine's culprit ranking in the form that a root-cause benchmark calls: ``tests.bench.rca:rank``.

Only translates: columns ``<service>_<metric>``, calls, events, log lines and single tasks into the model.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

import numpy as np
import pandas as pd

from obskit.catalogue._kinds import forwards, kind_of
from obskit.incident.blame.ranking import rank_suspects
from obskit.incident.blame.scene import Alert, Ranking, Scene
from obskit.model import Event, Logs, Metrics, Series

#: What the data sets abbreviate or run together, in the words that metrics usually have.
WORDS = {
    "lod": "load",
    "calllat": "call_latency",
    "servelat": "serve_latency",
    "lat": "latency",
    "outlatency": "out_latency",
    "outsuccess": "out_success",
    "sysread": "disk_reads",
    "syswrite": "disk_writes",
    "netrx": "network_rx",
    "nettx": "network_tx",
    **{f"{side}lat{q}": f"{side}_latency_p{q}" for side in ("client", "server") for q in (90, 99)},
}


class Case(Protocol):
    """What a benchmark tells of an incident beside its metrics."""

    edges: Sequence[tuple[str, str]]
    events: Sequence[dict[str, Any]]
    alert: dict[str, Any] | None

    def logs(self) -> pd.DataFrame | None:
        """Return the incident's lines."""

    def baseline_logs(self) -> pd.DataFrame | None:
        """Return lines of a calm time."""

    def tasks(self) -> pd.DataFrame | None:
        """Return samples of single tasks."""


def rank(df: pd.DataFrame, inject_time: int, case: Case) -> list[str]:
    """Return services, then columns, most suspect first."""
    found = rank_suspects(scene(df, inject_time, case))
    names = list(df.columns)
    return [s.service for s in found.suspects] + [names[i] for i in found.columns.tolist() if i < len(names)]


def explained(df: pd.DataFrame, inject_time: int, case: Case) -> Ranking:
    """Return the whole ranking."""
    return rank_suspects(scene(df, inject_time, case))


def scene(df: pd.DataFrame, inject_time: float, case: Case | None = None) -> Scene:
    """Translate a case into the model.

    Args:
        df: Index in unix seconds, columns ``<service>_<metric>``.
        inject_time: When the incident was noticed, unix seconds.
        case: What else is known.
    """
    services = {name.rsplit("_", 1)[0] for name in df.columns}
    series = [_series(name, services) for name in df.columns]
    values = df.to_numpy(np.float64)
    tasks = case.tasks() if case else None
    if tasks is not None:
        more, extra = _tasks(tasks, df.index.to_numpy())
        series, values = series + extra, np.column_stack([values, more])
    logs = _logs(case) if case else Logs.empty()
    metrics = Metrics(
        times=(df.index.to_numpy(np.float64) * 1e9).astype("datetime64[ns]"), values=values, series=tuple(series)
    )
    return Scene(
        metrics=metrics,
        kinds=tuple(kind_of(WORDS.get(s.signal, s.signal)) for s in series),
        noticed=_moment(inject_time),
        calls=tuple(case.edges) if case else (),
        forwarding=tuple(name for name in sorted(services) if forwards(name)),
        events=tuple(_events(case.events)) if case else (),
        logs=logs,
        lines=logs,
        alert=_alert(case.alert) if case and case.alert else None,
    )


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(float(seconds), UTC)


def _series(name: str, services: set[str]) -> Series:
    """Return what a column is; a metric that ends in another service's name is about the two of them."""
    service, metric = name.rsplit("_", 1)
    for other in services:
        if metric.endswith("-" + other):
            return Series(
                signal=metric.removesuffix("-" + other), unit="count", service=service, labels=(("peer", other),)
            )
    return Series(signal=metric, unit="count", service=service)


def _tasks(table: pd.DataFrame, times: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], list[Series]]:
    """Return the columns of single tasks: what they were asked, what they asked of others, what they use."""
    asked = table[table["service"] == table["callee"]]
    asks = table[(table["service"] == table["caller"]) & (table["service"] != table["callee"])]
    calls = ((asked, ("success", "latency"), "caller"), (asks, ("outsuccess", "outlatency"), "callee"))
    wide = [
        (_wide(rows, signal.removeprefix("out"), [peer]), signal, "peer")
        for rows, signals, peer in calls
        for signal in signals
    ]
    wide += [(_wide(table, signal, []), signal, "") for signal in ("cpu", "mem")]
    values, series = [], []
    for made, signal, label in wide:
        values.append(made.reindex(times).to_numpy(np.float64))
        series += [
            Series(signal=signal, unit="count", service=c[0], task=c[1], labels=((label, c[2]),) if label else ())
            for c in made.columns
        ]
    return np.column_stack(values), series


def _wide(rows: pd.DataFrame, value: str, labels: list[str]) -> pd.DataFrame:
    return rows.pivot_table(index="time", columns=["service", "task", *labels], values=value, aggfunc="mean")


def _events(events: Sequence[dict[str, Any]]) -> Iterator[Event]:
    for event in events:
        yield Event(time=_moment(event["time"]), kind="deployment", service=event["service"], code=event["kind"])
        for task in event.get("started", ()):
            yield Event(time=_moment(event["done"]), kind="task_running", service=event["service"], task=task)


def _logs(case: Case) -> Logs:
    tables = [t for t in (case.baseline_logs(), case.logs()) if t is not None and len(t)]
    if not tables:
        return Logs.empty()
    lines = pd.concat(tables)
    return Logs.of(
        (lines["time"].to_numpy(np.float64) * 1e9).astype(np.int64),
        lines["service"],
        [""] * len(lines),
        lines["level"].str.lower(),
        _messages(lines),
    )


def _messages(lines: pd.DataFrame) -> pd.Series[str]:
    """Return the messages with the id of their request, which the data set keeps beside them."""
    if "trace" not in lines:
        return lines["message"]
    told = lines["trace"].fillna("").astype(str)
    return lines["message"] + (" trace_id=" + told).where(told != "", "")


def _alert(alert: dict[str, Any]) -> Alert:
    return Alert(service=alert["service"], metric=alert["metric"], kind=kind_of(alert["metric"]))
