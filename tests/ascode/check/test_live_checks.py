"""What only a live Prometheus can tell of a dashboard: what is there, whether it answers, what it costs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from obskit.ascode.check import Case, Result, explain, run
from obskit.ascode.definition import Problem
from obskit.ascode.live import LivePrometheus
from obskit.settings import Connection
from tests.standins.faulty import refuse
from tests.support.dashboard_model import case, changed, good_model
from tests.support.servers import PrometheusServer

CHECKS = ("live-cost", "live-data", "live-labels", "live-metrics")
EXPR = "panels.1.targets.0.expr"
#: One more than a panel may show.
MANY = 501


@pytest.fixture(scope="module")
def server() -> Iterator[PrometheusServer]:
    """Return a real server that scraped a shop for ten minutes, and something else two hours ago."""
    now = round(time.time() * 1000)
    recent = [(now - back * 1000, 600.0 - back) for back in range(600, -1, -15)]
    shop = {"job": "shop", "instance": "10.0.0.1:8080", "service": "shop"}
    with PrometheusServer() as prometheus:
        prometheus.write(
            [
                ({"__name__": "http_requests_total", **shop, "path": "/", "status": "200"}, recent),
                ({"__name__": "http_seconds_bucket", **shop, "le": "1"}, recent),
                ({"__name__": "http_seconds_bucket", **shop, "le": "+Inf"}, recent),
                ({"__name__": "up_total", **shop}, recent),
                ({"__name__": "ended_total", **shop}, [(at - 7_200_000, value) for at, value in recent]),
                *(({"__name__": "many", **shop, "path": f"/{n}"}, recent) for n in range(MANY)),
            ]
        )
        yield prometheus


def checked(server: PrometheusServer, folder: Path, expr: str = "", *checks: str) -> Result:
    """Return what the live checks say when the panel asks this; as it is in the example by default."""
    model = changed(good_model(), {EXPR: expr} if expr else {})
    asked = LivePrometheus(Connection(url=server.url), now=time.time())
    return run(replace(_one(case(model, folder)), prometheus=asked), checks or CHECKS)


def _one(given: Case) -> Case:
    """Leave the dashboard out that the example links to: it would say everything twice."""
    return replace(given, definitions=given.definitions[:1])


def only(result: Result) -> Problem:
    """Return the only problem."""
    (problem,) = result.problems
    return problem


def test_a_dashboard_whose_queries_answer_has_no_problem(server: PrometheusServer, tmp_path: Path) -> None:
    """Variables, Grafana's ranges and an annotation are filled in; logs are not asked for here."""
    result = checked(server, tmp_path)

    assert not result.problems
    assert result.made == CHECKS
    assert not result.skipped


def test_a_metric_that_nobody_emits_is_found_with_the_one_that_was_meant(
    server: PrometheusServer, tmp_path: Path
) -> None:
    """And only once: that it returns nothing needs no second problem."""
    problem = only(checked(server, tmp_path, "sum(rate(http_request_total[$__rate_interval]))"))

    assert problem.check == "live-metrics"
    assert problem.message == "nothing emits http_request_total"
    assert problem.hint == "did you mean http_requests_total?"
    assert (problem.panel, problem.column) == ("Requests", len("sum(rate(") + 1)


def test_a_metric_that_resembles_none_gets_no_guess(server: PrometheusServer, tmp_path: Path) -> None:
    """A wrong guess would be followed at night."""
    problem = only(checked(server, tmp_path, "pgbouncer_pools"))

    assert problem.hint.startswith("is it scraped?")


@pytest.mark.parametrize(
    "expr",
    [
        "http_requests_total or gone_total",
        "gone_total or http_requests_total",
        "sum(gone_total / other_gone or http_requests_total)",
        "http_requests_total unless gone_total",
        "absent(gone_total)",
        'http_requests_total{zone=~".*"}',
        'http_requests_total{zone!="b"}',
        "http_requests_total or up_total{zone='b'}",
        'http_requests_total{zone="b"} or http_requests_total',
        '{__name__="http_requests_total"}',
    ],
)
def test_a_query_that_can_answer_is_left_alone(server: PrometheusServer, tmp_path: Path, expr: str) -> None:
    """A panel over several instrumentations needs one of them; what is absent may be asked for."""
    assert not checked(server, tmp_path, expr).problems


@pytest.mark.parametrize(
    ("expr", "lost"),
    [
        ("http_requests_total / gone_total", "gone_total"),
        ("gone_total / other_gone", "gone_total, other_gone"),
        ("gone_total unless http_requests_total", "gone_total"),
        ("gone_total / other_gone or third_gone", "third_gone"),
        ("histogram_quantile(0.9, rate(gone_bucket[5m]))", "gone_bucket"),
    ],
)
def test_what_a_query_cannot_do_without_is_named(
    server: PrometheusServer, tmp_path: Path, expr: str, lost: str
) -> None:
    """Of several ways to an answer, the one that lacks least."""
    assert only(checked(server, tmp_path, expr)).message == f"nothing emits {lost}"


@pytest.mark.parametrize("matcher", ['ecs_service="shop"', 'ecs_service=~"sh.+"'])
def test_a_label_that_no_series_carries_is_found(server: PrometheusServer, tmp_path: Path, matcher: str) -> None:
    """The metric is there, and the panel is as empty as without it."""
    result = checked(server, tmp_path, f"sum(rate(http_requests_total{{{matcher}}}[5m]))", "live-labels")

    problem = only(result)
    assert problem.message == "http_requests_total carries no label ecs_service"
    assert problem.column == len("sum(rate(http_requests_total{") + 1
    assert problem.hint == "it has instance, job, path, service, status; see [labels] of obskit.toml"


def test_a_query_that_this_server_refuses_is_found_in_its_words(server: PrometheusServer, tmp_path: Path) -> None:
    """The parser knows functions that a server does not have, or has to be told to have."""
    problem = only(checked(server, tmp_path, "limitk(1, http_requests_total)"))

    assert problem.check == "live-data"
    assert problem.message.startswith("Prometheus refuses it: ")
    assert "limitk" in problem.message


@pytest.mark.parametrize("expr", ["http_requests_total > 1e9", 'http_requests_total{status="500"}', "ended_total"])
def test_a_query_that_returns_nothing_is_found(server: PrometheusServer, tmp_path: Path, expr: str) -> None:
    """Its metrics and labels are there: the index also holds for a while what is not scraped any more."""
    problem = only(checked(server, tmp_path, expr))

    assert (problem.check, problem.message) == ("live-data", "it returns nothing over the last hour")
    assert "exclude it with a reason" in problem.hint


def test_more_series_than_anyone_can_tell_apart_are_found(server: PrometheusServer, tmp_path: Path) -> None:
    """The browser draws them all, for everybody at once."""
    assert only(checked(server, tmp_path, "many")).message == f"it returns {MANY} series, more than {MANY - 1}"
    assert not checked(server, tmp_path, f"topk({MANY - 1}, many)", "live-cost").problems


def test_a_query_that_reads_too_much_is_found(server: PrometheusServer, tmp_path: Path) -> None:
    """One number on the panel may cost the server its memory."""
    problem = only(checked(server, tmp_path, "sum(sum_over_time(many[10m:500ms]))"))

    assert problem.check == "live-cost"
    assert problem.hint == "aggregate, or record it by a rule"


def test_without_a_server_they_are_left_out_with_the_reason(tmp_path: Path) -> None:
    """That nothing was found is not to be read as checked."""
    result = run(_one(case(good_model(), tmp_path)), CHECKS)

    assert not result.problems
    assert not result.made
    assert dict(result.skipped) == dict.fromkeys(CHECKS, "no live Prometheus was named: --prometheus URL")


def test_a_server_that_is_gone_is_no_finding(tmp_path: Path) -> None:
    """Every query would look as if nobody emitted its metrics."""
    with refuse() as url:
        asked = LivePrometheus(Connection(url=url), now=time.time())
        result = run(replace(case(good_model(), tmp_path), prometheus=asked), CHECKS)

    assert not result.problems
    assert not result.made
    assert {name for name, why in result.failed if "could not be reached" in why} == set(CHECKS)


@pytest.mark.parametrize("check", CHECKS)
def test_each_says_how_it_is_made(check: str) -> None:
    """Its page names the option without which it is not."""
    assert "--prometheus URL" in explain(check)
