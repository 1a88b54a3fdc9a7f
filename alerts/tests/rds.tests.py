"""Tests of the alerts on the RDS instance."""

from collections.abc import Callable

from obskit.ascode.alerts import around, fires, quiet, steady

ORDERS = {"dimension_DBInstanceIdentifier": "orders"}
GIB = 2**30
#: Bytes in 15 seconds at 4 GiB an hour: 16 GiB in the four hours that are looked ahead.
PACE = 4 * GIB // 240


def of(name: str, value: float) -> dict[str, str]:
    """Return a gauge of the instance as YACE names it."""
    return {f'aws_rds_{name}_average{{dimension_DBInstanceIdentifier="orders"}}': steady(value)}


def gauge(name: str) -> Callable[[float], dict[str, str]]:
    """Return how a value of a gauge looks."""
    return lambda value: of(name, value)


def disk(*, read: float = 0.001, write: float = 0.001, queue: float = 5.0) -> dict[str, str]:
    """Return latencies in seconds and the queue."""
    return {**of("read_latency", read), **of("write_latency", write), **of("disk_queue_depth", queue)}


def free(values: str) -> dict[str, str]:
    """Return free storage that changes."""
    return {'aws_rds_free_storage_space_average{dimension_DBInstanceIdentifier="orders"}': values}


#: From 30 GiB: 18 GiB, which are 2 GiB in four hours, are reached after three hours.
FALLING = f"{30 * GIB}-{PACE}x1680 {2 * GIB + 8 * PACE}x400"

TESTS = (
    around("RdsCpuHigh", lambda share: of("cpuutilization", share * 100), labels={**ORDERS, "severity": "ticket"}),
    around(
        "RdsCpuExhausted",
        lambda share: of("cpuutilization", share * 100),
        labels={**ORDERS, "severity": "page", "cause": "slow_queries"},
    ),
    fires(
        "RdsCpuExhausted",
        {
            'aws_rds_cpuutilization_average{dbinstance_identifier="users"}': steady(99),
            **of("cpuutilization", 10),
        },
        at="20m",
        labels={"dbinstance_identifier": "users"},
        why="as CloudWatch's official exporter names it; the other instance is calm",
    ),
    quiet(
        "RdsCpuExhausted",
        {'aws_rds_cpuutilization_average{dimension_DBInstanceIdentifier="orders"}': "30x20 100x56 30x400"},
        at="19m30s",
        why="a vacuum of fourteen minutes",
    ),
    around(
        "RdsStorageLow",
        gauge("free_storage_space"),
        labels={**ORDERS, "severity": "ticket", "cause": "disk_full"},
    ),
    quiet(
        "RdsStorageLow",
        free(f"{12 * GIB}x100 {6 * GIB}x100 {12 * GIB}x400"),
        at="51m",
        why="temporary files of a query of twenty-five minutes",
    ),
    fires("RdsStorageFullSoon", free(FALLING), at="4h1m", labels={**ORDERS, "severity": "page"}, why="full in 4 h"),
    quiet("RdsStorageFullSoon", free(FALLING), at="3h59m", why="not yet for an hour"),
    quiet("RdsStorageFullSoon", free(FALLING), at="2h50m", why="more than four hours are left"),
    quiet(
        "RdsStorageFullSoon",
        free(f"{100 * GIB}x240 {100 * GIB}-{20 * PACE}x100 {100 * GIB - 2000 * PACE}x2000"),
        at="2h",
        why="a load of 33 GiB within 25 minutes is done half an hour ago",
    ),
    quiet("RdsStorageFullSoon", free(steady(3 * GIB)), at="4h", why="little is left, but it does not fall"),
    quiet("RdsStorageFullSoon", {}, at="4h", why="no series"),
    fires(
        "RdsStorageFullSoon",
        free(f"{30 * GIB}-{PACE}x1679 {19 * GIB // 10}x400"),
        at="7h9m",
        why="since 7 h there are less than 2 GiB: it goes on until RdsStorageAlmostFull has taken over",
    ),
    quiet(
        "RdsStorageFullSoon",
        free(f"{30 * GIB}-{PACE}x1679 {19 * GIB // 10}x400"),
        at="7h11m",
        why="RdsStorageAlmostFull fires for five minutes already",
    ),
    fires(
        "RdsStorageAlmostFull",
        free(f"{30 * GIB}-{PACE}x1679 {19 * GIB // 10}x400"),
        at="7h9m",
        labels=ORDERS,
        why="the same volume, as RdsStorageFullSoon hands it over",
    ),
    around(
        "RdsStorageAlmostFull",
        gauge("free_storage_space"),
        labels={**ORDERS, "severity": "page", "cause": "disk_full"},
    ),
    fires("RdsStorageAlmostFull", free(f"{GIB}x40 {5 * GIB}x400"), at="24m30s", why="it may fall again"),
    quiet("RdsStorageAlmostFull", free(f"{GIB}x40 {5 * GIB}x400"), at="25m45s", why="room for a quarter of an hour"),
    around("RdsMemoryLow", gauge("freeable_memory"), labels={**ORDERS, "severity": "ticket"}),
    quiet(
        "RdsMemoryLow",
        {
            'aws_rds_freeable_memory_average{dimension_DBInstanceIdentifier="orders"}': (
                f"{GIB}x20 {GIB // 10}x100 {GIB}x400"
            )
        },
        at="31m",
        why="a large sort that ends",
    ),
    around(
        "RdsReadsSlow",
        lambda seconds: disk(read=seconds, queue=1.05),
        labels={**ORDERS, "severity": "ticket", "cause": "slow_queries"},
    ),
    quiet("RdsReadsSlow", disk(read=0.5, queue=0.95), at="1h", why="a few reads a minute: chance"),
    around(
        "RdsWritesSlow",
        lambda seconds: disk(write=seconds, queue=1.05),
        labels={**ORDERS, "severity": "ticket"},
    ),
    quiet("RdsWritesSlow", disk(write=0.5, queue=0.95), at="1h", why="an idle instance writes a log file now and then"),
    around(
        "RdsWritesStalled",
        lambda seconds: disk(write=seconds, queue=1.05),
        labels={**ORDERS, "severity": "page", "cause": "slow_queries"},
    ),
    quiet("RdsWritesStalled", disk(write=0.5, queue=0.95), at="1h", why="nobody waits for it"),
    around(
        "RdsIoCreditsLow",
        lambda share: of("ebsiobalance_percent", share * 100),
        labels={**ORDERS, "severity": "ticket"},
    ),
    quiet(
        "RdsIoCreditsLow",
        {'aws_rds_ebsiobalance_percent_average{dimension_DBInstanceIdentifier="orders"}': "90x40 10x40 60x400"},
        at="19m30s",
        why="a report of ten minutes that spends them, and they come back",
    ),
    around("RdsDiskQueue", lambda waiting: disk(write=0.01, queue=waiting), labels={**ORDERS, "severity": "ticket"}),
    fires("RdsDiskQueue", disk(write=0.006, queue=30), at="2h", why="several times of what a healthy volume takes"),
    fires("RdsDiskQueue", disk(read=0.018, write=0.018, queue=30), at="2h", why="near the level of the others"),
    quiet("RdsDiskQueue", disk(write=0.004, queue=30), at="2h", why="a volume of many IOPS: thirty at 4 ms"),
    quiet("RdsDiskQueue", disk(write=0.021, queue=30), at="2h", why="RdsWritesSlow says it"),
    quiet("RdsDiskQueue", disk(write=0.01, read=0.021, queue=30), at="2h", why="RdsReadsSlow says it"),
)
