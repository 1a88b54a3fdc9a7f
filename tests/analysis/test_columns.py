"""The matrix as a frame, and what was detected in it: names, units, whose columns, and nothing lost on the way."""

from __future__ import annotations

import numpy as np
import pytest

import obskit
from obskit.analysis.columns import own_columns
from obskit.errors import UsageError
from obskit.model import Telemetry


@pytest.fixture(scope="module")
def incident() -> obskit.Incident:
    """The incident that ships with obskit, investigated once."""
    return obskit.demo()


def test_a_frame_holds_what_plot_draws(incident: obskit.Incident) -> None:
    """The same numbers, named by signal, each with the unit of its axis."""
    names = ("http_latency_p95", "db_pool_used_ratio")
    frame = incident.frame(*names)
    figure = incident.plot(names)

    assert list(frame.columns) == list(names)
    assert frame.attrs["units"] == {"http_latency_p95": "seconds", "db_pool_used_ratio": "ratio"}
    for axes, name in zip(figure.axes, names, strict=True):
        assert np.array_equal(np.asarray(axes.lines[0].get_ydata()), frame[name], equal_nan=True)


def test_names_are_given_one_by_one_or_as_a_list(incident: obskit.Incident) -> None:
    """To a frame as to a plot, and nobody has to remember which of them wants what; a name twice is one column."""
    names = ["http_latency_p95", "db_pool_used_ratio"]

    for frame in (incident.frame(*names), incident.frame(names), incident.frame(names[0], iter(names))):
        assert list(frame.columns) == names
    for figure in (incident.plot(*names), incident.plot(names), incident.plot(names[0], tuple(names))):
        assert len(figure.axes) == 2
    for wrong in (3, [names], None):
        with pytest.raises(UsageError, match="is no name of a signal"):
            incident.frame(wrong)  # type: ignore[arg-type]


def test_no_name_is_everything_of_the_service_and_of_what_it_stands_on(incident: obskit.Incident) -> None:
    """Other services have windows of their own, and single tasks are asked for; every column has a unit."""
    series = incident.steps.metrics.series
    whole, with_tasks = incident.frame(), incident.frame(tasks=True)
    own = {s.signal for s in series if s.service == incident.service.name}

    assert own <= {name.partition("{")[0] for name in whole.columns}
    assert {s.signal for s in series if s.service == "database"} & set(whole.columns)
    assert not [name for name in whole.columns if "orders" in name]
    assert with_tasks.shape[1] > whole.shape[1]
    for frame in (whole, with_tasks):
        assert list(frame.attrs["units"]) == list(frame.columns)
        assert frame.columns.is_unique


def test_a_signal_of_several_columns_keeps_their_long_names(incident: obskit.Incident) -> None:
    """One name for two columns would hide one of them."""
    frame = incident.frame("http_requests", "http_error_ratio", tasks=True)
    names = [incident.steps.metrics.series[i].name for i in own_columns(incident, "http_requests", tasks=True)]

    assert len(names) > 1
    assert [name for name in frame.columns if name.startswith("http_requests")] == names
    assert list(incident.frame("http_requests").columns) == ["http_requests"]


def test_what_was_not_seen_is_said_and_is_no_empty_column(incident: obskit.Incident) -> None:
    """As of a plot; without metrics there is nothing to name, and nothing in the frame."""
    blind = obskit.Incident(service=incident.service, window=incident.window, telemetry=Telemetry())

    with pytest.raises(UsageError, match="'http_latency_p59' was not seen") as error:
        incident.frame("http_latency_p59")
    assert "http_latency_p95" in str(error.value.hint)
    assert blind.frame().shape == (0, 0)
    assert blind.frame().attrs["units"] == {}


def test_changes_are_the_detection_column_by_column(incident: obskit.Incident) -> None:
    """All columns, the strongest first; the index leads back into the matrix."""
    changes, steps = incident.changes(), incident.steps
    found = steps.detection

    assert sorted(changes.index) == list(range(len(steps.metrics.series)))
    assert changes["score"].is_monotonic_decreasing
    for name in ("before", "after", "peak", "score"):
        assert np.array_equal(changes[name], getattr(found, name)[changes.index], equal_nan=True)
    assert changes["series"].tolist() == [steps.metrics.series[i].name for i in changes.index]
    told = changes["onset"].notna()
    assert told.tolist() == (found.split[changes.index] >= 0).tolist()
    at = steps.metrics.times[found.split[changes.index[told]]]
    assert np.array_equal(changes["onset"][told].dt.tz_localize(None), at)
