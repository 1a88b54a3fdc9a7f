"""How many lines each service writes, counted as Loki is asked to count them: the same signals, the same filters."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from obskit.catalogue._logql import ERRORS, TIMEOUTS
from obskit.model import Metrics, Series, Window, nanoseconds

if TYPE_CHECKING:
    import pyarrow as pa

#: Signal -> its line filters in LogQL.
_FILTERS: Final = {"log_lines": "", "log_errors": ERRORS, "log_timeouts": TIMEOUTS}
_FILTER: Final = re.compile(r"([|!])~ `([^`]*)`")
#: A point counts the lines of so many seconds before it.
_RATE_SECONDS: Final = 10
_SECOND: Final = 10**9


def counts(table: pa.Table, window: Window) -> Metrics:
    """Return a column a signal and service: lines a second; NaN until the service's first line, from there on a count.

    Args:
        table: ``t`` (nanoseconds), ``service`` and ``line``, of the window and what it is compared with.
        window: Its step is that of the result.
    """
    import pyarrow.compute as pc

    step = max(int(window.step.total_seconds() * _SECOND), 1)
    times = np.arange(nanoseconds(window.start), nanoseconds(window.end) + 1, step)
    services = sorted(filter(None, pc.unique(table["service"]).to_pylist()))
    columns: list[npt.NDArray[np.float64]] = []
    series: list[Series] = []
    for signal, filters in _FILTERS.items():
        chosen = _filtered(table, filters)
        for service in services:
            every = _times(table, service)
            rates = _rates(_times(chosen, service), times)
            columns.append(np.where(times >= (every[0] if len(every) else np.inf), rates, np.nan))
            series.append(Series(signal=signal, unit="per_second", service=service, query=f"lines {filters}".strip()))
    if not series:
        return Metrics.empty()
    return Metrics(times=times.astype("datetime64[ns]"), values=np.column_stack(columns), series=tuple(series))


def _filtered(table: pa.Table, filters: str) -> pa.Table:
    import pyarrow.compute as pc

    for sign, pattern in _FILTER.findall(filters):
        found = pc.match_substring_regex(table["line"], pattern)
        table = table.filter(found if sign == "|" else pc.invert(found))
    return table


def _times(table: pa.Table, service: str) -> npt.NDArray[np.int64]:
    import pyarrow.compute as pc

    return np.sort(table.filter(pc.equal(table["service"], service))["t"].to_numpy())


def _rates(lines: npt.NDArray[np.int64], times: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    until = np.searchsorted(lines, times, side="right")
    before = np.searchsorted(lines, times - _RATE_SECONDS * _SECOND, side="right")
    return (until - before) / _RATE_SECONDS
