"""A live Prometheus that cannot be asked is an error that says what to do; a query that it refuses is an answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from obskit.ascode.live import STEPS, LivePrometheus
from obskit.errors import SourceError, UsageError
from obskit.settings import Connection
from tests.standins.faulty import FaultyServer, hang, html, ok, refuse, status, truncated
from tests.support.servers import PrometheusServer

Ask = Callable[[LivePrometheus], object]
ASKED = {
    "metric_names": lambda live: live.metric_names(),
    "labels_of": lambda live: live.labels_of(["up"]),
    "run": lambda live: live.run(["up"]),
}
EMPTY = b'{"status":"success","data":{"resultType":"matrix","result":[]}}'


def live(url: str, **more: float) -> LivePrometheus:
    """Return what asks the server at an address about the hour up to now."""
    return LivePrometheus(Connection(url=url, timeout_seconds=10), now=time.time(), **more)


@pytest.fixture(scope="module")
def prometheus() -> Iterator[PrometheusServer]:
    """Return a real server with a counter of two services over ten minutes."""
    now = round(time.time() * 1000)
    recent = [(now - back * 1000, 600.0 - back) for back in range(600, -1, -15)]
    with PrometheusServer() as server:
        server.write(
            [
                ({"__name__": "requests_total", "service": "shop", "code": "200"}, recent),
                ({"__name__": "requests_total", "service": "orders"}, recent),
            ]
        )
        yield server


def test_it_tells_what_was_there_within_the_hour(prometheus: PrometheusServer) -> None:
    """The names of metrics, and the labels that any of their series carries."""
    asked = live(prometheus.url)

    assert asked.metric_names() == {"requests_total"}
    assert asked.labels_of(["requests_total", "nothing"]) == {
        "requests_total": {"__name__", "service", "code"},
        "nothing": frozenset(),
    }


def test_it_tells_how_many_series_come_back_and_what_they_cost(prometheus: PrometheusServer) -> None:
    """A sample counts each time that a step of the hour looks at it."""
    ran = live(prometheus.url).run(["requests_total", "sum(requests_total)", "requests_total > 1e9"])

    assert [r.series for r in ran.values()] == [2, 1, 0]
    assert not any(r.refused for r in ran.values())
    # of ten minutes in the hour, two series, a step each 15 s
    assert ran["requests_total"].samples == pytest.approx(2 * STEPS / 6, abs=4)
    assert ran["requests_total"].seconds > 0


def test_a_refused_query_is_an_answer_and_the_others_are_answered(prometheus: PrometheusServer) -> None:
    """One wrong query must not keep the others from being checked."""
    ran = live(prometheus.url).run(["sum(requests_total", "requests_total"])

    assert "unclosed left parenthesis" in ran["sum(requests_total"].refused
    assert ran["sum(requests_total"].series == 0
    assert ran["requests_total"].series == 2


def test_a_refusal_is_one_printable_line_without_secrets() -> None:
    """What a server says is hostile text, and it may echo what it was sent."""
    said = (
        r'{"status":"error","errorType":"x","error":"no\n\u001b[31m way: Bearer eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl"}'
    )
    with FaultyServer(status(422, said.encode())) as server:
        refused = live(server.url).run(["up"])["up"].refused

    assert refused.startswith("no")
    assert refused.isprintable()
    assert "c2lnbmF0dXJl" not in refused


def test_what_it_said_once_is_not_asked_again() -> None:
    """Four checks ask the same questions of a server that people wait for."""
    with FaultyServer(ok(EMPTY)) as server:
        asked = live(server.url)
        for _ in range(2):
            asked.run(["up", "up", "down"])

        assert len(server.seen) == 2


@pytest.mark.parametrize("ask", ASKED.values(), ids=ASKED.keys())
def test_a_server_that_is_not_there_is_an_error(ask: Ask) -> None:
    """No answer is no finding: nothing was checked."""
    with refuse() as url, pytest.raises(SourceError, match="Prometheus could not be reached") as caught:
        ask(live(url))

    assert caught.value.where["at"].startswith(url)
    assert caught.value.hint


@pytest.mark.parametrize("ask", ASKED.values(), ids=ASKED.keys())
def test_a_page_instead_of_an_answer_is_an_error(ask: Ask) -> None:
    """A proxy's login page comes with status 200; "nothing emits it" would be a lie then."""
    with FaultyServer(html) as server, pytest.raises(SourceError, match="what answers is not Prometheus") as caught:
        ask(live(server.url))

    assert "Sign in" in caught.value.where["said"]
    assert caught.value.hint == "correct the address"


@pytest.mark.parametrize("body", [b"[]", b'"up"', b"{}", b"", b"\xff\xfe"])
def test_json_that_is_no_answer_of_prometheus_is_an_error(body: bytes) -> None:
    """Other servers speak JSON as well."""
    with FaultyServer(ok(body)) as server, pytest.raises(SourceError, match="what answers is not Prometheus"):
        live(server.url).run(["up"])


def test_half_an_answer_is_an_error() -> None:
    """The connection broke within it."""
    with FaultyServer(truncated) as server, pytest.raises(SourceError, match="Prometheus could not be reached"):
        live(server.url).metric_names()


def test_a_refusal_to_list_is_an_error_with_the_servers_words() -> None:
    """Without the list of metrics nothing can be said of any query."""
    with (
        FaultyServer(status(403, b'{"status":"error","error":"no tenant"}')) as server,
        pytest.raises(SourceError, match="refused to list") as caught,
    ):
        live(server.url).metric_names()

    assert caught.value.where["said"] == "no tenant"


def test_nothing_is_waited_for_beyond_the_deadline() -> None:
    """All queries share one; a server that hangs must not hold a merge up."""
    with FaultyServer(hang) as server:
        begun = time.monotonic()
        with pytest.raises(SourceError, match="did not answer in time"):
            live(server.url, deadline_seconds=0.3).run([f"up + {n}" for n in range(20)])

    assert time.monotonic() - begun < 5


def test_without_an_address_there_is_nobody_to_ask() -> None:
    """It says which option names one."""
    with pytest.raises(UsageError) as caught:
        live("")

    assert "--prometheus" in caught.value.hint
