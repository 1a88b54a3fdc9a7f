"""What instrumentations call requests: the metrics and labels that several topics ask of.

Each topic has its own shapes of queries; a new instrumentation is one more `Source` here.
"""

from __future__ import annotations

from dataclasses import dataclass

from obskit.model import Threshold, Variant

FAILING = Threshold(value=0.01, reason="one request in a hundred: ten times the budget of a 99.9 % objective")
FRUSTRATING = Threshold(value=4.0, reason="Apdex calls users frustrated from four times the target on, here one second")
LOST = Threshold(value=10.0, reason="after ten seconds users turn to something else (Nielsen, 1993)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
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
_FAILED = '$status=~"5..",$traffic,$svc'
_OTEL_LABELS = (("status", "http_response_status_code"), ("route", "http_route"))
_OLD_OTEL_LABELS = (("status", "http_status_code"), ("route", "http_route"))
_MICROMETER_LABELS = (("status", "status"), ("route", "uri"))
_STARLETTE_LABELS = (("status", "status_code"), ("route", "path"))

_OTEL = Source(name="OpenTelemetry", metric="http_server_request_duration_seconds", labels=_OTEL_LABELS)
_MICROMETER = Source(name="Micrometer", metric="http_server_requests_seconds", labels=_MICROMETER_LABELS)
_CLIENT = Source(name="Prometheus client, histogram", metric="http_request_duration_seconds", guard=_OPEN)
_OLD_OTEL = Source(
    name="OpenTelemetry before 1.23",
    metric="http_server_duration_milliseconds",
    labels=_OLD_OTEL_LABELS,
    to_seconds=" / 1000",
)
_STARLETTE = Source(name="starlette_exporter", metric="starlette_request_duration_seconds", labels=_STARLETTE_LABELS)
_FLASK = Source(
    name="Flask exporter",
    metric="flask_http_request_duration_seconds",
    labels=(("status", "status"), ("route", "path")),
)
_EXPRESS = Source(
    name="express-prom-bundle",
    metric="http_request_duration_seconds",
    labels=(("status", "status_code"), ("route", "path")),
    guard=_OPEN,
)
_FASTAPI = Source(
    name="FastAPI instrumentator",
    metric="http_request_duration_seconds",
    labels=(("route", "handler"),),
)
#: Its histogram by handler ends at one second; the fine one has no labels.
_FASTAPI_FINE = Source(
    name="FastAPI instrumentator", metric="http_request_duration_highr_seconds", labels=(("route", ""),)
)
_HISTOGRAMS = (_CLIENT, _OTEL, _MICROMETER, _OLD_OTEL, _STARLETTE, _FLASK, _EXPRESS)

#: Histograms with buckets up to some seconds.
BUCKETS = (_FASTAPI_FINE, *_HISTOGRAMS)
#: Histograms whose sum and count tell a mean.
SUMS = (*_HISTOGRAMS, _FASTAPI)

#: What counts answered requests.
COUNTERS = (
    Source(name="Prometheus client, counter", metric="http_requests_total", guard=_OPEN),
    Source(name=_OTEL.name, metric=f"{_OTEL.metric}_count", labels=_OTEL_LABELS),
    Source(name=_MICROMETER.name, metric=f"{_MICROMETER.metric}_count", labels=_MICROMETER_LABELS),
    Source(name=_CLIENT.name, metric=f"{_CLIENT.metric}_count", guard=_OPEN),
    Source(name=_OLD_OTEL.name, metric=f"{_OLD_OTEL.metric}_count", labels=_OLD_OTEL_LABELS),
    Source(name=_STARLETTE.name, metric="starlette_requests_total", labels=_STARLETTE_LABELS),
    Source(name=_FLASK.name, metric="flask_http_request_total", labels=(("status", "status"), ("route", ""))),
    Source(name=_EXPRESS.name, metric=f"{_EXPRESS.metric}_count", labels=_EXPRESS.labels, guard=_OPEN),
    Source(
        name=_FASTAPI.name,
        metric="http_requests_total",
        labels=(("status", "status"), ("route", "handler")),
        guard=_OPEN,
    ),
)

#: What takes the time of calls to others.
CALLS = (
    Source(
        name="OpenTelemetry",
        metric="http_client_request_duration_seconds",
        labels=(("status", "http_response_status_code"), ("peer", "server_address")),
    ),
    Source(
        name="Micrometer",
        metric="http_client_requests_seconds",
        labels=(("status", "status"), ("peer", "client_name")),
    ),
    Source(
        name="OpenTelemetry before 1.23",
        metric="http_client_duration_milliseconds",
        labels=(("status", "http_status_code"), ("peer", "net_peer_name")),
        to_seconds=" / 1000",
    ),
)


def variant(source: Source, query: str, needs: str) -> Variant:
    """Return one instrumentation's way to a signal; *needs* is the metric that must be there."""
    return Variant(name=source.name, query=query, needs=(needs,), labels=source.labels)


def rate(metric: str, by: str = "$service", matchers: str = "$traffic,$svc") -> str:
    """Return how much a counter grows a second, over all series of what *by* names; without health checks by default."""
    return f"sum by ({by}) (rate({metric}{{{matchers}}}[$rate]))"


def answered(source: Source, by: str = "$service") -> str:
    """Return the requests that have a status."""
    return rate(source.metric, by, f"{source.guard}$traffic,$svc")


def failed(source: Source, by: str = "$service") -> str:
    """Return requests answered 5xx; 0 where there are requests and no series of failed ones."""
    return f"({rate(source.metric, by, _FAILED)} or 0 * {answered(source, by)})"


def failed_share(source: Source, by: str = "$service") -> Variant:
    """Return requests answered 5xx as a share of all; 0 where there were requests and none failed."""
    return variant(source, f"{failed(source, by)} / {answered(source, by)}", source.metric)
