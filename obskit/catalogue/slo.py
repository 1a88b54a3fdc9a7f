"""What objectives are set on: the share of a service's requests that were no good, over all its tasks.

A ratio of sums, not a mean of the tasks' ratios: a task with little traffic must not weigh as
much as one with a lot. Triage does not weigh these: `http_error_ratio` says the same by task.
"""

from obskit.model import Signal, Threshold, Variant

SIGNALS = (
    Signal(
        id="slo_error_ratio",
        topic="slo",
        title="share of requests that failed",
        unit="ratio",
        bad="up",
        meaning=(
            "What availability objectives are set on: 5xx answers of all requests, health checks left out. "
            "When it eats the error budget, open the incident dashboard and run obskit triage."
        ),
        combine="mean",
        floor=0.001,
        weighed=False,
        crit=Threshold(
            value=0.0144, reason="burns 2 % of the 30-day budget of a 99.9 % objective in an hour (SRE workbook)"
        ),
        variants=(
            Variant(
                name="Prometheus client, counter",
                query=(
                    '(sum by ($service) (rate(http_requests_total{$status=~"5..",$traffic,$svc}[$rate]))'
                    " or 0 * sum by ($service) (rate(http_requests_total{$traffic,$svc}[$rate])))"
                    " / sum by ($service) (rate(http_requests_total{$traffic,$svc}[$rate]))"
                ),
                needs=("http_requests_total",),
            ),
            Variant(
                name="OpenTelemetry",
                query=(
                    '(sum by ($service) (rate(http_server_request_duration_seconds_count{$status=~"5..",$traffic,$svc}[$rate]))'
                    " or 0 * sum by ($service) (rate(http_server_request_duration_seconds_count{$traffic,$svc}[$rate])))"
                    " / sum by ($service) (rate(http_server_request_duration_seconds_count{$traffic,$svc}[$rate]))"
                ),
                needs=("http_server_request_duration_seconds_count",),
                labels=(("status", "http_response_status_code"), ("route", "http_route")),
            ),
            Variant(
                name="Micrometer",
                query=(
                    '(sum by ($service) (rate(http_server_requests_seconds_count{$status=~"5..",$traffic,$svc}[$rate]))'
                    " or 0 * sum by ($service) (rate(http_server_requests_seconds_count{$traffic,$svc}[$rate])))"
                    " / sum by ($service) (rate(http_server_requests_seconds_count{$traffic,$svc}[$rate]))"
                ),
                needs=("http_server_requests_seconds_count",),
                labels=(("status", "status"), ("route", "uri")),
            ),
            Variant(
                name="Prometheus client, histogram",
                query=(
                    '(sum by ($service) (rate(http_request_duration_seconds_count{$status=~"5..",$traffic,$svc}[$rate]))'
                    " or 0 * sum by ($service) (rate(http_request_duration_seconds_count{$traffic,$svc}[$rate])))"
                    " / sum by ($service) (rate(http_request_duration_seconds_count{$traffic,$svc}[$rate]))"
                ),
                needs=("http_request_duration_seconds_count",),
            ),
        ),
    ),
)
