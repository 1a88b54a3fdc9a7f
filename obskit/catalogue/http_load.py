"""What becomes of requests before they are answered: whether they still come, and whether they pile up.

Latency and error ratios are measured when an answer is sent. A service that nobody reaches,
or that answers nothing, measures neither; these two are for that. Triage sees the same in
`http_requests` and `http_in_flight`; rules need it as one number with a level.
"""

from __future__ import annotations

from obskit.catalogue._http import COUNTERS, FRUSTRATING, LOST, Source, rate, variant
from obskit.model import Signal, Threshold, Variant


def _still_coming(source: Source) -> Variant:
    """Return the requests now as a share of the least that came in the hour before the last one.

    The least and not the mean, so that a batch that ended is no loss. What came a task ago counts
    too: new tasks that nobody has reached yet have no series, which is a 0 and no gap.
    """
    now = rate(source.metric)
    before = f"min_over_time({now}[1h:5m] offset 1h)"
    return variant(source, f"({now} or 0 * {before}) / ({before} > 0.5)", source.metric)


def _in_progress(name: str, began: str, answered: str) -> Variant:
    """Return how long a request is in progress on average: Little's law, how many by how many a second."""
    return Variant(
        name=name,
        query=f"sum by ($service) ({began}{{$svc}}) / {rate(answered, matchers='$svc')}",
        needs=(began, answered),
    )


SIGNALS = (
    Signal(
        id="http_traffic_ratio",
        topic="http_load",
        title="requests, of what came an hour ago",
        meaning=(
            "How much of the traffic of an hour ago still comes. Near 0 users do not reach the service although it runs:"
            " look at the balancer's targets, DNS, the certificate and the callers, before the service itself."
        ),
        unit="ratio",
        bad="down",
        combine="min",
        weighed=False,
        crit=Threshold(
            value=0.05,
            reason="one request in twenty is left of the quietest minutes before; no hour of a day does that",
        ),
        variants=tuple(_still_coming(source) for source in COUNTERS),
    ),
    Signal(
        id="http_in_progress_seconds",
        topic="http_load",
        title="time in progress",
        meaning=(
            "How long requests are in progress on average, those that are never answered included: where it is far above"
            " the mean latency, requests hang. A thread dump says on what; long polls and streams look the same."
        ),
        unit="seconds",
        bad="up",
        combine="max",
        weighed=False,
        warn=FRUSTRATING,
        crit=LOST,
        variants=(
            _in_progress("Prometheus client, counter", "http_requests_in_progress", "http_requests_total"),
            _in_progress(
                "Prometheus client, histogram", "http_requests_in_progress", "http_request_duration_seconds_count"
            ),
            _in_progress("Prometheus client, other name", "http_requests_in_flight", "http_requests_total"),
            _in_progress("OpenTelemetry", "http_server_active_requests", "http_server_request_duration_seconds_count"),
            _in_progress("Tomcat by Micrometer", "tomcat_threads_busy_threads", "http_server_requests_seconds_count"),
            _in_progress("starlette_exporter", "starlette_requests_in_progress", "starlette_requests_total"),
            _in_progress("FastAPI instrumentator", "http_requests_inprogress", "http_requests_total"),
        ),
    ),
)
