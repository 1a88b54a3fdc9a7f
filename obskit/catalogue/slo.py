"""What objectives are set on: how many requests there were, and how many of them were no good.

All of it by service, over all its tasks: a ratio of sums, not a mean of the tasks' ratios, for a
task with little traffic must not weigh as much as one with a lot. Triage does not weigh these:
`http_error_ratio` and the latencies say the same by task.

What is bad and what it is bad of are asked with the same variants in the same order, so that
failures of one instrumentation are never divided by the requests of another.
"""

from __future__ import annotations

from decimal import Decimal

from obskit.catalogue.http import _COUNTERS, _FASTAPI_FINE, _HISTOGRAMS, _failed_share, _Source
from obskit.model import Signal, Threshold, Variant

#: Seconds beyond which a request is slow where an objective says no other.
SLOW_SECONDS = "1"
#: Histograms that have buckets up to some seconds.
_TIMED = (_FASTAPI_FINE, *_HISTOGRAMS)


def slow_requests(limit: str = SLOW_SECONDS) -> Signal:
    """Return the signal of the requests that took longer than a limit.

    They are those of the histogram that are in no bucket up to the limit. A histogram that has no
    bucket that ends exactly there answers nothing, which is not the same as "none was slow".

    Args:
        limit: Seconds, as plain decimal digits: ``"0.5"``.
    """
    return Signal(
        id="slo_slow_requests",
        topic="slo",
        title=f"requests slower than {limit} s",
        meaning=(
            "How many requests a second took longer than the limit, health checks left out; what latency objectives"
            " are set on. When it grows, compare CPU, pool waits and the latency of calls, and run obskit triage."
        ),
        unit="per_second",
        bad="up",
        floor=0.01,
        weighed=False,
        variants=tuple(_slow(source, Decimal(limit)) for source in _TIMED),
    )


def _slow(source: _Source, limit: Decimal) -> Variant:
    within = _bound(limit * 1000 if source.to_seconds else limit)
    query = (
        f"clamp_min(sum by ($service) (rate({source.metric}_count{{$traffic,$svc}}[$rate]))"
        f" - sum by ($service) (rate({source.metric}_bucket{{{within},$traffic,$svc}}[$rate])), 0)"
    )
    return Variant(name=source.name, query=query, needs=(f"{source.metric}_count",), labels=source.labels)


def _bound(limit: Decimal) -> str:
    """Return the matcher of a bucket: clients write 1 as ``1`` or as ``1.0``."""
    text = format(limit.normalize(), "f")
    return f'le="{text}"' if "." in text else f'le=~"{text}([.]0)?"'


def _timed(source: _Source) -> Variant:
    query = f"sum by ($service) (rate({source.metric}_count{{$traffic,$svc}}[$rate]))"
    return Variant(name=source.name, query=query, needs=(f"{source.metric}_count",), labels=source.labels)


def _all(source: _Source) -> Variant:
    query = f"sum by ($service) (rate({source.metric}{{{source.guard}$traffic,$svc}}[$rate]))"
    return Variant(name=source.name, query=query, needs=(source.metric,), labels=source.labels)


def _failed(source: _Source) -> Variant:
    """Return requests answered 5xx; 0 where there are requests and no series of failed ones."""
    query = (
        f'(sum by ($service) (rate({source.metric}{{$status=~"5..",$traffic,$svc}}[$rate]))'
        f" or 0 * sum by ($service) (rate({source.metric}{{{source.guard}$traffic,$svc}}[$rate])))"
    )
    return Variant(name=source.name, query=query, needs=(source.metric,), labels=source.labels)


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
        variants=tuple(_failed_share(source, "$service") for source in _COUNTERS),
    ),
    Signal(
        id="slo_requests",
        topic="slo",
        title="requests that count for the objective",
        meaning=(
            "How many requests a second the service answers, health checks left out: the whole of which an"
            " availability objective promises a share. Without any there is nothing to promise, and nothing to burn."
        ),
        unit="per_second",
        bad="both",
        floor=0.1,
        weighed=False,
        variants=tuple(_all(source) for source in _COUNTERS),
    ),
    Signal(
        id="slo_failures",
        topic="slo",
        title="failed requests",
        meaning=(
            "How many requests a second were answered 5xx, health checks left out: what eats the error budget of an"
            " availability objective. When it grows, open the incident dashboard and run obskit triage."
        ),
        unit="per_second",
        bad="up",
        floor=0.01,
        weighed=False,
        variants=tuple(_failed(source) for source in _COUNTERS),
    ),
    Signal(
        id="slo_timed_requests",
        topic="slo",
        title="requests whose time was taken",
        meaning=(
            "How many requests a second the latency histogram counted, health checks left out: the whole of which a"
            " latency objective promises that a share is fast. Without any there is nothing to burn."
        ),
        unit="per_second",
        bad="both",
        floor=0.1,
        weighed=False,
        variants=tuple(_timed(source) for source in _TIMED),
    ),
    slow_requests(),
)
