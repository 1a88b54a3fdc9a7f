"""What users feel: requests, errors and latency of a service, and of what it calls."""

from obskit.model import Signal, Threshold, Variant

_SLOW = Threshold(value=1.0, reason="beyond one second a person notices that they wait (Nielsen, 1993)")
_FAILING = Threshold(value=0.01, reason="one request in a hundred: ten times the budget of a 99.9 % objective")

SIGNALS = (
    Signal(
        id="http_requests",
        topic="http",
        title="requests",
        unit="per_second",
        bad="both",
        floor=0.5,
        variants=(
            Variant(
                name="Prometheus client, counter",
                query="sum by ($service, $task) (rate(http_requests_total{$traffic,$svc}[$rate]))",
                needs=("http_requests_total",),
            ),
            Variant(
                name="OpenTelemetry",
                query="sum by ($service, $task) (rate(http_server_request_duration_seconds_count{$traffic,$svc}[$rate]))",
                needs=("http_server_request_duration_seconds_count",),
            ),
            Variant(
                name="Micrometer",
                query="sum by ($service, $task) (rate(http_server_requests_seconds_count{$traffic,$svc}[$rate]))",
                needs=("http_server_requests_seconds_count",),
            ),
            Variant(
                name="Prometheus client, histogram",
                query="sum by ($service, $task) (rate(http_request_duration_seconds_count{$traffic,$svc}[$rate]))",
                needs=("http_request_duration_seconds_count",),
            ),
            Variant(
                name="OpenTelemetry before 1.23",
                query="sum by ($service, $task) (rate(http_server_duration_milliseconds_count{$traffic,$svc}[$rate]))",
                needs=("http_server_duration_milliseconds_count",),
            ),
        ),
    ),
    Signal(
        id="http_error_ratio",
        topic="http",
        title="share of requests answered 5xx",
        unit="ratio",
        bad="up",
        combine="mean",
        floor=0.01,
        warn=_FAILING,
        variants=(
            Variant(
                name="Prometheus client, counter",
                query=(
                    '(sum by ($service, $task) (rate(http_requests_total{$status=~"5..",$traffic,$svc}[$rate]))'
                    " or 0 * sum by ($service, $task) (rate(http_requests_total{$traffic,$svc}[$rate])))"
                    " / sum by ($service, $task) (rate(http_requests_total{$traffic,$svc}[$rate]))"
                ),
                needs=("http_requests_total",),
            ),
            Variant(
                name="OpenTelemetry",
                query=(
                    "(sum by ($service, $task)"
                    ' (rate(http_server_request_duration_seconds_count{$status=~"5..",$traffic,$svc}[$rate]))'
                    " or 0 * sum by ($service, $task)"
                    " (rate(http_server_request_duration_seconds_count{$traffic,$svc}[$rate])))"
                    " / sum by ($service, $task) (rate(http_server_request_duration_seconds_count{$traffic,$svc}[$rate]))"
                ),
                needs=("http_server_request_duration_seconds_count",),
            ),
            Variant(
                name="Micrometer",
                query=(
                    '(sum by ($service, $task) (rate(http_server_requests_seconds_count{$status=~"5..",$traffic,$svc}[$rate]))'
                    " or 0 * sum by ($service, $task) (rate(http_server_requests_seconds_count{$traffic,$svc}[$rate])))"
                    " / sum by ($service, $task) (rate(http_server_requests_seconds_count{$traffic,$svc}[$rate]))"
                ),
                needs=("http_server_requests_seconds_count",),
            ),
            Variant(
                name="Prometheus client, histogram",
                query=(
                    '(sum by ($service, $task) (rate(http_request_duration_seconds_count{$status=~"5..",$traffic,$svc}[$rate]))'
                    " or 0 * sum by ($service, $task) (rate(http_request_duration_seconds_count{$traffic,$svc}[$rate])))"
                    " / sum by ($service, $task) (rate(http_request_duration_seconds_count{$traffic,$svc}[$rate]))"
                ),
                needs=("http_request_duration_seconds_count",),
            ),
        ),
    ),
    Signal(
        id="http_latency_p95",
        topic="http",
        title="p95 latency",
        unit="seconds",
        bad="up",
        combine="max",
        floor=0.05,
        warn=_SLOW,
        variants=(
            Variant(
                name="Prometheus client, histogram",
                query=(
                    "histogram_quantile(0.95, sum by ($service, le)"
                    " (rate(http_request_duration_seconds_bucket{$traffic,$svc}[$rate])))"
                ),
                needs=("http_request_duration_seconds_count",),
            ),
            Variant(
                name="OpenTelemetry",
                query=(
                    "histogram_quantile(0.95, sum by ($service, le)"
                    " (rate(http_server_request_duration_seconds_bucket{$traffic,$svc}[$rate])))"
                ),
                needs=("http_server_request_duration_seconds_count",),
            ),
            Variant(
                name="Micrometer",
                query=(
                    "histogram_quantile(0.95, sum by ($service, le)"
                    " (rate(http_server_requests_seconds_bucket{$traffic,$svc}[$rate])))"
                ),
                needs=("http_server_requests_seconds_count",),
            ),
        ),
    ),
    Signal(
        id="http_latency_mean",
        topic="http",
        title="mean latency",
        unit="seconds",
        bad="up",
        combine="mean",
        floor=0.05,
        variants=(
            Variant(
                name="Prometheus client, histogram",
                query=(
                    "sum by ($service, $task) (rate(http_request_duration_seconds_sum{$traffic,$svc}[$rate]))"
                    " / sum by ($service, $task) (rate(http_request_duration_seconds_count{$traffic,$svc}[$rate]))"
                ),
                needs=("http_request_duration_seconds_sum",),
            ),
            Variant(
                name="OpenTelemetry",
                query=(
                    "sum by ($service, $task) (rate(http_server_request_duration_seconds_sum{$traffic,$svc}[$rate]))"
                    " / sum by ($service, $task) (rate(http_server_request_duration_seconds_count{$traffic,$svc}[$rate]))"
                ),
                needs=("http_server_request_duration_seconds_sum",),
            ),
            Variant(
                name="Micrometer",
                query=(
                    "sum by ($service, $task) (rate(http_server_requests_seconds_sum{$traffic,$svc}[$rate]))"
                    " / sum by ($service, $task) (rate(http_server_requests_seconds_count{$traffic,$svc}[$rate]))"
                ),
                needs=("http_server_requests_seconds_sum",),
            ),
        ),
    ),
    Signal(
        id="http_in_flight",
        topic="http",
        title="requests in progress",
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
        ),
    ),
    Signal(
        id="client_latency_mean",
        topic="http",
        title="mean latency of calls",
        unit="seconds",
        bad="up",
        combine="max",
        floor=0.05,
        variants=(
            Variant(
                name="OpenTelemetry",
                query=(
                    "sum by ($service, $peer) (rate(http_client_request_duration_seconds_sum{$svc}[$rate]))"
                    " / sum by ($service, $peer) (rate(http_client_request_duration_seconds_count{$svc}[$rate]))"
                ),
                needs=("http_client_request_duration_seconds_sum",),
            ),
            Variant(
                name="Micrometer",
                query=(
                    "sum by ($service, $peer) (rate(http_client_requests_seconds_sum{$svc}[$rate]))"
                    " / sum by ($service, $peer) (rate(http_client_requests_seconds_count{$svc}[$rate]))"
                ),
                needs=("http_client_requests_seconds_sum",),
            ),
        ),
    ),
    Signal(
        id="client_error_ratio",
        topic="http",
        title="share of calls that fail",
        unit="ratio",
        bad="up",
        combine="max",
        floor=0.01,
        warn=_FAILING,
        variants=(
            Variant(
                name="OpenTelemetry",
                query=(
                    "(sum by ($service, $peer)"
                    ' (rate(http_client_request_duration_seconds_count{$status!~"[1234]..",$svc}[$rate]))'
                    " or 0 * sum by ($service, $peer) (rate(http_client_request_duration_seconds_count{$svc}[$rate])))"
                    " / sum by ($service, $peer) (rate(http_client_request_duration_seconds_count{$svc}[$rate]))"
                ),
                needs=("http_client_request_duration_seconds_count",),
            ),
            Variant(
                name="Micrometer",
                query=(
                    '(sum by ($service, $peer) (rate(http_client_requests_seconds_count{$status!~"[1234]..",$svc}[$rate]))'
                    " or 0 * sum by ($service, $peer) (rate(http_client_requests_seconds_count{$svc}[$rate])))"
                    " / sum by ($service, $peer) (rate(http_client_requests_seconds_count{$svc}[$rate]))"
                ),
                needs=("http_client_requests_seconds_count",),
            ),
        ),
    ),
)
