"""How many requests there were, how many failed, and what share of an error budget that is.

Counts are integrals of what Prometheus answered: a sample of a rate stands for the step that it ends. Where there is
no sample nothing is known, and nothing is added: a number is then the least that it can be, and says so.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from obskit.errors import UsageError
from obskit.model import FloatMatrix, TimeArray, Window, nanoseconds

#: Requests a second: far beyond any service, far below where a sum overflows.
_MOST = 1e15
#: A promise that more than half of the requests may break is none: a share was written for a percentage, or the bad
#: ones were counted.
_LEAST_PERCENT = 50
#: A percentage as people write one; six decimals are thirty seconds in a year.
_PERCENT = re.compile(r"[0-9]{1,2}(\.[0-9]{1,6})?")
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """What was promised.

    Attributes:
        percent: Of requests that are good, as text so that it stays exact: 50 or more, less than 100, at most six
            decimals. Three nines are what the alert rules that come with obskit promise.
        period: Of the error budget, longer than nothing.
    """

    percent: str = "99.9"
    period: timedelta = timedelta(days=30)

    def __post_init__(self) -> None:
        """Refuse what leaves no budget or is no promise, or no time to spend it in.

        Raises:
            UsageError: It says what is wrong.
        """
        text = self.percent if isinstance(self.percent, str) else ""
        if not _PERCENT.fullmatch(text) or not float(text):
            raise UsageError(
                f"{str(self.percent)[:80]!r} is no objective",
                hint="percent of good requests as text, 50 or more and less than 100, at most six decimals: 99.9",
            )
        if Decimal(text) < _LEAST_PERCENT:
            meant = (Decimal(text) * 100).normalize()  # a share was written
            likely = _LEAST_PERCENT <= meant < 100
            raise UsageError(
                f"{text} % is no objective: most requests could fail",
                hint=f"did you mean {meant:f}?" if likely else "three nines are usual: 99.9",
            )
        if self.period <= timedelta(0):
            raise UsageError(f"{self.period} is no period of an error budget", hint="30 days are usual")

    @property
    def budget(self) -> float:
        """The share of requests that may fail, 0 to 1."""
        return float(1 - Decimal(self.percent) / 100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """How many requests there were in a stretch, and how many of them failed.

    Attributes:
        requests: All that were measured.
        known: Those of them of which it is known whether they failed.
        failed: Those that did: never below 0, never above *known*.
        seconds: How long the stretch is.
        measured: Seconds of it in which requests and failures were measured.
        step: Seconds from one sample to the next, which the stretch's edges need not meet.
        counted: Seconds of it in which requests were measured, whether or not it is known what became of them: what
            *requests* is the number of. NaN where that is not told.
    """

    requests: float
    known: float
    failed: float
    seconds: float
    measured: float
    step: float = 0.0
    counted: float = math.nan

    @property
    def share(self) -> float:
        """The share of the known requests that failed, 0 to 1; NaN when there were none."""
        return self.failed / self.known if self.known > 0 else float("nan")

    @property
    def complete(self) -> bool:
        """Whether it was measured to its ends, but for a step at each, and the outcome of every request is known."""
        return self.measured + 1.5 * self.step >= self.seconds and self.known >= self.requests

    def burn_rate(self, objective: Objective) -> float:
        """Return how many times faster than allowed the budget was spent; NaN without requests.

        Source: Site Reliability Workbook (2018), chapter 5: error rate divided by the budget.
        """
        return self.share / objective.budget

    def spent(self, objective: Objective) -> float:
        """Return the share of the period's error budget that the stretch took, may exceed 1; NaN without requests.

        It is the burn rate times the measured time as a share of the period, so it takes the traffic of the stretch
        for that of the whole period.

        Source: Site Reliability Workbook (2018), chapter 5.
        """
        return self.burn_rate(objective) * self.measured / objective.period.total_seconds()


def spans(times: TimeArray, stretch: Window) -> FloatMatrix:
    """Return how many seconds of a stretch each point stands for.

    A point stands for the step that it ends. Where points are missing from the grid, the next one does not stand for
    them: its step is the usual one.

    Args:
        times: Shape (T,), ascending.
        stretch: What is counted; empty when it ends where it starts.

    Returns:
        Shape (T,), seconds, 0 outside the stretch; its sum never exceeds the stretch.
    """
    if not len(times):
        return np.zeros(0)
    at = times.astype("datetime64[ns]").astype(np.int64)
    steps = np.diff(at)
    usual = int(np.median(steps)) if len(steps) else round(stretch.step.total_seconds() * 1e9)
    since = at - np.minimum(np.concatenate([[usual], steps]), usual)
    first, last = nanoseconds(stretch.start), nanoseconds(stretch.end)
    seconds: FloatMatrix = np.clip(np.minimum(at, last) - np.maximum(since, first), 0, None) / 1e9
    return seconds


def count(requests: FloatMatrix, failed: FloatMatrix, seconds: FloatMatrix, stretch: Window) -> Loss:
    """Count requests and failed ones: the integrals of two rates over a stretch.

    Args:
        requests, failed: Shape (T, N), per second; NaN (and what is no rate: negative, infinite) where nothing is
            known. Failures beyond the requests are taken as all of them.
        seconds: Shape (T,), from `spans`.
        stretch: Its length is told.
    """
    asked = is_rate(requests)
    known = asked & is_rate(failed)
    total = np.where(asked, requests, 0.0)
    sure = np.where(known, requests, 0.0)
    lost = np.where(known, np.minimum(failed, sure), 0.0)
    length = stretch.duration.total_seconds()
    known_seconds, asked_seconds = (min(float(seconds @ flags.any(axis=1)), length) for flags in (known, asked))
    known_total = float(seconds @ sure.sum(axis=1))
    return Loss(
        requests=max(float(seconds @ total.sum(axis=1)), known_total),
        known=known_total,
        failed=min(float(seconds @ lost.sum(axis=1)), known_total),
        seconds=length,
        measured=known_seconds,
        step=float(seconds.max(initial=0.0)),
        counted=max(asked_seconds, known_seconds),
    )


def is_rate(values: FloatMatrix) -> Flags:
    """Say where a sample can be a rate: a number that is not negative, and that nobody's requests exceed."""
    return (values >= 0) & (values < _MOST)
