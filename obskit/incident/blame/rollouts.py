"""Which services changed shortly before, and whether their new tasks behave worse than their old ones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from obskit.model import Event, Metrics, nanoseconds

Floats = npt.NDArray[np.float64]

#: Kinds of events that tell of a change or of its new tasks.
_CHANGES: Final = ("deployment", "task_running")
#: A change half as suspicious as one at the onset is so old; one that came so long after the onset is none of
#: its causes (clocks and grids differ by a step or two).
_HALF_LIFE_NS, _AFTER_NS = 600_000_000_000, 120_000_000_000
#: Noise is at least this share of the level, as for the columns of services.
_LEVEL_FLOOR: Final = 0.05
#: Fewest points since a change that its tasks' silence is told from.
_FEWEST_SILENT: Final = 2
#: A new task that answers nothing while older ones do weighs as much as a move of so many deviations.
_SILENCE: Final = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """What one service's change speaks for.

    Attributes:
        recent: 1 for a change at the onset, less the older it is.
        contrast: How much worse the new tasks are than the old: logarithm of deviations.
        silent: The share of the older tasks' samples that the new ones lack, as evidence.
        task: The new task that is worst, or "".
    """

    recent: float
    contrast: float = 0.0
    silent: float = 0.0
    task: str = ""

    @property
    def evidence(self) -> float:
        """Return all of it in nats: one for the change itself, more where its tasks behave worse; less with age."""
        return self.recent * (1 + float(np.hypot(self.contrast, self.silent)))


def rollouts(
    metrics: Metrics,
    events: Sequence[Event],
    *,
    onset_ns: int,
    noticed_ns: int,
    bad: Sequence[int],
    served: Sequence[bool],
) -> Mapping[str, Rollout]:
    """Judge every change near the onset.

    Args:
        metrics: The columns of single tasks are compared.
        events: Deployments and tasks that started.
        onset_ns, noticed_ns: When the incident began and was noticed; a change after both is none of its causes.
        bad: Which direction hurts, one a column: 1 up, -1 down, 0 either.
        served: Columns that only a task which answers requests has.
    """
    moments: dict[str, int] = {}
    new: dict[str, set[str]] = defaultdict(set)
    begun = int(metrics.times[0].astype("datetime64[ns]").astype(np.int64)) if len(metrics.times) else 0
    limit = max(onset_ns, noticed_ns) + _AFTER_NS
    for event in events:
        at = nanoseconds(event.time)
        if event.kind in _CHANGES and event.service and begun <= at <= limit:
            moments[event.service] = max(at, moments.get(event.service, at))
            if event.kind == "task_running" and event.task:
                new[event.service].add(event.task)
    by_service: dict[str, list[int]] = defaultdict(list)
    for i, series in enumerate(metrics.series):
        if series.task and series.service in new:
            by_service[series.service].append(i)
    found = {}
    for service, at in moments.items():
        recent = 2.0 ** (-max(onset_ns - at, 0) / _HALF_LIFE_NS)
        columns = by_service.get(service, [])
        first = int(np.searchsorted(metrics.times.astype("datetime64[ns]").astype(np.int64), at))
        contrast, task = _contrast(metrics, columns, new[service], first, bad)
        silent = _silent(metrics, [i for i in columns if served[i]], new[service], first)
        found[service] = Rollout(recent=recent, contrast=contrast, silent=silent, task=task)
    return found


def _groups(metrics: Metrics, columns: Sequence[int]) -> Mapping[tuple[object, ...], list[int]]:
    groups: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for i in columns:
        groups[metrics.series[i].signal, metrics.series[i].labels].append(i)
    return groups


def _contrast(
    metrics: Metrics, columns: Sequence[int], new: set[str], first: int, bad: Sequence[int]
) -> tuple[float, str]:
    """Return how far the worst new task lies from the old ones, in their deviations, and which it is."""
    best, worst = 0.0, ""
    for members in _groups(metrics, columns).values():
        young = [i for i in members if metrics.series[i].task in new]
        old = [i for i in members if metrics.series[i].task not in new]
        known = metrics.values[:, old][np.isfinite(metrics.values[:, old])] if old else np.empty(0)
        if not young or len(known) < 3:
            continue
        q10, middle, q90 = np.quantile(known, (0.1, 0.5, 0.9))
        noise = max((q90 - q10) / 2.563, _LEVEL_FLOOR * abs(middle), 0.01 * float(np.abs(known).max()))
        for i in young:
            seen = metrics.values[first:, i]
            seen = seen[np.isfinite(seen)]
            if not len(seen) or noise <= 0:
                continue
            moved = (float(seen.mean()) - float(known.mean())) / noise
            worse = abs(moved) / 2 if bad[i] == 0 else max(moved * bad[i], 0.0)
            evidence = float(np.log1p(worse)) * len(seen) / (len(seen) + 1)
            if evidence > best:
                best, worst = evidence, metrics.series[i].task
    return best, worst


def _silent(metrics: Metrics, columns: Sequence[int], new: set[str], first: int) -> float:
    """Return the evidence that new tasks answer nothing where older ones do."""
    points = len(metrics.times) - first
    if not new or points < _FEWEST_SILENT:
        return 0.0
    known = np.isfinite(metrics.values[first:, columns])
    is_new = np.array([metrics.series[i].task in new for i in columns], bool)
    tasks_old = len({metrics.series[i].task for i in columns if metrics.series[i].task not in new})
    if not tasks_old or not known[:, ~is_new].any():
        return 0.0
    old = known[:, ~is_new].sum() / tasks_old
    young = known[:, is_new].sum() / len(new)
    return float(np.log1p(_SILENCE) * max(0.0, 1 - young / old) * points / (points + 2))
