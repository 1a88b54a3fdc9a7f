"""Which services changed shortly before, and whether their new tasks behave worse than their old ones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from obskit.incident.blame.effects import DECILES, FROM_ZERO, LEVEL_FLOOR, TOP_FLOOR
from obskit.model import Event, Metrics, nanoseconds

Floats = npt.NDArray[np.float64]

#: A change half as suspicious as one at the onset is so old.
_HALF_LIFE_NS: Final = 600_000_000_000
#: Clocks and grids differ by so many points: what came later than that after the onset follows from it.
_AFTER_POINTS: Final = 2
#: Fewest samples of the older tasks that new ones are judged by.
_FEWEST_OLD: Final = 3
#: Fewest points since a change that its tasks' silence is told from.
_FEWEST_SILENT: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """What one service's change speaks for.

    Attributes:
        at_ns: When it began.
        recent: 1 for a change at the onset, less the older it is.
        contrast: How much worse the new tasks are than the old: logarithm of deviations.
        silent: The share of the older tasks' samples that the new ones lack, as evidence.
        task: The new task that is worst, or "".
    """

    at_ns: int
    recent: float
    contrast: float = 0.0
    silent: float = 0.0
    task: str = ""

    def evidence_within(self, symptom: float) -> float:
        """Return all of it in nats: one for the change itself, more where its tasks behave worse; less with age.

        Args:
            symptom: The strongest that the service shows otherwise; its tasks' behaviour counts no more.
        """
        return self.recent * (1 + min(float(np.hypot(self.contrast, self.silent)), symptom))


def rollouts(
    metrics: Metrics,
    events: Sequence[Event],
    *,
    onset_ns: int,
    bad: Sequence[int],
    served: Sequence[bool],
) -> Mapping[str, Rollout]:
    """Judge every deployment before the onset.

    Tasks that start without one are no change: a scheduler replaces what fails and adds what load asks for, and
    both follow from incidents.

    Args:
        metrics: The columns of single tasks are compared.
        events: Deployments, and tasks that started; a deployment's are all since it began.
        onset_ns: When the incident began; a deployment that came later is none of its causes.
        bad: Which direction hurts, one a column: 1 up, -1 down, 0 either.
        served: Columns that only a task which answers requests has.
    """
    times = metrics.times.astype("datetime64[ns]").astype(np.int64)
    limit = onset_ns + (_AFTER_POINTS * int(np.median(np.diff(times))) if len(times) > 1 else 0)
    begun = int(times[0]) if len(times) else 0
    moments: dict[str, int] = {}
    for event in events:
        at = nanoseconds(event.time)
        if event.kind == "deployment" and event.service and begun <= at <= limit:
            moments[event.service] = max(at, moments.get(event.service, at))
    new: dict[str, set[str]] = defaultdict(set)
    for event in events:
        changed = moments.get(event.service)
        if event.kind == "task_running" and event.task and changed is not None and nanoseconds(event.time) >= changed:
            new[event.service].add(event.task)
    by_service: dict[str, list[int]] = defaultdict(list)
    for i, series in enumerate(metrics.series):
        if series.task and series.service in new:
            by_service[series.service].append(i)
    found = {}
    for service, at in moments.items():
        recent = 2.0 ** (-max(onset_ns - at, 0) / _HALF_LIFE_NS)
        columns = by_service.get(service, [])
        first = int(np.searchsorted(times, at))
        contrast, task = _contrast(metrics, columns, new[service], first, bad)
        silent = _silent(metrics, [i for i in columns if served[i]], new[service], first)
        found[service] = Rollout(at_ns=at, recent=recent, contrast=contrast, silent=silent, task=task)
    return found


def _groups(metrics: Metrics, columns: Sequence[int]) -> Mapping[tuple[object, ...], list[int]]:
    groups: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for i in columns:
        groups[metrics.series[i].signal, metrics.series[i].labels].append(i)
    return groups


def _contrast(
    metrics: Metrics, columns: Sequence[int], new: set[str], first: int, bad: Sequence[int]
) -> tuple[float, str]:
    """Return how far the worst new task lies from the old ones, in their deviations, and which it is.

    The worst of many is far off by chance: of n normal deviates the largest is expected at sqrt(2 ln n), and
    only what goes beyond it is evidence.
    """
    judged = []
    for members in _groups(metrics, columns).values():
        young = [i for i in members if metrics.series[i].task in new]
        old = [i for i in members if metrics.series[i].task not in new]
        worse, trust = _worse(metrics.values[first:, young], metrics.values[:, old], first, bad[members[0]])
        judged += [
            (w, t, metrics.series[i].task) for i, w, t in zip(young, worse.tolist(), trust.tolist(), strict=True)
        ]
    pairs = sum(trust > 0 for _, trust, _ in judged)
    chance = float(np.sqrt(2 * np.log(max(pairs, 1))))
    told = [(float(np.log1p(max(worse - chance, 0.0))) * trust, task) for worse, trust, task in judged]
    best = max(told, key=lambda pair: pair[0], default=(0.0, ""))
    return best if best[0] > 0 else (0.0, "")


def _worse(young: Floats, old: Floats, first: int, bad: int) -> tuple[Floats, Floats]:
    """Return how many deviations each new task is worse than the old ones, and how far that is to be trusted.

    Against the old tasks' own past, or against what they do meanwhile, whichever shows less: what becomes of all
    tasks alike is not the new ones' doing. A deviation is at least what one old task differs from the others.

    Args:
        young: Shape (T since the change, new tasks).
        old: Shape (T, old tasks).
        first: Index of the change.
        bad: Which direction hurts.
    """
    known = old[np.isfinite(old)]
    nothing = np.zeros(young.shape[1])
    if len(known) < _FEWEST_OLD or not young.size:
        return nothing, nothing
    seen, level = _means(young)
    q10, middle, q90 = np.quantile(known, (0.1, 0.5, 0.9))
    floor = max(LEVEL_FLOOR * abs(middle), TOP_FLOOR * float(np.abs(known).max()))
    noise = max((q90 - q10) / DECILES, floor, _apart(old))
    # Where the old tasks never did it, any of it is as much as a column that leaves zero.
    noises = np.full(len(level), noise) if noise > 0 else np.abs(level) / FROM_ZERO
    meanwhile = old[first:][np.isfinite(old[first:])]
    with np.errstate(divide="ignore", invalid="ignore"):
        moved = [
            np.nan_to_num((level - float(of.mean())) / noises, nan=0.0, posinf=0.0, neginf=0.0)
            for of in (known, meanwhile)
            if len(of) >= _FEWEST_OLD
        ]
    worse = np.min([np.abs(m) / 2 if bad == 0 else np.maximum(m * bad, 0.0) for m in moved], axis=0)
    return worse, seen / (seen + 1)


def _means(values: Floats) -> tuple[Floats, Floats]:
    """Return how many samples each column has, and their mean (NaN where there are none)."""
    known = np.isfinite(values)
    count = known.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean: Floats = np.where(known, values, 0.0).sum(axis=0) / count
    return count.astype(np.float64), mean


def _apart(old: Floats) -> float:
    """Return how far the oddest of the old tasks lies from the rest of them, each left out in turn.

    Old tasks are few, and the usual distance of few is a bad guess: the largest is the safer one.
    """
    _, means = _means(old)
    means = means[np.isfinite(means)]
    if len(means) < 2:
        return 0.0
    rest = (means.sum() - means) / (len(means) - 1)
    return float(np.abs(means - rest).max())


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
    return float(np.log1p(FROM_ZERO) * max(0.0, 1 - young / old) * points / (points + 2))
