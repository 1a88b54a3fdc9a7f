"""Makes one service-level column of the tasks' columns of each signal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from obskit.model import FloatMatrix, Labels, Metrics, Series, Signal

_Key = tuple[str, str, Labels]


def with_service_columns(metrics: Metrics, signals: Mapping[str, Signal]) -> Metrics:
    """Return the matrix with a column ``task == ""`` for each (signal, service, labels) of tasks.

    A point is NaN only when no task had a sample. Groups that already have a service-level
    column keep it. How tasks are put together is the signal's ``combine``.
    """
    groups: dict[_Key, list[int]] = defaultdict(list)
    whole = {(s.signal, s.service, s.labels) for s in metrics.series if not s.task}
    for i, s in enumerate(metrics.series):
        if s.task and s.signal in signals and (s.signal, s.service, s.labels) not in whole:
            groups[s.signal, s.service, s.labels].append(i)
    if not groups:
        return metrics
    points, columns = metrics.values.shape
    values = np.empty((points, columns + len(groups)))
    values[:, :columns] = metrics.values
    ways: dict[str, list[int]] = defaultdict(list)
    for number, (signal, _, _) in enumerate(groups):
        ways[signals[signal].combine].append(number)
    members = list(groups.values())
    for how, numbers in ways.items():
        values[:, columns + np.array(numbers)] = _together(metrics.values, [members[n] for n in numbers], how)
    first = (metrics.series[group[0]] for group in members)
    series = [
        Series(signal=signal, unit=one.unit, service=service, labels=labels, query=one.query)
        for (signal, service, labels), one in zip(groups, first, strict=True)
    ]
    return Metrics(times=metrics.times, values=values, series=(*metrics.series, *series))


def _together(values: FloatMatrix, groups: Sequence[Sequence[int]], how: str) -> FloatMatrix:
    """Return one column a group.

    Args:
        values: Shape (T, N).
        groups: Positions of columns, at least one each.
        how: A signal's ``combine``.
    """
    block = values[:, np.concatenate(groups)]
    starts = np.cumsum([0, *map(len, groups[:-1])])
    if how in ("max", "min"):
        made: FloatMatrix = (np.fmax if how == "max" else np.fmin).reduceat(block, starts, axis=1)
    else:
        said = ~np.isnan(block)
        made = np.add.reduceat(np.where(said, block, 0.0), starts, axis=1)
        if how == "mean":
            count = np.add.reduceat(said, starts, axis=1, dtype=np.int64)
            made /= np.maximum(count, 1)
    known = np.logical_or.reduceat(np.isfinite(block), starts, axis=1)
    return np.where(known, made, np.nan)
