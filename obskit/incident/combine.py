"""Makes one service-level column of the tasks' columns of each signal."""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from obskit.model import Labels, Metrics, Series, Signal

_MAKE: dict[str, Callable[..., Any]] = {"sum": np.nansum, "mean": np.nanmean, "max": np.nanmax, "min": np.nanmin}


def with_service_columns(metrics: Metrics, signals: Mapping[str, Signal]) -> Metrics:
    """Return the matrix with a column ``task == ""`` for each (signal, service, labels) of tasks.

    A point is NaN only when no task had a sample. Groups that already have a service-level
    column keep it. How tasks are put together is the signal's ``combine``.
    """
    groups: dict[tuple[str, str, Labels], list[int]] = defaultdict(list)
    whole = {(s.signal, s.service, s.labels) for s in metrics.series if not s.task}
    for i, s in enumerate(metrics.series):
        if s.task and s.signal in signals and (s.signal, s.service, s.labels) not in whole:
            groups[s.signal, s.service, s.labels].append(i)
    if not groups:
        return metrics
    columns, series = [], []
    for (signal, service, labels), index in groups.items():
        how = signals[signal].combine
        block = metrics.values[:, index]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # all-NaN rows are meant to give NaN
            made = _MAKE[how](block, axis=1)
        columns.append(np.where(np.isfinite(block).any(axis=1), made, np.nan))
        first = metrics.series[index[0]]
        series.append(Series(signal=signal, unit=first.unit, service=service, labels=labels, query=first.query))
    return Metrics(
        times=metrics.times,
        values=np.column_stack([metrics.values, *columns]),
        series=(*metrics.series, *series),
    )
