"""What users feel: requests, errors and latency of a service, and of what it calls.

The histograms of one instrumentation answer several signals; each shape of query stands
once below, with the metric's name and its labels filled in from the tables of `obskit.catalogue._http`.
"""

from __future__ import annotations

from obskit.catalogue._http import (
    BUCKETS,
    CALLS,
    COUNTERS,
    FAILING,
    FRUSTRATING,
    LOST,
    SUMS,
    Source,
    failed_share,
    rate,
    variant,
)
from obskit.model import Signal, Threshold, Variant

_SLOW = Threshold(value=1.0, reason="beyond one second a person notices that they wait (Nielsen, 1993)")
_BURNING = Threshold(value=0.05, reason="one in twenty: the month's budget of a 99.9 % objective is gone in 14 hours")
_TASKS = "$service, $task"
_PEERS = "$service, $peer"


def _requests(source: Source) -> Variant:
    return variant(source, rate(source.metric, _TASKS), source.metric)


def _quantile(share: float, source: Source) -> Variant:
    query = f"histogram_quantile({share}, {rate(f'{source.metric}_bucket', '$service, le')}){source.to_seconds}"
    return variant(source, query, f"{source.metric}_count")


def _mean(source: Source) -> Variant:
    took, count = rate(f"{source.metric}_sum", _TASKS), rate(f"{source.metric}_count", _TASKS)
    return variant(source, f"{took} / {count}{source.to_seconds}", f"{source.metric}_sum")


def _calls(source: Source) -> Variant:
    return variant(source, rate(f"{source.metric}_count", _PEERS, "$svc"), f"{source.metric}_count")


def _calls_mean(source: Source) -> Variant:
    took, count = (rate(f"{source.metric}_{part}", _PEERS, "$svc") for part in ("sum", "count"))
    return variant(source, f"{took} / {count}{source.to_seconds}", f"{source.metric}_sum")


def _calls_failed_share(source: Source) -> Variant:
    """Return calls that got 5xx or no answer as a share of all; without an answer there is no status."""
    metric = f"{source.metric}_count"
    total = rate(metric, _PEERS, "$svc")
    failing = rate(metric, _PEERS, '$status!~"[1234]..",$svc')
    return variant(source, f"({failing} or 0 * {total}) / {total}", metric)


def _workers(name: str, busy: str, most: str) -> Variant:
    """Return the share of a server's threads that work."""
    query = f"sum by ($service, $task) ({busy}{{$svc}}) / sum by ($service, $task) ({most}{{$svc}} > 0)"
    return Variant(name=name, query=query, needs=(busy, most))


SIGNALS = (
    Signal(
        id="http_requests",
        topic="http",
        title="requests",
        meaning=(
            "How many requests the service answers, health checks left out."
            " A fall to nothing means that users do not reach it: look at the balancer, DNS and the last deployment;"
            " a jump means more load: look at who sends it, and scale out."
        ),
        unit="per_second",
        bad="both",
        floor=0.5,
        variants=tuple(_requests(source) for source in COUNTERS),
    ),
    Signal(
        id="http_error_ratio",
        topic="http",
        title="share of requests answered 5xx",
        meaning=(
            "The share of requests that the service failed. Look at what began at the same moment: a deployment"
            " (roll it back), a dependency that fails, an exhausted pool; the error lines of the log say which."
        ),
        unit="ratio",
        bad="up",
        combine="mean",
        floor=0.01,
        warn=FAILING,
        crit=_BURNING,
        variants=tuple(failed_share(source, _TASKS) for source in COUNTERS),
    ),
    Signal(
        id="http_latency_p95",
        topic="http",
        title="p95 latency",
        meaning=(
            "One request in twenty takes longer than this. Latency is a symptom: compare CPU, pool waits, the database"
            " and the latency of calls; what rose first is where to act."
        ),
        unit="seconds",
        bad="up",
        combine="max",
        floor=0.05,
        warn=_SLOW,
        crit=FRUSTRATING,
        variants=tuple(_quantile(0.95, source) for source in BUCKETS),
    ),
    Signal(
        id="http_latency_mean",
        topic="http",
        title="mean latency",
        meaning=(
            "The average time of an answer, task by task. One slow task among fast ones is a bad task: stop it;"
            " all slow together is a shared resource or more traffic."
        ),
        unit="seconds",
        bad="up",
        combine="mean",
        floor=0.05,
        variants=tuple(_mean(source) for source in SUMS),
    ),
    Signal(
        id="http_in_flight",
        topic="http",
        title="requests in progress",
        meaning=(
            "Requests that were begun and not answered yet. When they pile up while the rate of requests does not, the"
            " workers wait for something: look at pools, locks and dependencies before adding workers."
        ),
        unit="count",
        bad="up",
        floor=3,
        variants=(
            Variant(
                name="Prometheus client",
                query="sum by ($service, $task) (http_requests_in_progress{$svc})",
                needs=("http_requests_in_progress",),
            ),
            Variant(
                name="Prometheus client, other name",
                query="sum by ($service, $task) (http_requests_in_flight{$svc})",
                needs=("http_requests_in_flight",),
            ),
            Variant(
                name="OpenTelemetry",
                query="sum by ($service, $task) (http_server_active_requests{$svc})",
                needs=("http_server_active_requests",),
            ),
            Variant(
                name="Tomcat by Micrometer",
                query="sum by ($service, $task) (tomcat_threads_busy_threads{$svc})",
                needs=("tomcat_threads_busy_threads",),
            ),
            Variant(
                name="starlette_exporter",
                query="sum by ($service, $task) (starlette_requests_in_progress{$svc})",
                needs=("starlette_requests_in_progress",),
            ),
            Variant(
                name="FastAPI instrumentator",
                query="sum by ($service, $task) (http_requests_inprogress{$svc})",
                needs=("http_requests_inprogress",),
            ),
        ),
    ),
    Signal(
        id="client_latency_mean",
        topic="http",
        title="mean latency of calls",
        meaning=(
            "How long the service waits for each of those that it calls. When one of them rises with the service's own"
            " latency, the cause is there: go to that service, and shorten the time-out towards it."
        ),
        unit="seconds",
        bad="up",
        combine="max",
        floor=0.05,
        variants=tuple(_calls_mean(source) for source in CALLS),
    ),
    Signal(
        id="client_error_ratio",
        topic="http",
        title="share of calls that fail",
        meaning=(
            "The share of calls to each dependency that got 5xx or no answer at all. Go to that dependency; where it is"
            " well, suspect DNS, TLS, security groups and credentials on the way to it."
        ),
        unit="ratio",
        bad="up",
        combine="max",
        floor=0.01,
        warn=FAILING,
        crit=Threshold(
            value=0.1,
            reason="a retry budget is a tenth of the calls (Google SRE book, Handling Overload): beyond, retries harm",
        ),
        variants=tuple(_calls_failed_share(source) for source in CALLS),
    ),
    Signal(
        id="http_latency_p50",
        topic="http",
        title="median latency",
        meaning=(
            "Half of all requests take longer than this. When it rises with p95 everything is slow: a shared resource;"
            " when only p95 rises, some routes, users or tasks are."
        ),
        unit="seconds",
        bad="up",
        combine="max",
        weighed=False,
        crit=Threshold(value=1.0, reason="half of all users notice that they wait (Nielsen, 1993: one second)"),
        variants=tuple(_quantile(0.5, source) for source in BUCKETS),
    ),
    Signal(
        id="http_latency_p99",
        topic="http",
        title="p99 latency",
        meaning=(
            "One request in a hundred takes longer than this. A tail that rises alone points at time-outs with retries,"
            " garbage collection, CPU throttling or one bad task; look at those before capacity."
        ),
        unit="seconds",
        bad="up",
        combine="max",
        weighed=False,
        warn=FRUSTRATING,
        crit=LOST,
        variants=tuple(_quantile(0.99, source) for source in BUCKETS),
    ),
    Signal(
        id="http_workers_ratio",
        topic="http",
        title="workers busy",
        meaning=(
            "The share of the server's threads that serve a request. Near 1 new requests queue unseen: find what the"
            " busy ones wait for (a thread dump says), and only then raise the number."
        ),
        unit="ratio",
        bad="up",
        combine="max",
        floor=0.1,
        warn=Threshold(value=0.8, reason="with one worker in five left, a burst of a quarter more traffic queues"),
        crit=Threshold(value=0.95, reason="new requests wait for a worker; health checks wait with them"),
        variants=(
            _workers("Tomcat by Micrometer", "tomcat_threads_busy_threads", "tomcat_threads_config_max_threads"),
            _workers("Jetty by Micrometer", "jetty_threads_busy", "jetty_threads_config_max"),
            _workers("the demo application", "worker_threads_busy", "worker_threads_max"),
        ),
    ),
    Signal(
        id="client_requests",
        topic="http",
        title="calls to others",
        meaning=(
            "How many calls the service makes to each of those that it calls. More calls than its own traffic explains"
            " are retries: they keep a struggling dependency down; stop them first."
        ),
        unit="per_second",
        bad="both",
        weighed=False,
        variants=tuple(_calls(source) for source in CALLS),
    ),
)
