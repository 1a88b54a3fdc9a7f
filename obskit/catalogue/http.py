"""What users feel: requests, errors and latency of a service, and of what it calls.

The histograms of one instrumentation answer several signals; each shape of query stands
once below, with the metric's name and its labels filled in from the table of sources.
"""

from __future__ import annotations

from dataclasses import dataclass

from obskit.model import Signal, Threshold, Variant

_SLOW = Threshold(value=1.0, reason="beyond one second a person notices that they wait (Nielsen, 1993)")
_FRUSTRATING = Threshold(
    value=4.0, reason="Apdex calls users frustrated from four times the target on, here one second"
)
_FAILING = Threshold(value=0.01, reason="one request in a hundred: ten times the budget of a 99.9 % objective")
_BURNING = Threshold(value=0.05, reason="one in twenty: the month's budget of a 99.9 % objective is gone in 14 hours")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """One instrumentation's metric.

    Attributes:
        name: The instrumentation.
        metric: A counter's whole name, or a histogram's without ``_bucket``, ``_sum``, ``_count``.
        labels: What it always calls the same, as `Variant.labels`.
        to_seconds: What turns its unit into seconds, as PromQL; "" when it is seconds.
        guard: A matcher that must hold for a request to have a status at all. Where the application
            names the label, a wrong guess at the name must give nothing instead of "no errors".
    """

    name: str
    metric: str
    labels: tuple[tuple[str, str], ...] = ()
    to_seconds: str = ""
    guard: str = ""


_OPEN = '$status!="",'
_OTEL_LABELS = (("status", "http_response_status_code"), ("route", "http_route"))
_OLD_OTEL_LABELS = (("status", "http_status_code"), ("route", "http_route"))
_MICROMETER_LABELS = (("status", "status"), ("route", "uri"))
_STARLETTE_LABELS = (("status", "status_code"), ("route", "path"))

_OTEL = _Source(name="OpenTelemetry", metric="http_server_request_duration_seconds", labels=_OTEL_LABELS)
_MICROMETER = _Source(name="Micrometer", metric="http_server_requests_seconds", labels=_MICROMETER_LABELS)
_CLIENT = _Source(name="Prometheus client, histogram", metric="http_request_duration_seconds", guard=_OPEN)
_OLD_OTEL = _Source(
    name="OpenTelemetry before 1.23",
    metric="http_server_duration_milliseconds",
    labels=_OLD_OTEL_LABELS,
    to_seconds=" / 1000",
)
_STARLETTE = _Source(name="starlette_exporter", metric="starlette_request_duration_seconds", labels=_STARLETTE_LABELS)
_FLASK = _Source(
    name="Flask exporter",
    metric="flask_http_request_duration_seconds",
    labels=(("status", "status"), ("route", "path")),
)
_EXPRESS = _Source(
    name="express-prom-bundle",
    metric="http_request_duration_seconds",
    labels=(("status", "status_code"), ("route", "path")),
    guard=_OPEN,
)
_FASTAPI = _Source(
    name="FastAPI instrumentator",
    metric="http_request_duration_seconds",
    labels=(("route", "handler"),),
)
# Its histogram by handler ends at one second; the fine one has no labels.
_FASTAPI_FINE = _Source(
    name="FastAPI instrumentator", metric="http_request_duration_highr_seconds", labels=(("route", ""),)
)
_HISTOGRAMS = (_CLIENT, _OTEL, _MICROMETER, _OLD_OTEL, _STARLETTE, _FLASK, _EXPRESS)

_COUNTERS = (
    _Source(name="Prometheus client, counter", metric="http_requests_total", guard=_OPEN),
    _Source(name=_OTEL.name, metric=f"{_OTEL.metric}_count", labels=_OTEL_LABELS),
    _Source(name=_MICROMETER.name, metric=f"{_MICROMETER.metric}_count", labels=_MICROMETER_LABELS),
    _Source(name=_CLIENT.name, metric=f"{_CLIENT.metric}_count", guard=_OPEN),
    _Source(name=_OLD_OTEL.name, metric=f"{_OLD_OTEL.metric}_count", labels=_OLD_OTEL_LABELS),
    _Source(name=_STARLETTE.name, metric="starlette_requests_total", labels=_STARLETTE_LABELS),
    _Source(name=_FLASK.name, metric="flask_http_request_total", labels=(("status", "status"), ("route", ""))),
    _Source(name=_EXPRESS.name, metric=f"{_EXPRESS.metric}_count", labels=_EXPRESS.labels, guard=_OPEN),
    _Source(
        name=_FASTAPI.name,
        metric="http_requests_total",
        labels=(("status", "status"), ("route", "handler")),
        guard=_OPEN,
    ),
)

_CALLS = (
    _Source(
        name="OpenTelemetry",
        metric="http_client_request_duration_seconds",
        labels=(("status", "http_response_status_code"), ("peer", "server_address")),
    ),
    _Source(
        name="Micrometer",
        metric="http_client_requests_seconds",
        labels=(("status", "status"), ("peer", "client_name")),
    ),
    _Source(
        name="OpenTelemetry before 1.23",
        metric="http_client_duration_milliseconds",
        labels=(("status", "http_status_code"), ("peer", "net_peer_name")),
        to_seconds=" / 1000",
    ),
)


def _variant(source: _Source, query: str, needs: str) -> Variant:
    return Variant(name=source.name, query=query, needs=(needs,), labels=source.labels)


def _requests(source: _Source) -> Variant:
    query = f"sum by ($service, $task) (rate({source.metric}{{$traffic,$svc}}[$rate]))"
    return _variant(source, query, source.metric)


def _failed_share(source: _Source, by: str = "$service, $task") -> Variant:
    """Return requests answered 5xx as a share of all; 0 where there were requests and none failed."""
    total = f"sum by ({by}) (rate({source.metric}{{{source.guard}$traffic,$svc}}[$rate]))"
    query = f'(sum by ({by}) (rate({source.metric}{{$status=~"5..",$traffic,$svc}}[$rate])) or 0 * {total}) / {total}'
    return _variant(source, query, source.metric)


def _quantile(share: float, source: _Source) -> Variant:
    query = (
        f"histogram_quantile({share}, sum by ($service, le)"
        f" (rate({source.metric}_bucket{{$traffic,$svc}}[$rate]))){source.to_seconds}"
    )
    return _variant(source, query, f"{source.metric}_count")


def _mean(source: _Source) -> Variant:
    query = (
        f"sum by ($service, $task) (rate({source.metric}_sum{{$traffic,$svc}}[$rate]))"
        f" / sum by ($service, $task) (rate({source.metric}_count{{$traffic,$svc}}[$rate])){source.to_seconds}"
    )
    return _variant(source, query, f"{source.metric}_sum")


def _calls(source: _Source) -> Variant:
    query = f"sum by ($service, $peer) (rate({source.metric}_count{{$svc}}[$rate]))"
    return _variant(source, query, f"{source.metric}_count")


def _calls_mean(source: _Source) -> Variant:
    query = (
        f"sum by ($service, $peer) (rate({source.metric}_sum{{$svc}}[$rate]))"
        f" / sum by ($service, $peer) (rate({source.metric}_count{{$svc}}[$rate])){source.to_seconds}"
    )
    return _variant(source, query, f"{source.metric}_sum")


def _calls_failed_share(source: _Source) -> Variant:
    """Return calls that got 5xx or no answer as a share of all; without an answer there is no status."""
    total = f"sum by ($service, $peer) (rate({source.metric}_count{{$svc}}[$rate]))"
    query = (
        f'(sum by ($service, $peer) (rate({source.metric}_count{{$status!~"[1234]..",$svc}}[$rate]))'
        f" or 0 * {total}) / {total}"
    )
    return _variant(source, query, f"{source.metric}_count")


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
        variants=tuple(_requests(source) for source in _COUNTERS),
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
        warn=_FAILING,
        crit=_BURNING,
        variants=tuple(_failed_share(source) for source in _COUNTERS),
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
        crit=_FRUSTRATING,
        variants=tuple(_quantile(0.95, source) for source in (_FASTAPI_FINE, *_HISTOGRAMS)),
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
        variants=tuple(_mean(source) for source in (*_HISTOGRAMS, _FASTAPI)),
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
        variants=tuple(_calls_mean(source) for source in _CALLS),
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
        warn=_FAILING,
        crit=Threshold(
            value=0.1,
            reason="a retry budget is a tenth of the calls (Google SRE book, Handling Overload): beyond, retries harm",
        ),
        variants=tuple(_calls_failed_share(source) for source in _CALLS),
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
        variants=tuple(_quantile(0.5, source) for source in (_FASTAPI_FINE, *_HISTOGRAMS)),
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
        warn=_FRUSTRATING,
        crit=Threshold(value=10.0, reason="after ten seconds users turn to something else (Nielsen, 1993)"),
        variants=tuple(_quantile(0.99, source) for source in (_FASTAPI_FINE, *_HISTOGRAMS)),
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
        variants=tuple(_calls(source) for source in _CALLS),
    ),
)
