"""The Loki source, end to end against the stand-in, or against a real Loki where one is given.

With ``OBSKIT_TEST_LOKI_URL`` set, tests that need no fault push there, each under its own cluster.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator

import numpy as np
import pytest
import requests

from obskit.errors import SourceError
from obskit.model import Service
from obskit.settings import Connection
from obskit.sources import Ask
from obskit.sources.loki import LokiSource
from tests.standins.loki import LokiStandIn
from tests.standins.loki_server import SECOND, START, WINDOW, Server, column, reasons, some

REAL = os.environ.get("OBSKIT_TEST_LOKI_URL", "")


@pytest.fixture
def standin() -> Iterator[LokiStandIn]:
    """A stand-in with the defaults of a real Loki."""
    with LokiStandIn() as loki:
        yield loki


@pytest.fixture
def local(standin: LokiStandIn) -> Server:
    """The stand-in as a server to push to."""
    return Server(standin.url, "prod")


@pytest.fixture
def server(standin: LokiStandIn) -> Server:
    """A real Loki where one is given, else the stand-in."""
    return Server(REAL or standin.url, f"test-{uuid.uuid4().hex[:12]}")


# what comes back


def test_lines_of_the_service_and_its_neighbours_come_with_their_labels(server: Server) -> None:
    """All lines of the cluster come, by time, with service, task and lower-case level; none of another cluster."""
    server.push({"service": "shop-api", "task_id": "t1", "level": "INFO"}, [(20, "hello"), (1, "first")])
    server.push({"service": "orders", "task_id": "t2", "level": "Error"}, [(10, "no")])
    server.push({"service": "shop-db"}, [(5, "checkpoint starting")])
    Server(server.url, server.cluster + "-other").push({"service": "shop-api"}, [(5, "elsewhere")])

    rows = server.ask().logs.table.to_pylist()

    assert [(r["time_ns"] // SECOND - START, r["service"], r["task"], r["level"], r["line"]) for r in rows] == [
        (1, "shop-api", "t1", "info", "first"),
        (5, "shop-db", "", "", "checkpoint starting"),
        (10, "orders", "t2", "error", "no"),
        (20, "shop-api", "t1", "info", "hello"),
    ]
    assert {r["weight"] for r in rows} == {1.0}


def test_lines_are_counted_on_the_server_as_rates(server: Server) -> None:
    """log_lines, log_errors and log_timeouts are lines a second, one column a service, on one grid.

    Before its first line a service has no count: silence from something that may not exist yet is no zero.
    """
    server.push({"service": "shop-api"}, [(11, "ok"), (12, "Database TIMEOUT"), (20, "ERROR: timed out"), (31, "ok")])
    server.push({"service": "orders"}, [(12, "fine")])

    answer = server.ask()

    assert np.isnan(column(answer, "log_lines", "shop-api")[0])
    assert column(answer, "log_lines", "shop-api")[1:5] == [3, 0, 1, 0]
    assert column(answer, "log_errors", "shop-api")[1:5] == [1, 0, 0, 0]
    assert column(answer, "log_timeouts", "shop-api")[1:5] == [2, 0, 0, 0]
    assert column(answer, "log_errors", "orders")[1:] == [0] * 59
    assert {s.unit for s in answer.metrics.series} == {"per_second"}
    assert {int(d) for d in np.diff(answer.metrics.times).astype(np.int64)} == {10 * SECOND}
    assert answer.metrics.times[0] == np.datetime64((START + 10) * SECOND, "ns")
    assert all(s.query.startswith("sum by (service) (rate({") for s in answer.metrics.series)
    assert answer.gaps == ()


def test_the_window_takes_its_start_and_not_its_end(server: Server) -> None:
    """A line at the start belongs to the window, one at its end does not, and none comes twice."""
    edges = [(-0.000000001, "before"), (0, "start"), (299.999, "inside"), (300, "edge"), (600, "end"), (601, "after")]
    server.push({"service": "shop-api"}, edges)

    lines = server.ask().logs.table["line"].to_pylist()

    assert lines == ["start", "inside", "edge"]


def test_structured_metadata_does_not_break_the_columns(server: Server) -> None:
    """Lines whose metadata is folded into the labels still have their service, task and level."""
    for i in range(5):
        server.push(
            {"service": "shop-api", "task_id": "t1", "level": "warn"}, [(i, f"line {i}")], {"trace_id": f"abc{i}"}
        )

    rows = server.ask().logs.table.to_pylist()

    assert [(r["line"], r["service"], r["task"], r["level"]) for r in rows] == [
        (f"line {i}", "shop-api", "t1", "warn") for i in range(5)
    ]


@pytest.mark.parametrize(
    ("labels", "task", "level"),
    [
        ({"service_name": "shop-api", "pod": "p-1", "severity": "ERROR"}, "p-1", "error"),
        ({"app": "shop-api", "task_arn": "arn:aws:ecs:eu-west-1:1:task/prod/0af3"}, "0af3", ""),
        ({"container": "shop-api", "instance": "10.0.0.1:80"}, "10.0.0.1:80", ""),
    ],
)
def test_other_names_of_the_labels_are_found(local: Server, labels: dict[str, str], task: str, level: str) -> None:
    """The service, task and level may be called differently; of an ARN its last part is the task."""
    local.push(labels, [(5, "plain")])

    answer = local.ask()

    assert answer.logs.table.select(["service", "task", "line"]).to_pylist() == [
        {"service": "shop-api", "task": task, "line": "plain"}
    ]
    assert answer.facts["loki.task_label"] in labels
    assert level == "" or "severity" in labels


def test_hostile_names_and_lines_come_through_unchanged(server: Server) -> None:
    """Quotes, backslashes, line breaks, brackets and HTML in labels and lines are data, not syntax."""
    name = 'a"} |= "b\\c.*`\n[x]<b>é'
    server.push({"service": name, "task_id": '"\\'}, [(5, 'x"\\\n\t\x1b[31m</script>')])
    server.push({"service": "other"}, [(6, "y")])

    answer = server.ask(name)

    first = answer.logs.table.to_pylist()[0]
    assert (first["service"], first["task"], first["line"]) == (name, '"\\', 'x"\\\n\t\x1b[31m</script>')
    assert sum(column(answer, "log_lines", name)) == 1


# which cluster


def test_the_only_cluster_is_taken_when_none_is_said(local: Server) -> None:
    """Without a cluster in the ask, the only one that the service logs in restricts the neighbours too."""
    local.push({"service": "shop-api"}, [(5, "mine")])
    Server(local.url, "staging").push({"service": "orders"}, [(5, "elsewhere")])

    answer = local.ask(cluster="")

    assert answer.logs.table["line"].to_pylist() == ["mine"]
    assert answer.facts["loki.cluster"] == "prod"
    assert answer.facts["loki.service_label"] == "service"


@pytest.mark.parametrize(("cluster", "words"), [("", "say which"), ("qa", "no lines of shop-api in cluster 'qa'")])
def test_an_unclear_or_wrong_cluster_is_a_gap_that_names_them(local: Server, cluster: str, words: str) -> None:
    """Lines of several clusters are never mixed: the gap names them."""
    local.push({"service": "shop-api"}, [(5, "a")])
    Server(local.url, "staging").push({"service": "shop-api"}, [(5, "b")])

    answer = local.ask(cluster=cluster)

    assert words in reasons(answer)
    assert "prod, staging" in reasons(answer)
    assert len(answer.logs) == 0


def test_without_a_cluster_label_everything_is_in_scope(standin: LokiStandIn) -> None:
    """Where nothing tells clusters apart, the cluster asked for restricts nothing."""
    values = [[str(START * SECOND), "x"]]
    body = {"streams": [{"stream": {"service": name}, "values": values} for name in ("shop-api", "orders")]}
    requests.post(f"{standin.url}/loki/api/v1/push", json=body, timeout=10)

    answer = Server(standin.url, "prod").ask()

    assert sorted(answer.logs.table["service"].to_pylist()) == ["orders", "shop-api"]


def test_a_configured_selector_restricts_every_query(standin: LokiStandIn, local: Server) -> None:
    """The selector of the settings is part of each selector that is sent."""
    local.push({"service": "shop-api", "env": "a"}, [(5, "yes")])
    local.push({"service": "shop-api", "env": "b"}, [(5, "no")])
    source = LokiSource(Connection(url=local.url), selector='{env="a"}')

    answer = source.answer(Ask(service=Service(name="shop-api"), window=WINDOW, deadline=time.monotonic() + 20))

    assert answer.logs.table["line"].to_pylist() == ["yes"]
    sent = [p.get("query", p.get("match[]", "")) for path, p in standin.asked if not path.endswith("/push")]
    assert all('env="a"' in query for query in sent)


# what is not there


def test_an_unknown_service_is_a_gap_that_names_the_nearest(server: Server) -> None:
    """A misspelt service raises nothing; the gap names what comes near."""
    server.push({"service": "shop-api"}, [(5, "x")])

    answer = server.ask("shop-apy")

    assert "no lines of a service named 'shop-apy'; near: shop-api" in reasons(answer)
    assert answer.facts["loki.known"] == "false"
    assert (len(answer.logs), answer.metrics.series) == (0, ())


def test_an_empty_loki_is_a_gap(local: Server) -> None:
    """A Loki without any line in the window is a gap, not an error and not zeros."""
    answer = local.ask()

    assert reasons(answer) == "labels: Loki holds no lines in the window"
    assert answer.metrics.series == ()


def test_labels_that_name_no_service_are_a_gap() -> None:
    """An older Loki, which adds no service_name, may hold nothing to tell services by."""
    with LokiStandIn(names_services=False) as loki:
        server = Server(loki.url, "prod")
        server.push({"filename": "x.log"}, [(5, "x")])
        answer = server.ask()

    assert reasons(answer).startswith("labels: no label names services: looked for service, service_name,")


def test_a_service_that_logged_elsewhere_in_time_only_is_a_gap(local: Server) -> None:
    """A service whose lines all lie outside the window has no column of zeros."""
    local.push({"service": "shop-api"}, [(700, "later")])
    local.push({"service": "orders"}, [(5, "x")])

    answer = local.ask()

    assert "no lines of a service named 'shop-api'" in reasons(answer)
    assert answer.metrics.series == ()


def test_more_than_500_services_are_asked_about_one(standin: LokiStandIn, local: Server) -> None:
    """Where the server refuses to count so many services, the service itself is still counted and fetched."""
    values = [[str(START * SECOND), "x"]]
    names = ["shop-api", *(f"s{i}" for i in range(600))]
    body = {"streams": [{"stream": {"cluster": "prod", "service": name}, "values": values} for name in names]}
    requests.post(f"{standin.url}/loki/api/v1/push", json=body, timeout=10)

    answer = local.ask()

    assert "too many services to count" in reasons(answer)
    assert answer.logs.table["service"].to_pylist() == ["shop-api"]


# what goes wrong


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("500", "ingester is gone"),
        ("429", "too many outstanding requests"),
        ("401", "no org id"),
        ("404", "404 page not found"),
        ("login", "Loki sent us elsewhere"),
        ("html", "what answers is not Loki"),
        ("truncated", "cut short"),
        ("wrong_json", "what answers is not Loki"),
        ("down", "could not be reached"),
    ],
)
def test_a_loki_that_cannot_be_asked_at_all_is_an_error(
    standin: LokiStandIn, local: Server, fault: str, words: str
) -> None:
    """Where not even the labels can be had, a SourceError quotes the server and says what to do."""
    local.push({"service": "shop-api"}, [(5, "x")])
    standin.fault = fault

    with pytest.raises(SourceError) as caught:
        local.ask()

    assert words in str(caught.value)
    assert caught.value.hint
    assert fault != "401" or "tenant" in caught.value.hint


@pytest.mark.parametrize("fault", ["500", "html", "truncated", "wrong_json", "down"])
def test_what_cannot_be_counted_is_a_gap_and_never_zero(standin: LokiStandIn, local: Server, fault: str) -> None:
    """A signal whose count fails has no column; the others and the lines come all the same."""
    local.push({"service": "shop-api"}, [(5, "x")])
    standin.fault_if = lambda _, params: "traceback" in params.get("query", "") and "warn" not in params["query"]
    standin.fault = fault

    answer = local.ask()

    assert {s.signal for s in answer.metrics.series} == {"log_lines", "log_timeouts"}
    assert [gap.query for gap in answer.gaps] == ["log_errors"]
    assert answer.logs.table["line"].to_pylist() == ["x"]


@pytest.mark.parametrize("fault", ["500", "hanging", "slow"])
def test_one_bad_slice_does_not_lose_the_others(standin: LokiStandIn, local: Server, fault: str) -> None:
    """At the deadline the finished slices are returned, and the gap counts the lines that are missing."""
    local.push({"service": "shop-api"}, some(5000, "ok"))
    bad = (START + 300) * SECOND
    standin.fault_if = lambda _, p: "limit" in p and int(p["start"]) <= bad < int(p["end"])
    standin.fault = fault

    answer = local.ask(seconds=3.0)

    assert 4000 <= len(answer.logs) < 5000
    assert f"{5000 - len(answer.logs)} lines in 1 of 10 time slices could not be fetched" in reasons(answer)
    assert all(gap.partial and gap.source == "loki" for gap in answer.gaps)


def test_pages_before_a_failure_are_kept() -> None:
    """A slice that fails on its second page keeps its first one."""
    with LokiStandIn(max_entries=100) as loki:
        server = Server(loki.url, "prod")
        server.push({"service": "shop-api"}, some(400, "ok", end=10))
        loki.fault_if = lambda _, p: "limit" in p and int(p["start"]) > (START + 3) * SECOND
        loki.fault = "401"
        answer = server.ask()

    assert 100 <= len(answer.logs) < 200
    assert f"{400 - len(answer.logs)} lines" in reasons(answer)


def test_lines_come_although_nothing_can_be_counted(standin: LokiStandIn, local: Server) -> None:
    """Where every count is refused, the service's own lines are fetched within the budget, and gaps say so."""
    local.push({"service": "shop-api"}, some(300, "ok"))
    standin.fault_if = lambda _, p: p.get("query", "").startswith("sum")
    standin.fault = "401"

    answer = local.ask(max_lines=100)

    assert 0 < len(answer.logs) <= 100
    assert answer.metrics.series == ()
    assert {gap.query for gap in answer.gaps} >= {"log_lines", "log_errors", "log_timeouts"}


def test_a_past_deadline_is_an_error_not_a_hang(local: Server) -> None:
    """With no time left nothing is waited for."""
    with pytest.raises(SourceError):
        local.ask(seconds=0.0)


def test_a_tenant_sees_its_own_lines_only() -> None:
    """The connection's tenant is sent; without one the error says what is missing."""
    with LokiStandIn(auth=True) as loki:
        for tenant, line in (("one", "mine"), ("two", "theirs")):
            body = {"streams": [{"stream": {"service": "shop-api"}, "values": [[str(START * SECOND), line]]}]}
            headers = {"X-Scope-OrgID": tenant}
            requests.post(f"{loki.url}/loki/api/v1/push", json=body, headers=headers, timeout=10).raise_for_status()
        source = LokiSource(Connection(url=loki.url, tenant="one"))
        answer = source.answer(Ask(service=Service(name="shop-api"), window=WINDOW, deadline=time.monotonic() + 20))
        why = LokiSource(Connection(url=loki.url)).ready(time.monotonic() + 5)

    assert answer.logs.table["line"].to_pylist() == ["mine"]
    assert why == ""


@pytest.mark.parametrize(("fault", "words"), [("", ""), ("401", "no org id"), ("down", "could not be reached")])
def test_ready_says_why_not(standin: LokiStandIn, fault: str, words: str) -> None:
    """Doctor gets "" from a Loki that answers, else the reason."""
    standin.fault = fault

    why = LokiSource(Connection(url=standin.url)).ready(time.monotonic() + 5)

    assert words in why
    assert bool(why) == bool(fault)


@pytest.mark.parametrize(
    ("fault", "tail", "why"), [("404", "", ""), ("404", "/", ""), ("500", "", "500 rpc error"), ("html", "", "")]
)
def test_without_a_ready_page_answered_queries_count(standin: LokiStandIn, fault: str, tail: str, why: str) -> None:
    """A gateway has no /ready, or its own page there; one that says not ready is quoted."""
    standin.fault, standin.fault_if = fault, lambda path, _: path == "/ready"

    said = LokiSource(Connection(url=standin.url + tail)).ready(time.monotonic() + 5)

    assert said.startswith(why)
    assert bool(said) == bool(why)


def test_values_that_cannot_be_had_are_an_error(standin: LokiStandIn, local: Server) -> None:
    """Where the names of the services are refused, nothing is known, and the error says what Loki said."""
    local.push({"service": "shop-api"}, [(5, "x")])
    standin.fault, standin.fault_if = "401", lambda path, _: path.endswith("/values")

    with pytest.raises(SourceError, match="Loki refused a query"):
        local.ask()


@pytest.mark.parametrize("what", ["series", "values", "labels"])
def test_an_answer_of_another_shape_is_an_error(standin: LokiStandIn, local: Server, what: str) -> None:
    """Success with data that is no list, or no label sets, is not taken for an answer."""
    local.push({"service": "shop-api"}, [(5, "x")])
    standin.fault, standin.fault_if = "wrong_json", lambda path, _: path.endswith(what)

    with pytest.raises(SourceError, match="what answers is not Loki"):
        local.ask()
