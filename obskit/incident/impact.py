"""What users suffered: requests that failed, latency, tasks that were left, before and in the troubled stretch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

import numpy as np

from obskit.incident.evidence import CHANGES, FELT
from obskit.incident.losses import Flags, Loss, count, is_rate, spans
from obskit.model import Diagnosis, Finding, FloatMatrix, Labels, Metrics, Unit, Window

#: What users feel of a service, its balancer and its tasks: a change of these is a symptom, its end a recovery.
SYMPTOMS = (*FELT, "alb_target_5xx", "alb_elb_5xx", "alb_error_ratio", "ecs_running_tasks")
#: Answers 5XX that a balancer counts: its targets' and its own.
_FAILURES = ("alb_target_5xx", "alb_elb_5xx")
#: Labels of a series that is about a whole balancer, as CloudWatch and its exporters write them.
_OF_BALANCERS = frozenset({"load_balancer", "dimension_LoadBalancer"})
Where = Literal["service", "balancer"]
How = Literal["sum", "mean", "max"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One signal before the troubled stretch and in it; NaN where there was no sample.

    Attributes:
        signal: Its id.
        unit: Its base unit.
        before, during: In the mean of the samples before the stretch and in it, so that a rate times the time is the
            number, 5XX of a balancer filled up as `Own.failures` has it; seconds and counts in their median; of a share
            of requests that of all these requests.
        lowest, highest: Of the samples in the stretch, of the service's own series, which timeline, page and plot show
            as well. Where tasks' columns make it, it is their sum, mean or largest as the catalogue says, and of a
            share of requests their mean, in which a task weighs the same however few requests it had.
        measured: Share of the stretch that has samples, 0 to 1.
        queries: What to send to see it again; empty when the signal was not answered at all.
    """

    signal: str
    unit: Unit
    before: float
    during: float
    lowest: float
    highest: float
    measured: float
    queries: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """What one incident did to users.

    Attributes:
        stretch: From the onset to the end of what users felt, or to the window's end; the window itself when no onset
            is known.
        troubled: Whether there is an onset.
        over: When what users felt was over, always after the stretch's start; None while it lasts or when they felt
            nothing.
        readings: One each of `SIGNALS`, and ``http_error_ratio``; measured or not.
        lost: Requests in the stretch, as the service and as its balancer count them; None where they were not asked.
        usual: Requests a second before the stretch, counted alike; NaN where there was no sample.
        felt: Signals of `SYMPTOMS` of which the engine found that they changed, the earliest first.
        fewer: Whether the engine found that the service's own requests became fewer.
        shared: Whether the balancer's count holds answers 5XX of the balancer itself that were told for the balancer
            as a whole: whoever else stands behind it may have caused them.
        window: The same of the whole window, together with the stretch.
    """

    stretch: Window
    troubled: bool
    over: datetime | None
    readings: tuple[Reading, ...]
    lost: Mapping[Where, Loss | None]
    usual: Mapping[Where, float]
    felt: tuple[str, ...]
    fewer: bool
    shared: bool
    window: Mapping[Where, Loss | None]

    @property
    def unfelt(self) -> tuple[Reading, ...]:
        """What users feel, known before the stretch and in it, and of which the engine found no change.

        A level of these may still have moved: by less than counts as a change, or for too short to be sure.
        """
        known = (r for r in self.readings if np.isfinite([r.before, r.during]).all())
        return tuple(r for r in known if r.signal in FELT and r.signal not in self.felt)


#: What is read of a service, its unit, and how several columns make one line: as the catalogue combines tasks.
SIGNALS: tuple[tuple[str, Unit, How], ...] = (
    ("http_requests", "per_second", "sum"),
    ("http_latency_p95", "seconds", "max"),
    ("http_latency_mean", "seconds", "mean"),
    ("ecs_running_tasks", "count", "max"),
    ("alb_healthy_hosts", "count", "max"),
    ("alb_requests", "per_second", "sum"),
    ("alb_target_5xx", "per_second", "sum"),
    ("alb_elb_5xx", "per_second", "sum"),
)


def impact_of(diagnosis: Diagnosis, metrics: Metrics) -> Impact:
    """Return what users of the diagnosed service suffered.

    Args:
        diagnosis: Says since when, and until when.
        metrics: What was recorded, with tasks' own columns; the calm stretch included.
    """
    start = diagnosis.onset or diagnosis.window.start
    ended = recovered(diagnosis)
    over = ended if ended is not None and ended > start else None
    end = over if over is not None and diagnosis.onset is not None else diagnosis.window.end
    stretch = Window(start=start, end=max(end, start), step=diagnosis.window.step)
    whole = Window(start=min(start, diagnosis.window.start), end=diagnosis.window.end, step=stretch.step)
    own = Own(metrics.where(i for i, s in enumerate(metrics.series) if s.service == diagnosis.service))
    calm = Window(start=diagnosis.window.with_baseline().start, end=start, step=stretch.step)
    parts = _Parts(
        before=spans(metrics.times, calm),
        inside=spans(metrics.times, stretch),
        seconds=stretch.duration.total_seconds(),
    )
    sides: tuple[tuple[Where, _Sides | None], ...] = (("service", own.answered()), ("balancer", own.balanced()))
    readings = [_reading(name, unit, own, how, parts) for name, unit, how in SIGNALS]
    readings.insert(1, _error_ratio(own, sides[0][1], parts))
    calls = [f for f in _changes(diagnosis) if f.subject == "http_requests" and f.service == diagnosis.service]
    rates = {reading.signal: reading.before for reading in readings}
    return Impact(
        stretch=stretch,
        troubled=diagnosis.onset is not None,
        over=over,
        readings=tuple(readings),
        lost={where: count(*side, parts.inside, stretch) if side else None for where, side in sides},
        usual={"service": rates["http_requests"], "balancer": rates["alb_requests"]},
        felt=tuple(dict.fromkeys(f.subject for f in symptoms(diagnosis))),
        fewer=any(f.after < f.before for f in calls if not f.task),
        shared=own.holds_others(parts.inside),
        window={where: count(*side, spans(metrics.times, whole), whole) if side else None for where, side in sides},
    )


def recovered(diagnosis: Diagnosis) -> datetime | None:
    """Return when the last change that users felt was over; None while one lasts, or when they felt none.

    What the likeliest cause shows of itself in metrics must be over as well: errors that pause are no recovery.
    """
    felt = symptoms(diagnosis)
    first = diagnosis.hypotheses[:1]
    cited = {c.query for h in first for c in h.judgement.claims_for if c.pillar == "metrics" and c.query}
    lasting = [f for f in _changes(diagnosis) if f.query in cited]
    ends = [f.until for f in (*felt, *lasting)]
    told = [end for end in ends if end is not None]
    return max(told) if felt and len(told) == len(ends) else None


def symptoms(diagnosis: Diagnosis) -> list[Finding]:
    """Return the changes that users of the service felt, the earliest first; what ended before the onset is none."""
    felt = [f for f in _changes(diagnosis) if f.subject in SYMPTOMS and f.service == diagnosis.service and not f.task]
    began = diagnosis.onset
    mine = [f for f in felt if began is None or f.until is None or f.until > began]
    return sorted(mine, key=lambda f: (f.onset, f.subject))


def _changes(diagnosis: Diagnosis) -> list[Finding]:
    """Return the changes of metrics that a diagnosis tells of, each once."""
    told = {id(f): f for f in (*diagnosis.timeline, *diagnosis.abnormal_series)}
    return [f for f in told.values() if f.pillar == "metrics" and f.kind in CHANGES]


_Sides = tuple[FloatMatrix, FloatMatrix]


@dataclass(frozen=True, slots=True)
class _Parts:
    """Seconds that each point, shape (T,), stands for before the stretch and inside it, and how long that is."""

    before: FloatMatrix
    inside: FloatMatrix
    seconds: float

    def measured(self, known: Flags) -> float:
        """Return the share of the stretch at whose points something is known, 0 to 1."""
        return min(float(self.inside @ known) / self.seconds, 1.0) if self.seconds > 0 else 0.0


class Own:
    """The columns of one service, asked by signal."""

    def __init__(self, metrics: Metrics) -> None:
        self.metrics = metrics

    def columns(self, signal: str) -> list[int]:
        """Return the places of the service's own columns of a signal, or else those of its tasks."""
        found = [i for i, s in enumerate(self.metrics.series) if s.signal == signal]
        return [i for i in found if not self.metrics.series[i].task] or found

    def queries(self, *signals: str) -> tuple[str, ...]:
        """Return what was sent for these signals, each once."""
        series = (self.metrics.series[i] for signal in signals for i in self.columns(signal))
        return tuple(dict.fromkeys(s.query for s in series if s.query))

    def line(self, signal: str, how: How) -> FloatMatrix:
        """Return one line of a signal, shape (T,); NaN where no column has a sample."""
        block = self.metrics.values[:, self.columns(signal)]
        has = np.isfinite(block)
        if how == "max":
            made = np.where(has, block, -np.inf).max(axis=1, initial=-np.inf)
        else:
            made = np.where(has, block, 0.0).sum(axis=1)
            made = made / np.maximum(has.sum(axis=1), 1) if how == "mean" else made
        return np.where(has.any(axis=1), made, np.nan)

    def answered(self) -> _Sides | None:
        """Return requests and failed ones per second, shape (T, N): a column a task where both are told so.

        None where one of them was not asked. Of no requests none failed, though their share is no number.
        """
        ratios = {self._place(i): i for i in self.columns("http_error_ratio")}
        rates = {self._place(i): i for i in self.columns("http_requests")}
        if not ratios or not rates:
            return None
        values = self.metrics.values
        if ratios.keys() & rates.keys():
            # a task without a share of its own takes the last column, in which nothing is known
            held = np.column_stack([values, np.full(len(values), np.nan)])
            requests, ratio = values[:, list(rates.values())], held[:, [ratios.get(place, -1) for place in rates]]
        else:  # one is told by task and the other is not: the service as a whole
            # Tasks' shares are one of the service's only where they agree: how many requests each had is not told.
            shares = values[:, list(ratios.values())]
            ratio = np.where(shares.max(axis=1) == shares.min(axis=1), shares[:, 0], np.nan)[:, None]
            requests = self.line("http_requests", "sum")[:, None]
        requests = np.where(is_rate(requests), requests, np.nan)
        known = is_rate(ratio) & (ratio <= 1)
        return requests, np.where(requests == 0, 0.0, requests * np.where(known, ratio, np.nan))

    def balanced(self) -> _Sides | None:
        """Return requests at the balancer and those that it or its targets failed, shape (T, 1); None if not asked.

        CloudWatch counts as a request only what a target was found for, and an answer 5XX of the balancer itself
        always: with no target left there are more failures than requests.
        """
        kinds = [kind for kind in _FAILURES if self.columns(kind)]
        if not kinds or not self.columns("alb_requests"):
            return None
        failed = np.sum([self.failures(kind) for kind in kinds], axis=0)
        requests = self.line("alb_requests", "sum")
        requests = np.where(np.isfinite(requests) | (failed > 0), np.fmax(requests, failed), np.nan)
        return requests[:, None], failed[:, None]

    def failures(self, kind: str) -> FloatMatrix:
        """Return a balancer's answers 5XX of one kind per second, shape (T,); 0 where it told of something else only.

        A kind that was answered somewhere has no sample in minutes that had none of it: that is what AWS promises, and
        so do exporters, which pass on what CloudWatch has. Where the balancer told nothing, nothing is known.

        Source: Elastic Load Balancing, User Guide for Application Load Balancers, "CloudWatch metrics": a metric is
        not reported in an interval that has no data for it; ``HTTPCode_ELB_5XX_Count`` is when it is not zero.
        """
        line = self.line(kind, "sum")
        if not self.columns(kind):
            return line
        told = np.any([np.isfinite(self.line(name, "sum")) for name in ("alb_requests", *_FAILURES)], axis=0)
        return np.where(told & np.isnan(line), 0.0, line)

    def holds_others(self, seconds: FloatMatrix) -> bool:
        """Tell whether answers 5XX of a whole balancer were counted in the given seconds, shape (T,)."""
        columns = [
            i for i in self.columns("alb_elb_5xx") if _OF_BALANCERS & {k for k, _ in self.metrics.series[i].labels}
        ]
        values = self.metrics.values[:, columns]
        return bool(((seconds > 0)[:, None] & is_rate(values) & (values > 0)).any())

    def _place(self, column: int) -> tuple[str, Labels]:
        series = self.metrics.series[column]
        return series.task, series.labels


def _reading(signal: str, unit: Unit, own: Own, how: How, parts: _Parts) -> Reading:
    line = own.failures(signal) if signal in _FAILURES else own.line(signal, how)
    seen = np.isfinite(line)
    return _levels(signal, unit, line, _middle(line[(parts.before > 0) & seen], unit), parts, own.queries(signal))


def _error_ratio(own: Own, sides: _Sides | None, parts: _Parts) -> Reading:
    """Return the share of requests that failed: failures over requests, so that a quiet task weighs little.

    Lowest and highest are of the series that every face shows.
    """
    if sides is None:
        line = np.full(len(own.metrics.times), np.nan)
        return _levels("http_error_ratio", "ratio", line, float("nan"), parts, ())
    known = np.isfinite(sides[0]) & np.isfinite(sides[1])
    total, lost = (np.where(known, side, 0.0).sum(axis=1) for side in sides)
    queries = own.queries("http_error_ratio", "http_requests")
    before = _weighed(lost, total, parts.before)
    reading = _levels("http_error_ratio", "ratio", own.line("http_error_ratio", "mean"), before, parts, queries)
    return replace(reading, during=_weighed(lost, total, parts.inside), measured=parts.measured(np.any(known, axis=1)))


def _levels(
    signal: str, unit: Unit, line: FloatMatrix, before: float, parts: _Parts, queries: tuple[str, ...]
) -> Reading:
    seen = np.isfinite(line)
    inside = line[(parts.inside > 0) & seen]
    return Reading(
        signal=signal,
        unit=unit,
        before=before,
        during=_middle(inside, unit),
        lowest=float(inside.min()) if inside.size else float("nan"),
        highest=float(inside.max()) if inside.size else float("nan"),
        measured=parts.measured(seen),
        queries=queries,
    )


def _weighed(lost: FloatMatrix, total: FloatMatrix, seconds: FloatMatrix) -> float:
    whole = float(seconds @ total)
    return float(seconds @ lost) / whole if whole > 0 else float("nan")


def _middle(values: FloatMatrix, unit: Unit) -> float:
    """Return the mean of rates and the median of all else; NaN of nothing."""
    if not values.size:
        return float("nan")
    return float(values.mean() if unit == "per_second" else np.median(values))
