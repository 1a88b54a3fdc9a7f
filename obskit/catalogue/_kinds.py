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

#: The words of each kind, whole or as the beginning of a word (``lat`` of ``latency90``). The first kind
#: with a word in the name is taken: ``failed_requests`` are errors, ``request_duration`` is latency,
#: ``cpu_throttled`` is saturation.
_WORDS: Final[tuple[tuple[Kind, str], ...]] = (
    (
        "errors",
        "err error* fail* fault* exception* panic* crash* restart* reject* refus* timeout* abort* cancel* drop* lost "
        "retry* retries 5xx* 4xx* oom* unhealthy*",
    ),
    ("success", "success* *success avail availability* healthy* up uptime ok apdex*"),
    (
        "saturation",
        "saturat* queue* backlog* pending* throttl* pressure* lag wait* blocked* pool* exhaust* inflight in_flight "
        "used_pct used_percent connections* threads* active* deadlock* evict* age oldest*",
    ),
    (
        "latency",
        "lat* *latency* *lat *lat50 *lat90 *lat95 *lat99 latencies duration* elapsed* delay* rtt* response_time* "
        "responsetime* p50* p75* p90* p95* p99* ttfb",
    ),
    ("cpu", "cpu* load1 load5 load15 processor* cores"),
    ("memory", "mem* rss* heap* working_set* swap* gc garbage*"),
    (
        "disk",
        "disk* fs filesystem* iops* *read *write reads* writes* storage* volume* io inode*",
    ),
    ("network", "net* rx* tx* receive* transmit* packets* tcp* sockets*"),
    (
        "traffic",
        "req* request* rps qps tps throughput* workload* load lod hits* calls* per_sec* per_min* rate messages* "
        "records* queries* count sessions*",
    ),
)
_BOUNDARY: Final = re.compile(r"(?<=[a-z])(?=[A-Z])|[^A-Za-z0-9]+")


def _pattern(words: str) -> re.Pattern[str]:
    """Return what finds any of the words in a name whose words are joined, led and followed by ``_``."""
    parts = (("" if w[0] == "*" else "_") + w.strip("*") + ("" if w[-1] == "*" else r"\d*_") for w in words.split())
    return re.compile("|".join(parts))


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
