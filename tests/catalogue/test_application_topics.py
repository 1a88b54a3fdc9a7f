"""The topics of applications, tasks and nodes: whole, and right against a real Prometheus."""

from __future__ import annotations

import json
import re
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator

import promql_parser
import pytest

from obskit.ascode.panels import labels_of
from obskit.catalogue import all_signals
from obskit.catalogue._written import Filling, written, written_variant
from obskit.model import Signal, Variant
from obskit.settings import LabelNames
from tests.support.servers import Labels, PrometheusServer, Samples

_TOPICS = ("http", "container", "container_io", "task", "node", "node_io", "cache", "messaging")
_SIGNALS = [s for s in all_signals().values() if s.topic in _TOPICS]
_VARIANTS = [(signal, variant) for signal in _SIGNALS for variant in signal.variants]
_PLACES = {"status", "peer", "route"}

_FILLING = Filling(labels=LabelNames(), services='service="shop"', scope='cluster="prod"', names="shop")
_NOW = int(time.time())
_STEP, _HOUR = 15, 3600


def _name(thing: Signal | Variant) -> str:
    return getattr(thing, "id", "") or thing.name.replace(" ", "-")  # type: ignore[union-attr]


# --- what is written down ---


def test_every_topic_has_signals_and_every_signal_stands_in_the_file_of_its_topic() -> None:
    """A finding's topic is the name of the file to open."""
    assert set(_TOPICS) == {s.topic for s in _SIGNALS}
    assert len(_SIGNALS) == len({s.id for s in _SIGNALS})


@pytest.mark.parametrize("signal", _SIGNALS, ids=_name)
def test_every_signal_says_what_it_means_in_whole_sentences(signal: Signal) -> None:
    """Who is woken by it reads what it tells and what to do: neither a label nor a page."""
    assert 60 <= len(signal.meaning) <= 320
    assert signal.meaning[0].isupper()
    assert signal.meaning.endswith(".")
    assert "  " not in signal.meaning


@pytest.mark.parametrize("signal", _SIGNALS, ids=_name)
def test_every_threshold_has_a_reason_and_crit_lies_beyond_warn(signal: Signal) -> None:
    """A number without a reason is not believed, and one that comes too late is no use."""
    for threshold in filter(None, (signal.warn, signal.crit)):
        assert len(threshold.reason) > 20
        assert signal.bad != "both", "a threshold needs a side"
        if signal.unit == "ratio":
            assert 0 < threshold.value < 1
    if signal.warn and signal.crit:
        gap = signal.crit.value - signal.warn.value

        assert (gap if signal.bad == "up" else -gap) > 0


@pytest.mark.parametrize("signal", _SIGNALS, ids=_name)
def test_every_signal_is_a_query_with_the_default_labels(signal: Signal) -> None:
    """Dashboards ask without a server: all variants joined are one query, and so is each alone."""
    promql_parser.parse(written(signal, _FILLING))
    promql_parser.parse(written(signal, Filling(labels=LabelNames(), services='service=~"$service"')))


@pytest.mark.parametrize(("signal", "variant"), _VARIANTS, ids=_name)
def test_every_variant_names_its_answers_labels(signal: Signal, variant: Variant) -> None:
    """Legends are read from the by clauses; the only answers without one are a whole cache or queue."""
    found = labels_of(written_variant(variant, _FILLING), variant.language)

    if signal.scope == "service":
        assert found
        assert found[0] == (variant.service_from[0] if variant.service_from else "service")
    elif signal.entity == "node":
        assert found[0] == "instance"
    else:
        assert signal.entity in ("cache", "messaging")


@pytest.mark.parametrize(("signal", "variant"), _VARIANTS, ids=_name)
def test_labels_are_given_only_for_placeholders_that_exist(signal: Signal, variant: Variant) -> None:
    """A label under a wrong key would silently not be used."""
    assert {place for place, _ in variant.labels} <= _PLACES
    assert len(variant.labels) == len(dict(variant.labels))


@pytest.mark.parametrize("signal", _SIGNALS, ids=_name)
def test_variants_of_one_signal_are_told_apart_by_name(signal: Signal) -> None:
    """An environment chooses by name: two of one name would both be asked."""
    assert len(signal.variants) == len({v.name for v in signal.variants})


@pytest.mark.parametrize(
    ("signal", "name", "parts"),
    [
        ("http_error_ratio", "OpenTelemetry", ('http_response_status_code=~"5.."', "http_route!~")),
        ("http_error_ratio", "OpenTelemetry before 1.23", ('http_status_code=~"5.."', "http_route!~")),
        ("http_error_ratio", "Micrometer", ('status=~"5.."', "uri!~")),
        ("http_error_ratio", "FastAPI instrumentator", ('status=~"5.."', "handler!~")),
        ("http_error_ratio", "starlette_exporter", ('status_code=~"5.."', "path!~")),
        ("http_error_ratio", "express-prom-bundle", ('status_code=~"5.."', "path!~")),
        ("client_error_ratio", "OpenTelemetry", ("service, server_address",)),
        ("client_error_ratio", "Micrometer", ("service, client_name",)),
        ("client_error_ratio", "OpenTelemetry before 1.23", ("service, net_peer_name", "http_status_code!~")),
        ("http_error_ratio", "Prometheus client, counter", ('code=~"5.."', "endpoint!~")),
    ],
)
def test_an_instrumentation_is_asked_by_its_own_labels(signal: str, name: str, parts: tuple[str, ...]) -> None:
    """What it always calls the same is not configured; what the application decides is."""
    names = LabelNames(status="code", peer="upstream", route="endpoint")
    filling = Filling(labels=names, services='service="shop"', instrumentation=(name,))

    query = written(all_signals()[signal], filling)

    for part in parts:
        assert part in query
    assert len(re.findall(r"\nor\n", query)) == 0


@pytest.mark.parametrize(
    ("signal", "name"), [("http_error_ratio", "Flask exporter"), ("http_latency_p99", "FastAPI instrumentator")]
)
def test_a_metric_without_a_route_is_asked_without_one(signal: str, name: str) -> None:
    """The matcher that leaves health checks out goes, with its comma."""
    query = written(all_signals()[signal], Filling(labels=LabelNames(), services='s="x"', instrumentation=(name,)))

    assert "health" not in query
    assert ",," not in query
    assert "{," not in query


# --- what it answers ---


def _counter(metric: str, per_second: float, /, **labels: str) -> tuple[Labels, Samples]:
    """Return a counter that grew at this rate for the last hour."""
    times = range(_NOW - _HOUR, _NOW + 1, _STEP)
    points = [(t * 1000, per_second * (t - _NOW + _HOUR)) for t in times]
    return {"__name__": metric, "cluster": "prod", **labels}, points


def _gauge(metric: str, value: float, /, **labels: str) -> tuple[Labels, Samples]:
    """Return a gauge that had this value for the last hour."""
    points = [(t * 1000, float(value)) for t in range(_NOW - _HOUR, _NOW + 1, _STEP)]
    return {"__name__": metric, "cluster": "prod", **labels}, points


def _lived(since: int, until: int, row: tuple[Labels, Samples]) -> tuple[Labels, Samples]:
    """Return a series that was seen only between so many seconds ago."""
    labels, points = row
    return labels, [(at, value) for at, value in points if _NOW - since <= at / 1000 <= _NOW - until]


def _histogram(base: str, seconds: float, bounds: dict[str, float], **labels: str) -> list[tuple[Labels, Samples]]:
    """Return a histogram: requests a second that took at most each bound, in its own unit."""
    most = max(bounds.values())
    return [
        *(_counter(f"{base}_bucket", rate, le=le, **labels) for le, rate in bounds.items()),
        _counter(f"{base}_count", most, **labels),
        _counter(f"{base}_sum", most * seconds, **labels),
    ]


def _http() -> Iterator[tuple[Labels, Samples]]:
    calm = {"service": "calm", "task_id": "c1"}
    yield _counter("http_requests_total", 10, status="200", path="/x", **calm)
    failing = {"service": "failing", "task_id": "f1"}
    yield _counter("http_requests_total", 9, status="200", path="/x", **failing)
    yield _counter("http_requests_total", 1, status="503", path="/x", **failing)
    yield _counter("http_requests_total", 90, status="200", path="/health", **failing)
    # the application calls it "code", which nobody configured
    yield _counter("http_requests_total", 10, code="500", path="/x", service="unknown", task_id="u1")
    old = {"service": "old", "task_id": "o1", "http_status_code": "200", "http_route": "/x"}
    yield from _histogram("http_server_duration_milliseconds", 400, {"250": 5, "500": 10, "+Inf": 10}, **old)
    fast = {"service": "fast", "task_id": "p1"}
    yield from _histogram("http_request_duration_highr_seconds", 2, {"1": 0, "3": 10, "+Inf": 10}, **fast)
    yield from _histogram("http_request_duration_seconds", 2, {"1": 0, "+Inf": 10}, method="GET", handler="/x", **fast)
    called = {"service": "caller", "server_address": "db"}
    yield _counter("http_client_request_duration_seconds_count", 6, http_response_status_code="200", **called)
    yield _counter("http_client_request_duration_seconds_count", 3, http_response_status_code="404", **called)
    yield _counter("http_client_request_duration_seconds_count", 1, error_type="timeout", **called)
    legacy = {"service": "legacy", "net_peer_name": "db", "http_status_code": "200"}
    yield _counter("http_client_duration_milliseconds_count", 2, **legacy)
    yield _counter("http_client_duration_milliseconds_sum", 500, **legacy)
    yield _gauge("tomcat_threads_busy_threads", 150, service="java", task_id="j1", name="http-nio-8080")
    yield _gauge("tomcat_threads_config_max_threads", 200, service="java", task_id="j1", name="http-nio-8080")


def _containers() -> Iterator[tuple[Labels, Samples]]:
    yield _gauge("aws_ecs_cpuutilization_average", 75, dimension_ServiceName="shop", dimension_ClusterName="prod")
    yield _gauge("aws_ecs_memory_utilization_average", 60, service_name="shop", cluster_name="prod")
    collector = {"aws_ecs_service_name": "shop", "aws_ecs_task_id": "t1"}
    yield _gauge("ecs_task_cpu_utilized_None", 128, **collector)
    yield _gauge("ecs_task_cpu_reserved_None", 512, **collector)
    yield _gauge("ecs_task_memory_utilized_Megabytes", 900, **collector)
    yield _gauge("ecs_task_memory_reserved_Megabytes", 1000, **collector)
    limited, free = {"service": "limited", "task_id": "l1"}, {"service": "free", "task_id": "r1"}
    for labels, container, used, limit in (
        (limited, "app", 300, 400),
        (limited, "log", 100, 2**63),
        (free, "app", 600, 2**63),
    ):
        yield _gauge("ecs_memory_bytes", used, container=container, **labels)
        yield _gauge("ecs_memory_limit_bytes", limit, container=container, **labels)
        yield _counter("ecs_network_receive_bytes_total", 1000, container=container, device="eth1", **labels)
    yield _gauge("ecs_task_memory_limit_bytes", 1000, **free)
    yield _counter("ecs_container_cpu_usage_seconds_total", 0.3, container_name="app", service="newer", task_id="n1")
    yield _counter("ecs_container_cpu_usage_seconds_total", 0.1, container_name="log", service="newer", task_id="n1")
    yield _gauge("ecs_task_cpu_limit_vcpus", 0.5, service="newer", task_id="n1")
    yield _gauge("ecs_task_ephemeral_storage_used_bytes", 15 * 2**30, service="newer", task_id="n1")
    yield _gauge("ecs_task_ephemeral_storage_allocated_bytes", 20 * 2**30, service="newer", task_id="n1")


def _tasks() -> Iterator[tuple[Labels, Samples]]:
    start = "process_start_time_seconds"
    old, twice = {"service": "looping", "task_id": "old"}, {"service": "looping", "task_id": "twice"}
    yield _gauge(start, _NOW - 90_000, job="app", **old)
    for job in ("app", "sidecar"):
        labels, points = _gauge(start, _NOW - 90_000, job=job, **twice)
        moved = [(at, _NOW - 400.0 if at > (_NOW - 400) * 1000 else value) for at, value in points]
        moved = [(at, _NOW - 200.0 if at > (_NOW - 200) * 1000 else value) for at, value in moved]
        yield labels, moved
        yield _lived(300, 0, _gauge(start, _NOW - 300, job=job, service="looping", task_id="new"))
    yield _lived(700, 600, _gauge(start, _NOW - 700, job="app", service="looping", task_id="dead"))
    yield _gauge("jvm_memory_used_bytes", 100, area="heap", id="eden", service="boot", task_id="b1")
    yield _gauge("jvm_memory_used_bytes", 900, area="nonheap", id="meta", service="boot", task_id="b1")
    yield _gauge("jvm_memory_max_bytes", 200, area="heap", id="old", service="boot", task_id="b1")
    yield _gauge("jvm_memory_max_bytes", -1, area="heap", id="eden", service="boot", task_id="b1")
    agent = {"service": "agent", "task_id": "a1"}
    yield _gauge("jvm_memory_used_bytes", 70, jvm_memory_type="heap", jvm_memory_pool_name="old", **agent)
    yield _gauge("jvm_memory_used_bytes", 500, jvm_memory_type="non_heap", jvm_memory_pool_name="meta", **agent)
    yield _gauge("jvm_memory_limit_bytes", 100, jvm_memory_type="heap", jvm_memory_pool_name="old", **agent)
    yield _counter("jvm_gc_duration_seconds_sum", 0.25, jvm_gc_name="G1", **agent)


def _shared() -> Iterator[tuple[Labels, Samples]]:
    yield _gauge("node_filefd_allocated", 700, instance="n1")
    yield _gauge("node_filefd_maximum", 1000, instance="n1")
    for device in ("nvme0n1", "nvme1n1", "loop3"):
        yield _counter("node_disk_read_bytes_total", 1000, instance="n1", device=device)
    for device in ("eth0", "lo", "docker0"):
        yield _counter("node_network_receive_bytes_total", 500, instance="n1", device=device)
    yield _gauge("node_filesystem_avail_bytes", 10, instance="n1", mountpoint="/", fstype="ext4")
    yield _gauge("node_filesystem_size_bytes", 100, instance="n1", mountpoint="/", fstype="ext4")
    yield _gauge("aws_elasticache_database_memory_usage_percentage_average", 80, dimension_CacheClusterId="c")
    yield _gauge("aws_elasticache_evictions_sum", 120, dimension_CacheClusterId="c")
    yield _gauge("aws_elasticache_cache_hits_sum", 90, dimension_CacheClusterId="c")
    yield _gauge("aws_elasticache_cache_misses_sum", 10, dimension_CacheClusterId="c")
    yield _gauge("redis_connected_clients", 80, instance="c")
    yield _gauge("redis_config_maxclients", 100, instance="c")
    yield _gauge("aws_sqs_approximate_age_of_oldest_message_maximum", 45, dimension_QueueName="q")


@pytest.fixture(scope="module")
def server() -> Iterator[PrometheusServer]:
    """Return a real Prometheus that holds one hour of everything above."""
    with PrometheusServer() as prometheus:
        prometheus.write([*_http(), *_containers(), *_tasks(), *_shared()])
        yield prometheus


def _answer(server: PrometheusServer, signal: str, service: str = "", *, only: str = "") -> dict[str, float]:
    """Return what the signal answers now: the values of its labels, joined by commas, and the number."""
    filling = Filling(
        labels=LabelNames(),
        services=f'service="{service}"' if service else 'service=~".+"',
        scope='cluster="prod"',
        names=service or ".+",
        instrumentation=(only,) if only else (),
    )
    query = urllib.parse.urlencode({"query": written(all_signals()[signal], filling), "time": _NOW})
    with urllib.request.urlopen(f"{server.url}/api/v1/query?{query}", timeout=10) as response:
        rows = json.load(response)["data"]["result"]
    return {",".join(v for _, v in sorted(row["metric"].items())): float(row["value"][1]) for row in rows}


@pytest.mark.parametrize(
    ("signal", "service", "expected"),
    [
        ("http_error_ratio", "calm", {"calm,c1": 0}),
        ("http_error_ratio", "failing", {"failing,f1": 0.1}),
        ("http_error_ratio", "old", {"old,o1": 0}),
        ("http_requests", "failing", {"failing,f1": 10}),
        ("http_latency_p50", "old", {"old": 0.25}),
        ("http_latency_p95", "old", {"old": 0.475}),
        ("http_latency_p99", "old", {"old": 0.495}),
        ("http_latency_mean", "old", {"old,o1": 0.4}),
        ("http_latency_p99", "fast", {"fast": 2.98}),
        ("http_latency_p50", "fast", {"fast": 2}),
        ("client_error_ratio", "caller", {"db,caller": 0.1}),
        ("http_workers_ratio", "java", {"java,j1": 0.75}),
        ("container_memory_ratio", "limited", {"limited,l1": 0.75}),
        ("container_memory_ratio", "free", {"free,r1": 0.6}),
        ("container_cpu_ratio", "newer", {"newer,n1": 0.8}),
        ("container_cpu_cores", "newer", {"newer,n1": 0.4}),
        ("container_storage_ratio", "newer", {"newer,n1": 0.75}),
        ("container_network_receive_bytes", "limited", {"limited,l1": 1000}),
        ("runtime_heap_bytes", "boot", {"boot,b1": 100}),
        ("runtime_heap_bytes", "agent", {"agent,a1": 70}),
        ("runtime_heap_ratio", "boot", {"boot,b1": 0.5}),
        ("runtime_heap_ratio", "agent", {"agent,a1": 0.7}),
        ("runtime_gc_ratio", "agent", {"agent,a1": 0.25}),
        ("node_fds_ratio", "", {"n1": 0.7}),
        ("node_disk_used_ratio", "", {"n1,/": 0.9}),
        ("node_disk_read_bytes", "", {"n1": 2000}),
        ("node_network_receive_bytes", "", {"n1": 500}),
        ("cache_memory_ratio", "", {"": 0.8}),
        ("cache_evictions", "", {"": 2}),
        ("cache_hit_ratio", "", {"": 0.9}),
        ("cache_clients_ratio", "", {"c": 0.8}),
        ("queue_oldest_seconds", "", {"q": 45}),
    ],
)
def test_a_signal_answers_in_its_unit(
    server: PrometheusServer, signal: str, service: str, expected: dict[str, float]
) -> None:
    """Seconds whatever the exporter counts in, shares from 0 to 1, health checks no traffic, nothing twice."""
    found = _answer(server, signal, service)

    assert pytest.approx(expected, rel=0.01) == found


@pytest.mark.parametrize(
    ("signal", "whole"),
    [
        ("container_storage_ratio", "ephemeral_storage_reserved_average"),
        ("ecs_storage_ratio", "ephemeral_storage_reserved_average"),
        ("ecs_running_ratio", "desired_task_count_average"),
    ],
)
def test_of_nothing_there_is_no_share(signal: str, whole: str) -> None:
    """By nothing it would be NaN or endless, which is drawn and compared as if it were known."""
    queries = [variant.query for variant in all_signals()[signal].variants if whole in variant.query]

    assert queries
    for query in queries:
        assert re.search(rf" / max by \(\w+\) \(\w+{whole}\{{[^}}]*\}} > 0\)$", query)


@pytest.mark.parametrize(
    ("signal", "only", "expected"),
    [
        ("container_cpu_ratio", "CloudWatch exporter", 0.75),
        ("container_memory_ratio", "CloudWatch exporter, plain labels", 0.6),
        ("container_cpu_ratio", "awsecscontainermetrics, units in names", 0.25),
        ("container_memory_ratio", "awsecscontainermetrics, units in names", 0.9),
    ],
)
def test_a_percentage_or_a_pair_of_units_becomes_a_ratio(
    server: PrometheusServer, signal: str, only: str, expected: float
) -> None:
    """Whatever the exporter's unit is, 1 is all that there is; the service is found by the exporter's own label."""
    assert pytest.approx({"shop": expected}) == _answer(server, signal, "shop", only=only)


def test_calls_of_an_older_agent_are_in_seconds_too(server: PrometheusServer) -> None:
    """Each peer keeps its own column, under the label that the older conventions gave it."""
    found = _answer(server, "client_latency_mean", "legacy", only="OpenTelemetry before 1.23")

    assert pytest.approx({"db,legacy": 0.25}) == found


def test_a_status_label_that_was_guessed_wrong_is_no_data_and_not_no_errors(server: PrometheusServer) -> None:
    """All its requests fail under another label: a calm 0 would be a lie, so nothing is answered."""
    assert _answer(server, "http_error_ratio", "unknown") == {}
    assert pytest.approx({"unknown,u1": 10}) == _answer(server, "http_requests", "unknown")


def test_starts_are_counted_once_each_however_a_task_restarts(server: PrometheusServer) -> None:
    """In place or replaced, with a sidecar or without, dead again or alive; what only runs counts 0."""
    expected = {"looping,old": 0, "looping,twice": 2, "looping,new": 1, "looping,dead": 1}

    assert expected == _answer(server, "task_restarts", "looping")


def test_every_ratio_that_is_answered_lies_between_nothing_and_all(server: PrometheusServer) -> None:
    """A share above one is a percentage that slipped through, or a sum that counts something twice."""
    answers = {s.id: _answer(server, s.id) for s in _SIGNALS if s.unit == "ratio"}

    assert sum(map(bool, answers.values())) >= 12
    for signal, found in answers.items():
        assert all(0 <= value <= 1 for value in found.values()), (signal, found)
