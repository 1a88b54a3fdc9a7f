"""The Prometheus source against a real Prometheus, and against servers that misbehave."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from obskit.catalogue import all_signals
from obskit.errors import SourceError, UsageError
from obskit.model import Service, Telemetry, Window
from obskit.settings import Connection
from obskit.sources import Ask
from obskit.sources.prometheus import MAX_NEIGHBOURS, PrometheusSource
from obskit.sources.prometheus_read import MAX_INTERVALS, Grid, PrometheusClient, grid_for
from tests.standins.faulty import FaultyServer, Mode, html, ok, refuse, status, truncated
from tests.support.servers import STALE, PrometheusServer

_NOW = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1)
_WINDOW = Window(start=_NOW - timedelta(minutes=20), end=_NOW)
Row = tuple[dict[str, str], list[tuple[int, float]]]
_HOSTILE = 'shop"}\\ or\n{a="'


def _series(name: str, value: float, labels: dict[str, str], *, slope: float = 0.0, end_early: int = 0) -> Row:
    """Return one series with a point every ten seconds over the window."""
    end = int(_NOW.timestamp()) - end_early
    times = range(int(_WINDOW.start.timestamp()) - 600, end, 10)
    points = [(t * 1000, value + slope * i) for i, t in enumerate(times)]
    if end_early:
        points.append((end * 1000, STALE))
    return {"__name__": name, **labels}, points


@pytest.fixture(scope="module")
def server() -> Iterator[PrometheusServer]:
    """Return a real Prometheus that holds two services, in two vocabularies, and a database."""
    with PrometheusServer() as prometheus:
        own = {"service": "shop", "cluster": "prod", "job": "shop"}
        first = {"task_id": "t0", "instance": "i0", **own}
        rows = [
            _series("process_open_fds", 5, first, end_early=300),
            _series("process_max_fds", 10, first, end_early=300),
        ]
        for n in range(3):
            task = {"instance": f"i{n}", "task_id": f"t{n}", **own}
            rows.append(_series("up", 1, task))
            rows.append(_series("http_requests_total", 0, {"status": "200", "route": "/x", **task}, slope=100))
            rows.append(_series("http_requests_total", 0, {"status": "200", "route": "/health", **task}, slope=500))
        orders = {"service": "orders", "cluster": "prod", "job": "orders", "task_id": "o1", "instance": "o1"}
        served, called = {"http_response_status_code": "500", **orders}, {"server_address": "shop:80", **orders}
        rows.append(_series("http_server_request_duration_seconds_count", 0, served, slope=20))
        rows.append(_series("http_client_request_duration_seconds_count", 0, called, slope=20))
        rows.append(_series("pg_up", 1, {"instance": "pg", "job": "postgres"}))
        hostile = {"service": _HOSTILE, "job": "h", "cluster": "prod"}
        rows += [_series("db_pool_size", 5, hostile), _series("db_pool_checked_out", 4, hostile)]
        other = {"server_address": "shop:80", "service": "stranger", "cluster": "elsewhere", "instance": "x"}
        rows.append(_series("http_client_request_duration_seconds_count", 0, other, slope=20))
        for n in range(MAX_NEIGHBOURS + 2):
            caller = {"server_address": "hub:80", "service": f"b{n}", "cluster": "prod", "instance": f"b{n}"}
            rows.append(_series("http_client_request_duration_seconds_count", 0, caller, slope=1))
        rows.append(_series("up", 1, {"service": "hub", "cluster": "prod", "instance": "hub"}))
        rows += [_series("up", 1, {"service": "twin", "cluster": c, "instance": c}) for c in ("a", "b")]
        rows.append(_series("up", 1, {"service": "lone", "instance": "lone"}))
        prometheus.write(rows)
        yield prometheus


def _answer(url: str, service: str = "shop", *, cluster: str = "", seconds: float = 20.0) -> Telemetry:
    source = PrometheusSource(Connection(url=url, timeout_seconds=5))
    ask = Ask(service=Service(name=service, cluster=cluster), window=_WINDOW, deadline=time.monotonic() + seconds)
    return source.answer(ask)


def _column(telemetry: Telemetry, signal: str, service: str) -> np.ndarray:
    found = [i for i, s in enumerate(telemetry.metrics.series) if (s.signal, s.service) == (signal, service)]
    assert found, f"no column {signal} of {service}"
    return telemetry.metrics.values[:, found]


def test_each_service_answers_in_its_own_vocabulary(server: PrometheusServer) -> None:
    """The service, its caller and the shared database stand on one grid, named in obskit's words."""
    telemetry = _answer(server.url)

    np.testing.assert_allclose(np.nanmedian(_column(telemetry, "http_requests", "shop"), axis=0), 10)
    np.testing.assert_allclose(np.nanmedian(_column(telemetry, "http_error_ratio", "orders")), 1)
    np.testing.assert_allclose(np.nanmedian(_column(telemetry, "pg_up", "database")), 1)
    assert tuple(telemetry.facts[k] for k in ("scrape_interval_seconds", "cluster", "relation.orders")) == (
        "10",
        "prod",
        "caller",
    )
    assert {"t0", "t1", "t2"} == {
        s.task for s in telemetry.metrics.series if s.signal == "http_requests" and s.service == "shop"
    }


def test_what_is_spoken_is_told_for_every_signal_of_the_catalogue(server: PrometheusServer) -> None:
    """Those too that no triage weighs, and those that nothing tells of."""
    source = PrometheusSource(Connection(url=server.url))
    asked = Ask(service=Service(name="shop"), window=_WINDOW, deadline=time.monotonic() + 20)

    found = source.spoken(asked)

    answered = {
        k.removeprefix("variant."): v for k, v in source.answer(asked).facts.items() if k.startswith("variant.")
    }
    assert {name: found[name] for name in answered} == answered
    assert {s.id for s in all_signals().values() if s.variants[0].language == "PromQL"} == set(found)
    assert "" in found.values()


def test_health_checks_are_no_traffic(server: PrometheusServer) -> None:
    """The balancer's own requests, here five times the users', are left out of the rate."""
    assert np.nanmax(_column(_answer(server.url), "http_requests", "shop")) < 11


def test_a_series_that_ended_is_silent_from_there_on(server: PrometheusServer) -> None:
    """A stale mark ends a column: NaN, neither zero nor the last value held."""
    column = _column(_answer(server.url), "process_fds_ratio", "shop")[:, 0]

    assert column[0] == 0.5
    assert np.isnan(column[-25:]).all()


def test_a_hostile_service_name_selects_itself_and_nothing_else(server: PrometheusServer) -> None:
    """Quotes, backslashes and newlines in a label value are sent escaped."""
    telemetry = _answer(server.url, _HOSTILE)

    np.testing.assert_allclose(_column(telemetry, "db_pool_used_ratio", _HOSTILE), 0.8)
    assert not any(s.service == "shop" for s in telemetry.metrics.series)


def test_an_unknown_service_is_a_gap_that_names_those_that_come_near(server: PrometheusServer) -> None:
    """A typing error costs one look, not a search; what is shared is still answered."""
    telemetry = _answer(server.url, "shopp")

    assert any("near: shop" in g.reason for g in telemetry.gaps)
    assert telemetry.facts["prometheus.known"] == "false"


def test_a_service_in_two_clusters_asks_back(server: PrometheusServer) -> None:
    """Series of two clusters are never mixed; saying which one settles it."""
    with pytest.raises(UsageError, match="runs in 2 clusters: a, b"):
        _answer(server.url, "twin")
    with pytest.raises(UsageError, match="no series in cluster 'c'"):
        _answer(server.url, "twin", cluster="c")

    assert _answer(server.url, "twin", cluster="b").facts["cluster"] == "b"


def test_a_cluster_that_was_asked_for_is_told_from_one_that_series_name(server: PrometheusServer) -> None:
    """Series without such a label are taken as they are; that they say nothing of the cluster can be told of them."""
    answers = [_answer(server.url, name, cluster="b").facts for name in ("lone", "twin")]

    assert [(facts["cluster"], facts["prometheus.cluster"]) for facts in answers] == [("b", ""), ("b", "b")]


def test_callers_in_other_clusters_are_no_neighbours(server: PrometheusServer) -> None:
    """A service of the same name may exist elsewhere, and so may its callers."""
    facts = _answer(server.url).facts

    assert "relation.orders" in facts
    assert "relation.stranger" not in facts


def test_a_configured_dependency_is_asked_about_before_the_callers_that_were_found(server: PrometheusServer) -> None:
    """However many call the service, what it is known to depend on is not crowded out."""
    source = PrometheusSource(Connection(url=server.url))
    service = Service(name="hub", depends_on=("zz",))
    facts = source.answer(Ask(service=service, window=_WINDOW, deadline=time.monotonic() + 20)).facts

    assert facts["relation.zz"] == "dependency"
    assert sum(key.startswith("relation.") for key in facts) == MAX_NEIGHBOURS


def test_a_secret_that_a_gateway_echoes_is_not_repeated() -> None:
    """An error page may quote the request's headers; our error must not."""
    echo = status(403, b"refused: Authorization: Bearer s3cr3tTokenOfNobody0123456789 " + b"x" * 400)
    with FaultyServer(echo) as faulty, pytest.raises(SourceError, match="403") as caught:
        _answer(faulty.url, seconds=4)

    assert "s3cr3tToken" not in str(caught.value)


def test_a_range_beyond_the_servers_limit_is_asked_in_pieces(server: PrometheusServer) -> None:
    """More than 11,000 points come back whole, each on its place."""
    client = PrometheusClient(Connection(url=server.url))
    ask = Ask(service=Service(name="shop"), window=_WINDOW, deadline=time.monotonic() + 20)
    grid = Grid(_NOW.timestamp() - 1300, 0.1, MAX_INTERVALS + 2000)

    answer = client.matrix(ask, 'pg_up{job="postgres"}', grid)

    assert answer.values.shape == (MAX_INTERVALS + 2000, 1)
    assert np.nansum(answer.values) > MAX_INTERVALS


def test_a_refused_query_is_a_gap_with_the_servers_words(server: PrometheusServer) -> None:
    """What Prometheus complains about reaches the reader, with the query."""
    client = PrometheusClient(Connection(url=server.url))
    ask = Ask(service=Service(name="shop"), window=_WINDOW, deadline=time.monotonic() + 20)

    with pytest.raises(SourceError, match="parse error") as caught:
        client.matrix(ask, "sum(", grid_for(_WINDOW, 10))
    assert "sum(" in str(caught.value)


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        (html, "not Prometheus"),
        (truncated, "Prometheus"),
        (status(500, b"boom"), "500 boom"),
        (status(401, b"who are you"), "401 who are you"),
        (ok(b'{"status":"success","data":7}'), "Prometheus"),
    ],
    ids=["html", "truncated", "500", "401", "other JSON"],
)
def test_a_server_that_lies_is_a_source_error_and_no_traceback(mode: Mode, words: str) -> None:
    """Wrong JSON, cut JSON, HTML and error pages are told apart from an answer."""
    with FaultyServer(mode) as faulty, pytest.raises(SourceError, match=words):
        _answer(faulty.url, seconds=4)


def test_a_server_that_is_not_there_says_so() -> None:
    """A refused connection is one clear error."""
    with refuse() as url, pytest.raises(SourceError, match="could not be reached"):
        _answer(url, seconds=4)


@pytest.mark.parametrize(
    ("minutes", "interval", "step"), [(60, 5, 5), (60, 15, 15), (600, 15, 60), (7 * 1440, 15, 840)]
)
def test_the_grid_is_as_fine_as_scrapes_are_and_never_beyond_what_is_wanted(
    minutes: int, interval: float, step: float
) -> None:
    """A step is a whole number of scrapes; long windows get coarser ones."""
    grid = grid_for(Window(start=_NOW - timedelta(minutes=minutes), end=_NOW), interval)

    assert (step, True) == (grid.step, grid.points <= 722)
