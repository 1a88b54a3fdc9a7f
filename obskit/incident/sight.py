"""What was seen of a service, and so what may be said of it: what nobody looked at is not well."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Final

import numpy as np

from obskit.incident.evidence import FELT, Evidence
from obskit.incident.stats import Ints
from obskit.incident.units import percent
from obskit.model import Gap, Logs, nanoseconds, stamp, utc

#: What tells how users of a service fare, good or bad: that it is asked, and how it and its balancer answer. Not what
#: it runs on: a process with CPU to spare may serve nobody.
_SERVED: Final = ("http_requests", *FELT, "alb_requests", "alb_target_5xx", "alb_elb_5xx", "alb_target_latency")
#: Seen over most of a window is more than this share of it.
_MOST: Final = 0.5
#: A stretch without samples is told from this share of the window on: a restart or one late scrape is none.
_WORTH_TELLING: Final = 0.1


def blind(evidence: Evidence) -> set[str]:
    """Return the pillars of which nothing was seen."""
    failed = {g.source for g in evidence.gaps if not g.partial}
    found = set()
    if not any(s.service == evidence.service for s in evidence.metrics.series):
        found.add("metrics")
    if not evidence.lines:
        found.add("logs")
    if not evidence.events and failed & {"ecs", "events file", "events"}:
        found.add("events")
    return found


def none_looked(evidence: Evidence, needs: Sequence[str], told_by: Collection[str]) -> str:
    """Return why nobody can say of a cause that it is not there: what could tell of it was not seen. "" where it was.

    Args:
        evidence: What was seen.
        needs: Pillars of which one has to be seen.
        told_by: Signals by which metrics tell of it. Where metrics alone were seen, one of these has to be, over most
            of the window.
    """
    seen = set(needs) - blind(evidence)
    if not seen:
        return f"nothing was seen of {' or '.join(needs)}"
    if seen != {"metrics"}:
        return ""
    series = evidence.metrics.series
    columns = [i for i, s in enumerate(series) if s.signal in told_by and s.service == evidence.entity(s.signal)]
    points, has = _seen_at(evidence, columns)
    if len(has) > _MOST * len(points):
        return ""
    others = [pillar for pillar in needs if pillar != "metrics"]
    too_few = f"its series were seen over {percent(len(has) / len(points))} of the window" if len(has) else ""
    return (too_few or "no series of it was seen") + (f", and nothing of {' or '.join(others)}" if others else "")


def watched(evidence: Evidence, lines: Logs) -> bool:
    """Say whether users' requests, or the service's log lines, were seen over most of the window.

    Where neither was, that nothing changed for the worse is no sign that all is well.

    Args:
        evidence: What was found in the telemetry.
        lines: The log lines of the same telemetry, ascending in time.
    """
    series = evidence.metrics.series
    served = [i for i, s in enumerate(series) if s.service == evidence.service and s.signal in _SERVED]
    points, has = _seen_at(evidence, served)
    return len(has) > _MOST * len(points) or _span(lines, evidence) > _MOST * evidence.window.duration


def _seen_at(evidence: Evidence, columns: Sequence[int]) -> tuple[Ints, Ints]:
    """Return all points of time in the window, and those at which one of the columns has a sample."""
    at = evidence.metrics.times.astype("datetime64[ns]").astype(np.int64)
    inside = (at >= nanoseconds(evidence.window.start)) & (at <= nanoseconds(evidence.window.end))
    has = np.isfinite(evidence.metrics.values[:, list(columns)]).any(axis=1)
    return at[inside], at[inside & has]


def _span(lines: Logs, evidence: Evidence) -> timedelta:
    """Return the time from the first to the last line that the service wrote in the window."""
    if not len(lines):
        return timedelta()
    import pyarrow.compute as pc

    at = lines.table.column("time_ns")
    start, end = (nanoseconds(t) for t in (evidence.window.start, evidence.window.end))
    own = pc.and_(
        pc.equal(lines.table.column("service"), evidence.service),
        pc.and_(pc.greater_equal(at, start), pc.less_equal(at, end)),
    )
    found = pc.min_max(pc.filter(at, own)).as_py()
    return timedelta() if found["min"] is None else timedelta(microseconds=(found["max"] - found["min"]) / 1000)


def without_samples(evidence: Evidence) -> tuple[Gap, ...]:
    """Return a gap for each long stretch of the window in which no series of the service has a sample.

    None where it has no series at all: that is another gap's to tell. A stretch is long from a tenth of the window on,
    and longer than two of the series' usual steps.
    """
    series, window = evidence.metrics.series, evidence.window
    own = [i for i, s in enumerate(series) if s.service == evidence.service]
    if not own:
        return ()
    _, at = _seen_at(evidence, own)
    start, end = nanoseconds(window.start), nanoseconds(window.end)
    if not len(at):
        return (_gap(evidence, f"none of its series has a sample in the window{_last_before(evidence, own)}"),)
    step = float(np.median(np.diff(at))) if len(at) > 1 else 0.0
    edges = np.concatenate(([start], at, [end]))
    long = np.flatnonzero(np.diff(edges) > max(_WORTH_TELLING * (end - start), 2 * step))
    return tuple(_gap(evidence, _told(edges, int(place))) for place in long)


def _last_before(evidence: Evidence, columns: Sequence[int]) -> str:
    """Return in words when the columns had their last sample before the window; "" where none was seen."""
    has = np.isfinite(evidence.metrics.values[:, list(columns)]).any(axis=1)
    at = evidence.metrics.times.astype("datetime64[ns]").astype(np.int64)[has]
    at = at[at < nanoseconds(evidence.window.start)]
    return f"; the last before it is of {stamp(utc(int(at[-1])))}" if len(at) else ""


def _told(edges: Ints, place: int) -> str:
    """Return in words that there is no sample from one edge to the next; the first and the last are the window's."""
    since, until = (stamp(utc(int(edge))) for edge in edges[place : place + 2])  # a window may be of days
    share = percent(float((edges[place + 1] - edges[place]) / (edges[-1] - edges[0])))
    if place == 0:
        return f"its series begin at {until}: {share} of the window has no samples"
    if place == len(edges) - 2:
        return f"its series end at {since}: {share} of the window has no samples"
    return f"its series have no samples from {since} to {until}, {share} of the window"


def _gap(evidence: Evidence, reason: str) -> Gap:
    return Gap(source="metrics", query=evidence.service, reason=reason, partial=True)
