"""Builds what is asked of the ranking by statistics: a matrix with moves, lines, changes, tasks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

from obskit.catalogue._kinds import kind_of
from obskit.incident.blame.scene import Ranking, Scene
from obskit.model import Event, Logs, Metrics, Part, Series, nanoseconds

BEGIN = datetime(2026, 1, 31, 3, 0, tzinfo=UTC)
STEP = timedelta(seconds=60)
POINTS, AT = 40, 30
NOTICED = BEGIN + AT * STEP
Matrix = npt.NDArray[np.float64]
Column = tuple[str, str, float]
"""A service, a metric, and by how many deviations it moves at `AT`."""
Line = tuple[float, str, str, str]
CALM_LINES = tuple((minute, name, "info", "served a request") for minute in range(POINTS) for name in ("a", "b"))
MIXED: tuple[Column, ...] = (
    ("web", "latency", 6.0),
    ("web", "cpu", 0.0),
    ("cart", "cpu", 40.0),
    ("cart", "latency", 20.0),
    ("pay", "memory", -9.0),
    ("pay", "errors", 3.0),
    ("mail", "requests", -5.0),
    ("mail", "queue_of_unknown_things", 0.0),
)


def series_of(columns: Sequence[Column]) -> tuple[Series, ...]:
    """Return what the columns are."""
    return tuple(Series(signal=metric, unit="count", service=service) for service, metric, _ in columns)


def matrix_of(columns: Sequence[Column], *, seed: int = 1, level: float = 10.0) -> Matrix:
    """Return noise of one deviation around a level, and the moves."""
    values = np.random.default_rng(seed).normal(level, 1.0, (POINTS, len(columns)))
    values[AT:] += [move for _, _, move in columns]
    return values


def scene_of(values: Matrix, series: Sequence[Series]) -> Scene:
    """Return what is known when there is only a matrix."""
    times = np.datetime64(BEGIN.replace(tzinfo=None), "ns") + np.arange(len(values)) * np.timedelta64(60, "s")
    return Scene(
        metrics=Metrics(times=times.astype("datetime64[ns]"), values=values, series=tuple(series)),
        kinds=[kind_of(s.signal) for s in series],
        noticed=NOTICED,
    )


def scene(*columns: Column, seed: int = 1) -> Scene:
    """Return a matrix with these moves."""
    return scene_of(matrix_of(columns, seed=seed), series_of(columns))


def services(ranking: Ranking) -> list[str]:
    """Return the services, most suspect first."""
    return [s.service for s in ranking.suspects]


def names(found: Ranking, of: Scene) -> list[str]:
    """Return the series, most telling first."""
    return [of.metrics.series[i].name for i in found.columns]


def part(found: Ranking, service: str, name: Part) -> float:
    """Return what a part of a suspect's account counts."""
    return next((s.parts.get(name, 0.0) for s in found.suspects if s.service == service), 0.0)


def logs_of(*rows: tuple[float, str, str, str]) -> Logs:
    """Build lines from (minute, service, level, text)."""
    times = [nanoseconds(BEGIN + minute * STEP) for minute, _, _, _ in rows]
    return Logs.of(times, [r[1] for r in rows], [""] * len(rows), [r[2] for r in rows], [r[3] for r in rows])


def rollout(service: str, minute: int, *tasks: str) -> tuple[Event, ...]:
    """Return the events of a change."""
    at = BEGIN + minute * STEP
    return (
        Event(time=at, kind="deployment", service=service),
        *(Event(time=at, kind="task_running", service=service, task=task) for task in tasks),
    )


def tasks_of(**failing: float) -> tuple[Matrix, tuple[Series, ...]]:
    """Return the success of three old tasks and one new one of each service; the new one's from `AT` on."""
    columns = [(name, f"{name}-{i}") for name in failing for i in range(4)]
    values = np.full((POINTS, len(columns)), 100.0)
    for place, share in enumerate(failing.values()):
        values[:AT, 4 * place + 3] = np.nan
        values[AT:, 4 * place + 3] = share
    return values, tuple(Series(signal="success", unit="count", service=s, task=t) for s, t in columns)
