"""Reads what a metric is about from its name and unit: latency, errors, CPU and so on.

Whoever ranks series of unknown origin needs to know which of them are symptoms and which
direction hurts. Names follow few conventions (Prometheus, OpenTelemetry, Micrometer, CloudWatch,
cAdvisor), and their words are few; what has none of them is ``other`` and still counts.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final, Literal

Kind = Literal[
    "errors",
    "success",
    "latency",
    "saturation",
    "cpu",
    "memory",
    "disk",
    "network",
    "traffic",
    "other",
]

#: The words of each kind, whole, with or without digits behind (``latency90``); ``_`` joins words that tell only
#: together. The first kind with a word in the name is taken: ``failed_requests`` are errors, ``request_duration`` is
#: latency, ``cpu_throttled`` is saturation. What is set, and not measured, comes before all: ``restart_policy_info``
#: counts no restarts; and a budget of errors that falls is bad, other than errors.
_WORDS: Final[tuple[tuple[Kind, str], ...]] = (
    ("other", "info policy budget availability_zone availability_zones"),
    (
        "errors",
        "err errs error errors errored erroneous fail fails failed failing failure failures fault faults exception "
        "exceptions panic panics crash crashes crashed restart restarts restarted reject rejects rejected rejections "
        "refuse refused timeout timeouts timedout abort aborts aborted cancel cancels cancelled canceled cancellations "
        "drop drops dropped lost retry retries retried 5xx 4xx oom ooms unhealthy",
    ),
    ("success", "success successes successful succeeded avail availability healthy up uptime ok apdex"),
    (
        "saturation",
        "saturated saturation queue queues queued backlog pending throttle throttles throttled throttling pressure lag "
        "wait waits waiting blocked pool pools exhausted exhaustion inflight in_flight in_progress used_pct "
        "used_percent connections threads active deadlock deadlocks evicted eviction evictions age oldest gc_pause "
        "gc_pauses",
    ),
    (
        "latency",
        "lat latency latencies duration durations elapsed delay delays rtt response_time response_times responsetime "
        "p50 p75 p90 p95 p99 ttfb",
    ),
    ("cpu", "cpu cpus load1 load5 load15 processor processors cores"),
    ("memory", "mem memory rss heap working_set swap gc garbage"),
    (
        "disk",
        "disk disks fs filesystem filesystems iops reads writes read_bytes write_bytes bytes_read bytes_written "
        "read_throughput write_throughput storage volume volumes io inode inodes",
    ),
    (
        "network",
        "network net_bytes net_io net_in net_out net_input net_output rx tx receive received transmit transmitted "
        "packet packets tcp socket sockets",
    ),
    (
        "traffic",
        "req reqs request requests rps qps tps throughput workload load hit hits call calls per_sec per_second per_min "
        "per_minute rate messages records query queries count session sessions txn txns transactions commits",
    ),
)
#: Words begin with a capital, also behind an abbreviation (``CPUUtilization``), and end at what is no letter or digit.
_BOUNDARY: Final = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z]{2})|[^A-Za-z0-9]+")


def _pattern(words: str) -> re.Pattern[str]:
    """Return what finds any of the words in a name whose words are joined, led and followed by ``_``."""
    return re.compile(rf"_(?:{'|'.join(words.split())})\d*_")


_PATTERNS: Final = tuple((kind, _pattern(words)) for kind, words in _WORDS)
#: What a unit says where the name says nothing.
_UNITS: Final[dict[str, Kind]] = {"seconds": "latency", "bytes": "memory", "bytes_per_second": "network"}


#: Words of names that stand for something that passes requests on and answers none itself.
_FORWARDING: Final = re.compile(
    r"\.elb\.amazonaws\.com|(?:^|[^a-z0-9])(?:[aen]?lb|load-?balancer|ingress|proxy|envoy|haproxy|nginx)(?:[^a-z0-9]|$)"
)


def forwards(service: str) -> bool:
    """Say whether a service's name is that of a load balancer or proxy: its symptoms are those of what it calls."""
    return bool(_FORWARDING.search(service.lower()))


@cache
def kind_of(name: str, unit: str = "") -> Kind:
    """Return what a metric is about.

    Args:
        name: As its system calls it: ``http_server_duration_p99_ms``, ``CPUUtilization``, or a signal's id.
        unit: One of obskit's units where it is known; asked when the name has no word of any kind.

    Returns:
        Its kind; ``other`` where neither name nor unit tell.
    """
    text = f"_{'_'.join(part for part in _BOUNDARY.split(name) if part).lower()}_"
    for kind, pattern in _PATTERNS:
        if pattern.search(text):
            return kind
    return _UNITS.get(unit, "other")
