"""The topics of the platform: pools, PostgreSQL and RDS, balancers, ECS, logs."""

from __future__ import annotations

import importlib
import json
import re
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping

import promql_parser
import pytest

from obskit.ascode.panels import labels_of
from obskit.catalogue import _logql, all_signals
from obskit.catalogue._written import Filling, written, written_variant
from obskit.model import Signal, Variant
from obskit.settings import LabelNames
from tests.standins.loki_logql import Parser
from tests.support.servers import Labels, PrometheusServer, Samples

TOPICS = (
    "alb",
    "alb_balancer",
    "database_pool",
    "database_pool_size",
    "ecs",
    "ecs_events",
    "ecs_resources",
    "log_detail",
    "logs",
    "postgres",
    "postgres_load",
    "rds",
)
SIGNALS: tuple[Signal, ...] = tuple(
    signal for topic in TOPICS for signal in importlib.import_module(f"obskit.catalogue.{topic}").SIGNALS
)
NAMED = {signal.id: signal for signal in SIGNALS}
PROMQL = [(s, v) for s in SIGNALS for v in s.variants if v.language == "PromQL"]
LOGQL = [(s, v) for s in SIGNALS for v in s.variants if v.language == "LogQL"]
FILLING = Filling(
    labels=LabelNames(),
    services='service=~"shop"',
    scope='cluster="prod"',
    names="shop",
    selector='{service=~"shop"}',
)
#: Any moment: the server takes samples of any age.
AT = 1_772_366_400
EVERY_SECONDS = 15
SHOP = {"service": "shop", "cluster": "prod"}


def name_of(given: object) -> str:
    """Return how a parameter is called in the test's name."""
    return str(getattr(given, "id", "") or getattr(given, "name", ""))


@pytest.mark.parametrize("signal", SIGNALS, ids=name_of)
def test_every_signal_says_what_it_means_and_what_to_do(signal: Signal) -> None:
    """Whoever is woken by it reads one to four short sentences, not a riddle."""
    assert signal.meaning.endswith(".")
    assert 60 <= len(signal.meaning) <= 320
    assert signal.id in all_signals()


@pytest.mark.parametrize("topic", TOPICS)
def test_a_topic_is_called_as_its_file(topic: str) -> None:
    """Whoever looks for a signal's query opens the file of its topic."""
    module = importlib.import_module(f"obskit.catalogue.{topic}")

    assert {signal.topic for signal in module.SIGNALS} == {topic}


@pytest.mark.parametrize("signal", SIGNALS, ids=name_of)
def test_critical_lies_beyond_the_warning_in_the_bad_direction(signal: Signal) -> None:
    """A page comes after the warning, not before it."""
    for threshold in filter(None, (signal.warn, signal.crit)):
        assert len(threshold.reason) > 10
        assert signal.bad != "both", "a level of what may move either way is bad in one of them"
    if signal.warn and signal.crit:
        sign = -1 if signal.bad == "down" else 1

        assert sign * signal.crit.value > sign * signal.warn.value


@pytest.mark.parametrize("signal", [s for s in SIGNALS if s.variants[0].language == "PromQL"], ids=name_of)
def test_every_signal_parses_as_it_is_written_for_a_dashboard(signal: Signal) -> None:
    """All variants joined by ``or`` are one PromQL expression, with or without a scope."""
    promql_parser.parse(written(signal, FILLING))
    bare = Filling(labels=LabelNames(), services='service=~"shop"')
    promql_parser.parse(written(signal, bare))


@pytest.mark.parametrize(("signal", "variant"), PROMQL, ids=name_of)
def test_every_query_asks_for_the_metrics_that_it_needs(signal: Signal, variant: Variant) -> None:
    """A variant is chosen by ``needs``: a name misspelt there would hide it for ever."""
    query = written_variant(variant, FILLING)

    assert all(re.search(rf"\b{re.escape(name)}\b", query) for name in variant.needs)


@pytest.mark.parametrize(
    ("signal", "variant"), [(s, v) for s, v in [*PROMQL, *LOGQL] if s.scope == "service"], ids=name_of
)
def test_the_answer_about_a_service_carries_its_name(signal: Signal, variant: Variant) -> None:
    """Without it nobody could tell whose line a panel draws."""
    label = variant.service_from[0] if variant.service_from else "service"

    assert label in labels_of(written_variant(variant, FILLING), variant.language)


@pytest.mark.parametrize(("signal", "variant"), LOGQL, ids=name_of)
def test_what_is_asked_of_loki_is_asked_of_services_only(signal: Signal, variant: Variant) -> None:
    """A shared signal is asked without a look at its language: LogQL would go to Prometheus."""
    assert signal.scope == "service"
    assert variant.needs == ()
    assert "$" not in written_variant(variant, FILLING)


@pytest.mark.parametrize(
    ("filters", "line", "kept"),
    [
        (_logql.FATALS, "FATAL: password authentication failed", True),
        (_logql.FATALS, '{"level":"critical","msg":"gone"}', True),
        (_logql.FATALS, "panic: runtime error: index out of range", True),
        (_logql.FATALS, "non-fatal: retrying", False),
        (_logql.FATALS, "scan done: 0 critical, 2 low", False),
        (_logql.FATALS, "the criticality of a service", False),
        (_logql.FATALS, "ERROR something", False),
        (_logql.CRASHES, "java.lang.OutOfMemoryError: Java heap space", True),
        (_logql.CRASHES, "FATAL ERROR: Reached heap limit Allocation failed", True),
        (_logql.CRASHES, "Segmentation fault (core dumped)", True),
        (_logql.CRASHES, "Unhandled Promise Rejection: x", True),
        (_logql.CRASHES, "UnhandledPromiseRejection: x", True),
        (_logql.CRASHES, "Uncaught exception in worker", True),
        (_logql.CRASHES, "Reason: Worker failed to boot.", True),
        (_logql.CRASHES, "worker exited with code 137", True),
        (_logql.CRASHES, "worker exited with code 0", False),
        (_logql.CRASHES, "ERROR database timeout", False),
        (_logql.CRASHES, "no panic, all is well", False),
    ],
)
def test_a_filter_keeps_the_lines_that_it_names(filters: str, line: str, kept: bool) -> None:
    """Last words and highest levels are told from everyday errors."""
    query = Parser('{a="b"} ' + filters).query()

    assert all(bool(keeps([line])[0]) for keeps in query.filters) == kept


def gauge(name: str, value: float, **labels: str) -> tuple[Labels, Samples]:
    """Return a series that has the same value for ten minutes."""
    times = range(AT - 600, AT + 1, EVERY_SECONDS)
    return {"__name__": name, "cluster": "prod", **labels}, [(second * 1000, value) for second in times]


def counter(name: str, per_second: float, **labels: str) -> tuple[Labels, Samples]:
    """Return a counter that grows by so much a second."""
    times = range(AT - 600, AT + 1, EVERY_SECONDS)
    rows = [(second * 1000, per_second * (second - AT + 600)) for second in times]
    return {"__name__": name, "cluster": "prod", **labels}, rows


def group(name: str, zone: str = "") -> dict[str, str]:
    """Return the labels that YACE gives to a target group's metric, of one zone or of all."""
    where = {"dimension_AvailabilityZone": zone} if zone else {}
    return {"dimension_TargetGroup": f"targetgroup/{name}/1", "dimension_LoadBalancer": "app/front/2", **where}


ALB, INSIGHTS = "aws_applicationelb_", "ecs_containerinsights_"
LOADED = [
    # two tasks of one pool size, one of them nearly full
    gauge("hikaricp_connections_active", 9, task_id="a", **SHOP),
    gauge("hikaricp_connections_active", 2, task_id="b", **SHOP),
    gauge("hikaricp_connections_max", 10, task_id="a", **SHOP),
    gauge("hikaricp_connections_max", 10, task_id="b", **SHOP),
    counter("db_client_connections_wait_time_milliseconds_sum", 500, task_id="a", **SHOP),
    counter("db_client_connections_wait_time_milliseconds_count", 2, task_id="a", **SHOP),
    # 3 s waited in every second: three wait all the time; each of 6 waits a second takes 0.5 s
    counter("go_sql_wait_duration_seconds_total", 3, task_id="g", **SHOP),
    counter("go_sql_wait_count_total", 6, task_id="g", **SHOP),
    counter("pgxpool_acquire_duration_ns", 2e9, task_id="x", **SHOP),
    counter("pgxpool_acquire_count", 8, task_id="x", **SHOP),
    # 600 requests in the minute, published once more for each of two zones
    gauge(f"{ALB}request_count_sum", 600, **group("shop")),
    gauge(f"{ALB}request_count_sum", 400, **group("shop", "eu-west-1a")),
    gauge(f"{ALB}request_count_sum", 200, **group("shop", "eu-west-1b")),
    gauge(f"{ALB}request_count_sum", 60, **group("shop-admin")),
    gauge(f"{ALB}request_count_sum", 660, dimension_LoadBalancer="app/front/2"),
    gauge(f"{ALB}httpcode_target_5_xx_count_sum", 30, **group("shop")),
    gauge(f"{ALB}httpcode_target_4_xx_count_sum", 120, target_group="targetgroup/shop/1", load_balancer="app/front/2"),
    gauge(f"{ALB}client_tlsnegotiation_error_count_sum", 30, dimension_LoadBalancer="app/front/2"),
    gauge(f"{ALB}active_connection_count_sum", 90, load_balancer="app/front/2"),
    gauge(f"aws_{INSIGHTS}running_task_count_average", 3, dimension_ServiceName="shop"),
    gauge(f"aws_{INSIGHTS}desired_task_count_average", 4, dimension_ServiceName="shop"),
    gauge(f"{INSIGHTS}memory_utilized_average", 256, service_name="shop"),
    gauge(f"{INSIGHTS}memory_reserved_average", 512, service_name="shop"),
    gauge(f"{INSIGHTS}cpu_reserved_average", 512, service_name="shop"),
    gauge("aws_rds_cpuutilization_average", 85, dimension_DBInstanceIdentifier="orders"),
    gauge("aws_rds_cpuutilization_average", 20, dbinstance_identifier="users"),
    gauge("aws_rds_ebsiobalance_percent_average", 25, dimension_DBInstanceIdentifier="orders"),
    counter("pg_stat_database_blks_hit", 970, instance="db:9187", datname="shop"),
    counter("pg_stat_database_blks_read", 30, instance="db:9187", datname="shop"),
    counter("pg_stat_statements_seconds_total", 0.5, instance="db:9187", datname="shop", queryid="1", user="u"),
    counter("pg_stat_statements_calls_total", 100, instance="db:9187", datname="shop", queryid="1", user="u"),
    counter("pg_stat_statements_seconds_total", 4.5, instance="db:9187", datname="shop", queryid="2", user="u"),
    counter("pg_stat_statements_calls_total", 1.5, instance="db:9187", datname="shop", queryid="2", user="u"),
    counter("pg_stat_statements_seconds_total", 0, instance="db:9187", datname="shop", queryid="3", user="u"),
    counter("pg_stat_statements_calls_total", 0, instance="db:9187", datname="shop", queryid="3", user="u"),
]

MIB = 2.0**20
#: What the loaded series have to come to, by the values of the answer's labels.
ARITHMETIC: Mapping[str, Mapping[tuple[str, ...], float]] = {
    "db_pool_used_ratio": {("shop", "a"): 0.9, ("shop", "b"): 0.2},
    "db_pool_waiting": {("shop", "g"): 3},
    "db_pool_acquire_seconds": {("shop", "a"): 0.25, ("shop", "g"): 0.5, ("shop", "x"): 0.25},
    "alb_requests": {("targetgroup/shop/1",): 10},
    "alb_error_ratio": {("targetgroup/shop/1",): 0.05},
    "alb_target_4xx": {("targetgroup/shop/1",): 2},
    "alb_balancer_requests": {("app/front/2",): 11},
    "alb_tls_errors": {("app/front/2",): 0.5},
    "alb_active_connections": {("app/front/2",): 90},
    "ecs_running_ratio": {("shop",): 0.75},
    "ecs_memory_used_bytes": {("shop",): 256 * MIB},
    "ecs_memory_ratio": {("shop",): 0.5},
    "ecs_cpu_reserved_cores": {("shop",): 0.5},
    "rds_cpu_ratio": {("orders",): 0.85, ("users",): 0.2},
    "rds_io_credits_ratio": {("orders",): 0.25},
    "pg_cache_hit_ratio": {("db:9187",): 0.97},
    "pg_slowest_statement_seconds": {("db:9187", "shop"): 3},
    "pg_statement_seconds": {("db:9187", "shop"): 5 / 101.5},
}


@pytest.fixture(scope="module")
def prometheus() -> Iterator[PrometheusServer]:
    """Serve the loaded series."""
    with PrometheusServer() as server:
        server.write(LOADED)
        yield server


@pytest.mark.parametrize("signal", ARITHMETIC)
def test_a_real_prometheus_comes_to_the_right_number(prometheus: PrometheusServer, signal: str) -> None:
    """Base units out of what exporters count in: periods, milliseconds, percent, MiB, CPU units, zones."""
    query = written(NAMED[signal], FILLING)
    data = urllib.parse.urlencode({"query": query, "time": str(AT)})
    with urllib.request.urlopen(f"{prometheus.url}/api/v1/query?{data}", timeout=10) as answer:
        rows = json.load(answer)["data"]["result"]
    found = {
        tuple(row["metric"][label] for label in labels_of(query, "PromQL") if row["metric"].get(label)): float(
            row["value"][1]
        )
        for row in rows
    }

    assert found == {labels: pytest.approx(value, rel=1e-6) for labels, value in ARITHMETIC[signal].items()}
