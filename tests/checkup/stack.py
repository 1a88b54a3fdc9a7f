"""A small stack as its exporters tell of it: well for a week, then four of its systems break one after the other."""

from __future__ import annotations

from collections.abc import Iterator

from tests.support.servers import Labels, Samples

DAY, HOUR, MINUTE = 86_400, 3_600, 60
GIB = 2.0**30
#: Seconds before the end at which each breaks.
POOL, TARGET, DISK, DISCARDS = 40 * MINUTE, 2 * HOUR, 5 * HOUR, 20 * MINUTE
#: Before the end: all was well.
WELL = 6 * HOUR
BROKEN = ("alb", "database", "loki", "node")
#: What nothing here tells of.
UNTOLD = ("alertmanager", "cache", "certificates", "dns", "iam", "network", "queues")
_STEP = 60
_HOSTILE = "/data\x1b[31m<script>alert(1)</script>password=hunter2hunter2"


def series(end: int) -> Iterator[tuple[Labels, Samples]]:
    """Yield the series up to *end* (epoch seconds): 32 hours, and half an hour around both moments a week ago."""
    times = [*_weeks_ago(end), *range(end - DAY - 8 * HOUR, end + 1, _STEP)]
    for labels, well, broken, since in _GAUGES:
        yield labels, [(at * 1000, broken if at >= end - since else well) for at in times]
    for labels, rate, added, since in _COUNTERS:
        first = times[0]
        yield labels, [(at * 1000, rate * (at - first) + added * max(0, at - (end - since))) for at in times]


def filling(end: int) -> Iterator[tuple[Labels, Samples]]:
    """Yield a disk that grows by a hundredth an hour for a day, from 0.6; alone in its time."""
    times = range(end - DAY, end + 1, 4 * MINUTE)
    for name, value in (("size", lambda _: 100.0), ("avail", lambda at: 40.0 - (at - (end - DAY)) / HOUR)):
        labels = _disk(f"node_filesystem_{name}_bytes", "/var")
        yield labels, [(at * 1000, value(at) * GIB) for at in times]


def _weeks_ago(end: int) -> Iterator[int]:
    for moment in (end - WELL, end):
        yield from range(moment - 7 * DAY - 30 * MINUTE, moment - 7 * DAY + 1, _STEP)


def _disk(name: str, mountpoint: str) -> Labels:
    return {
        "__name__": name, "job": "node", "instance": "node:9100", "mountpoint": mountpoint, "fstype": "ext4",
        "device": "/dev/nvme0n1",
    }  # fmt: skip


def _of(job: str, name: str, **labels: str) -> Labels:
    return {"__name__": name, "job": job, "instance": f"{job}:9090", **labels}


_SHOP = {"service": "shop", "task_id": "t1"}
_GROUP = {"dimension_TargetGroup": "targetgroup/shop/6d0ecf831eec9f09", "dimension_AvailabilityZone": ""}
#: Labels, what it is, what it becomes, and how many seconds before the end.
_GAUGES: tuple[tuple[Labels, float, float, int], ...] = (
    *((_of(job, "up"), 1.0, 1.0, 0) for job in ("prometheus", "loki", "alloy", "grafana", "node")),
    (_of("shop", "up", **_SHOP), 1.0, 1.0, 0),
    (_of("shop", "db_client_connections_usage", state="used", **_SHOP), 4.0, 10.0, POOL),
    (_of("shop", "db_client_connections_max", **_SHOP), 10.0, 10.0, 0),
    (_of("cw", "aws_applicationelb_un_healthy_host_count_average", **_GROUP), 0.0, 1.0, TARGET),
    (_of("cw", "aws_applicationelb_healthy_host_count_average", **_GROUP), 3.0, 2.0, TARGET),
    (_disk("node_filesystem_size_bytes", "/"), 100 * GIB, 100 * GIB, 0),
    (_disk("node_filesystem_avail_bytes", "/"), 58 * GIB, 2 * GIB, DISK),
    (_disk("node_filesystem_size_bytes", _HOSTILE), 100 * GIB, 100 * GIB, 0),
    (_disk("node_filesystem_avail_bytes", _HOSTILE), 58 * GIB, 4 * GIB, DISK),
    (_of("node", "node_memory_MemTotal_bytes"), 8 * GIB, 8 * GIB, 0),
    (_of("node", "node_memory_MemAvailable_bytes"), 4 * GIB, 4 * GIB, 0),
    (_of("ecs", "ecs_service_running_tasks", service="shop"), 3.0, 3.0, 0),
    (_of("ecs", "ecs_service_desired_tasks", service="shop"), 3.0, 3.0, 0),
)
#: Labels, rate, what is added to it, and from how many seconds before the end on.
_COUNTERS: tuple[tuple[Labels, float, float, int], ...] = (
    (_of("shop", "http_requests_total", status="200", path="/cart", **_SHOP), 5.0, 0.0, 0),
    (_of("loki", "loki_discarded_samples_total", reason="rate_limited"), 0.0, 2.0, DISCARDS),
)
