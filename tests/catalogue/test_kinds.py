"""What a metric is about, read from names that nobody agreed on."""

from __future__ import annotations

import pytest

from obskit.catalogue._kinds import Kind, forwards, kind_of


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("http_server_duration_p99_ms", "latency"),
        ("http_server_request_duration_seconds", "latency"),
        ("TargetResponseTime", "latency"),
        ("latency90", "latency"),
        ("http_5xx_ratio", "errors"),
        ("HTTPCode_Target_5XX_Count", "errors"),
        ("failed_requests_total", "errors"),
        ("rpc-client-error-rate", "errors"),
        ("availability", "success"),
        ("success_ratio", "success"),
        ("CPUUtilization", "cpu"),
        ("container_cpu_usage_seconds_total", "cpu"),
        ("container_cpu_cfs_throttled_seconds_total", "saturation"),
        ("hikaricp_connections_pending", "saturation"),
        ("request_queue_depth", "saturation"),
        ("jvm_heap_used_bytes", "memory"),
        ("container_memory_working_set_bytes", "memory"),
        ("node_disk_read_bytes_total", "disk"),
        ("network_rx_bytes", "network"),
        ("requests_per_sec", "traffic"),
        ("RequestCount", "traffic"),
        ("ReadLatency", "latency"),
        ("latest_offset", "other"),
        ("late_events", "other"),
        ("kafka_group_members", "other"),
        ("dropwizard_pool_size", "saturation"),
        ("restart_policy_info", "other"),
        ("failover_state", "other"),
        ("retry_budget_remaining", "other"),
        ("ErrorBudgetRemaining", "other"),
        ("txn_commits", "traffic"),
        ("netty_direct_bytes", "other"),
        ("net_revenue", "other"),
        ("jvm_gc_pause_seconds", "saturation"),
        ("availability_zone_count", "other"),
        ("availability_zone_info", "other"),
        ("lod", "other"),
        ("clientlat90", "other"),
        ("sysread", "other"),
        ("outsuccess", "other"),
        ("number_of_frogs", "other"),
        ("uptake", "other"),
    ],
)
def test_the_words_of_a_name_tell_its_kind(name: str, kind: Kind) -> None:
    """Snake case, camel case and dashes are read alike."""
    assert kind_of(name) == kind


def test_the_unit_tells_where_the_name_does_not() -> None:
    """Seconds are latency, bytes are memory; a name that tells is not overruled."""
    assert kind_of("frogs", "seconds") == "latency"
    assert kind_of("frogs", "bytes") == "memory"
    assert kind_of("cpu_frogs", "seconds") == "cpu"


@pytest.mark.parametrize("name", ["web-alb", "internal-x.elb.amazonaws.com", "nginx", "edge-proxy", "LB_1"])
def test_a_balancer_is_known_by_its_name(name: str) -> None:
    """It passes requests on."""
    assert forwards(name)


@pytest.mark.parametrize("name", ["albums", "payment", "proximity", "engine-x", "db.rds.amazonaws.com"])
def test_a_service_is_no_balancer(name: str) -> None:
    """Letters in the middle of a word say nothing."""
    assert not forwards(name)
