"""Service-level columns from tasks' columns."""

from __future__ import annotations

import numpy as np
import pytest

from obskit.catalogue import all_signals
from obskit.incident.combine import with_service_columns
from obskit.model import Metrics, Series


def metrics(signal: str, columns: dict[str, list[float]]) -> Metrics:
    """Return a matrix with one column a task."""
    values = np.array(list(columns.values()), float).T
    times = np.arange(len(values)).astype("datetime64[s]").astype("datetime64[ns]")
    series = tuple(Series(signal=signal, unit="count", service="shop", task=task) for task in columns)
    return Metrics(times=times, values=values, series=series)


@pytest.mark.parametrize(
    ("signal", "expected"),
    [
        ("http_requests", [3, 2, np.nan]),
        ("db_pool_used_ratio", [2, 2, np.nan]),
        ("http_latency_mean", [1.5, 2, np.nan]),
    ],
)
def test_tasks_are_combined_as_the_signal_says_and_silence_stays_silence(signal: str, expected: list[float]) -> None:
    """Rates add up, ratios take the worst task, means average; a point without any sample is NaN."""
    combined = with_service_columns(metrics(signal, {"a": [1, np.nan, np.nan], "b": [2, 2, np.nan]}), all_signals())

    assert combined.series[-1].task == ""
    np.testing.assert_equal(combined.values[:, -1], expected)


def test_a_service_level_column_of_the_source_is_kept_as_it_is() -> None:
    """What the server aggregated itself is not made again."""
    given = metrics("http_requests", {"": [7, 7], "a": [1, 1]})

    assert given is with_service_columns(given, all_signals())
