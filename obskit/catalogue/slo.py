"""What objectives are set on: how many requests there were, and how many of them were no good.

All of it by service, over all its tasks: a ratio of sums, not a mean of the tasks' ratios, for a
task with little traffic must not weigh as much as one with a lot. Triage does not weigh these:
`http_error_ratio` and the latencies say the same by task.

What is bad and what it is bad of are asked with the same variants in the same order, so that
failures of one instrumentation are never divided by the requests of another.
"""

from __future__ import annotations

from decimal import Decimal

from obskit.catalogue._http import BUCKETS, COUNTERS, Source, answered, failed, failed_share, rate, variant
from obskit.model import Signal, Threshold, Variant

#: Seconds beyond which a request is slow where an objective says no other.
SLOW_SECONDS = "1"


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
        variants=tuple(_slow(source, Decimal(limit)) for source in BUCKETS),
    )


def _slow(source: Source, limit: Decimal) -> Variant:
    within = _bound(limit * 1000 if source.to_seconds else limit)
    fast = rate(f"{source.metric}_bucket", matchers=f"{within},$traffic,$svc")
    count = f"{source.metric}_count"
    return variant(source, f"clamp_min({rate(count)} - {fast}, 0)", count)


def _bound(limit: Decimal) -> str:
    """Return the matcher of a bucket: clients write 1 as ``1`` or as ``1.0``."""
    text = format(limit.normalize(), "f")
    return f'le="{text}"' if "." in text else f'le=~"{text}([.]0)?"'


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
        variants=tuple(failed_share(source) for source in COUNTERS),
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
        variants=tuple(variant(source, answered(source), source.metric) for source in COUNTERS),
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
        variants=tuple(variant(source, failed(source), source.metric) for source in COUNTERS),
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
        variants=tuple(variant(one, rate(f"{one.metric}_count"), f"{one.metric}_count") for one in BUCKETS),
    ),
    slow_requests(),
)
