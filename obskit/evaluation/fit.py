"""Teach the probabilities on a corpus, and try them on incidents that the teaching never saw.

Two numbers are learnt (`obskit.incident.calibration.Calibration`): with some tens of incidents
more would be learnt by heart. What they are worth is said by leaving one family of incidents out
at a time, so that no second recording of the same fault gives the answer away.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from obskit.errors import BundleError, UsageError, one_line
from obskit.evaluation.corpus import Corpus, LeftOut
from obskit.evaluation.degrade import SOURCES, without
from obskit.evaluation.label import Label
from obskit.evaluation.run import recorded
from obskit.evaluation.scores import reliability
from obskit.incident.calibration import AS_SET, TEMPERATURES, UNKNOWNS, Calibration
from obskit.incident.investigate import ranking
from obskit.progress import Tell

#: Ten for each fitted number. The rule of thumb that this follows (Peduzzi et al., 1996) counts the rarer outcome, here
#: the wrong answers, of which a good engine has few: what keeps few of them from teaching much is `_learn`'s smoothing.
NEEDED_INCIDENTS = 20
#: With fewer, leaving one out leaves too little of the variety behind.
NEEDED_FAMILIES = 5
_DIGITS = 4
Matrix = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One recording: what the engine scored, and which of it is right.

    Attributes:
        name, family: The recording's.
        cause: The true one.
        scores: Of every cause for which anything spoke, descending; in nats, uncalibrated.
        right: Which of them are right; none where "something else" is the right answer.
    """

    name: str
    family: str
    cause: str
    scores: tuple[float, ...]
    right: tuple[bool, ...]

    @property
    def is_incident(self) -> bool:
        """Say whether one of the engine's causes is to be found."""
        return self.cause not in ("none", "other")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """How good probabilities are.

    Attributes:
        log_loss: Mean of minus the logarithm of what was given to the truth, in nats.
        brier: Of the first cause: mean squared distance from 1 (right) or 0 (wrong).
        error: Expected calibration error of the first cause.
    """

    log_loss: float
    brier: float
    error: float

    def worse_than(self, other: Quality) -> bool:
        """Say whether either score is higher; both are proper, so that honesty is what lowers them."""
        return self.log_loss > other.log_loss or self.brier > other.brier


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """A calibration, and what it is worth.

    Attributes:
        calibration: Fitted to all samples.
        before: Of the weights as they were set by hand.
        after: Cross-validated: each family judged by what was fitted to the others.
        temperatures, unknowns: Lowest and highest of these fits.
        samples, incidents, recordings, families, causes: What it was fitted to, counted. A recording is several samples
            where it was looked at without its pillars, too.
    """

    calibration: Calibration
    before: Quality
    after: Quality
    temperatures: tuple[float, float]
    unknowns: tuple[float, float]
    samples: int
    incidents: int
    recordings: int
    families: int
    causes: int

    @property
    def is_worse(self) -> bool:
        """Say whether the hand-set weights are better on what the fit never saw."""
        return self.after.worse_than(self.before)


def samples_of(corpus: Corpus, *, tell: Tell, degraded: bool = False) -> tuple[tuple[Sample, ...], tuple[LeftOut, ...]]:
    """Let the engine score every recording; return the samples, and what could not be read.

    A recording in which nothing speaks for any cause, or that is called calm, teaches nothing and is left out.

    Args:
        corpus: From `obskit.evaluation.corpus.find`.
        tell: Called with what is being looked at.
        degraded: Each recording counts three times more, each time without one of its pillars: of a corpus on which
            the engine is hardly ever wrong, that is what teaches when to doubt.
    """
    found: list[Sample] = []
    failed = list(corpus.failed)
    for number, one in enumerate(corpus.labelled, start=1):
        tell(f"{number} of {len(corpus.labelled)}, {one.name}")
        try:
            held = recorded(one)
        except (BundleError, UsageError) as error:
            failed.append(LeftOut(one.name, one_line(error)))
            continue
        seen = [held.telemetry, *(without(held.telemetry, pillar) for pillar in SOURCES if degraded)]
        for telemetry in seen:
            ranked = ranking(telemetry, service=held.service, window=held.window)
            if ranked:
                found.append(sample(one.name, one.label, [(r.judgement.cause, r.score) for r in ranked]))
    return tuple(found), tuple(sorted(failed))


def sample(name: str, label: Label, scored: Sequence[tuple[str, float]]) -> Sample:
    """Return a sample of causes and their scores, likeliest first."""
    return Sample(
        name=name,
        family=label.family or name,
        cause=label.cause,
        scores=tuple(score for _, score in scored),
        right=tuple(cause in label.right for cause, _ in scored),
    )


def fit(samples: Sequence[Sample]) -> Fitted:
    """Fit a calibration and cross-validate it.

    Raises:
        UsageError: There are too few samples, or all of one kind.
    """
    learnt = fit_without_each(samples)
    return Fitted(
        calibration=_learn(samples),
        before=quality([(one, AS_SET) for one in samples]),
        after=quality([(one, learnt[one.family]) for one in samples]),
        temperatures=_range([one.temperature for one in learnt.values()]),
        unknowns=_range([one.unknown for one in learnt.values()]),
        samples=len(samples),
        incidents=sum(one.is_incident for one in samples),
        recordings=len({one.name for one in samples}),
        families=len(learnt),
        causes=len({one.cause for one in samples if one.is_incident}),
    )


def fit_without_each(samples: Sequence[Sample]) -> dict[str, Calibration]:
    """Return for each family the calibration that was fitted to all others: what may judge it.

    Raises:
        UsageError: There are too few samples, or all of one kind.
    """
    _enough(samples)
    from sklearn.model_selection import LeaveOneGroupOut

    folds = LeaveOneGroupOut().split(samples, groups=[one.family for one in samples])
    return {samples[test[0]].family: _learn([samples[i] for i in train]) for train, test in folds}


def _range(values: Sequence[float]) -> tuple[float, float]:
    return min(values), max(values)


def _enough(samples: Sequence[Sample]) -> None:
    """Refuse what nothing can be learnt from."""
    incidents = [one for one in samples if one.is_incident]
    families = {one.family for one in samples}
    counted = (("incidents", len(incidents), NEEDED_INCIDENTS), ("families", len(families), NEEDED_FAMILIES))
    lacking = {what: f"{count}, {needed} are needed" for what, count, needed in counted if count < needed}
    if lacking:
        raise UsageError(
            "there are too few incidents to learn probabilities from",
            where=lacking,
            hint="record and label more, of different kinds",
        )
    if len({one.cause for one in incidents}) < 2:
        raise UsageError("all incidents have the same cause", hint="add others: a calibration is for all causes")
    firsts = {one.right[0] for one in samples}
    if len(firsts) < 2:
        says = "right" if firsts == {True} else "wrong"
        raise UsageError(
            f"the first cause is {says} in all {len(samples)} recordings",
            hint="how often it is wrong at which score cannot be learnt from these: add harder ones, and decoys",
        )


def quality(judged: Sequence[tuple[Sample, Calibration]]) -> Quality:
    """Say how good the probabilities are, each sample's under its own calibration."""
    losses: list[float] = []
    firsts: list[tuple[float, bool]] = []
    for one, calibration in judged:
        shares, unknown = calibration.shares(one.scores)
        truth = math.fsum(share for share, right in zip(shares, one.right, strict=True) if right)
        losses.append(-math.log(truth if any(one.right) else unknown))
        firsts.append((shares[0], one.right[0]))
    held = reliability(firsts)
    return Quality(log_loss=statistics.fmean(losses), brier=held.brier or 0.0, error=held.error or 0.0)


def _learn(samples: Sequence[Sample]) -> Calibration:
    """Return the two numbers under which the truth is likeliest.

    The truth counts (n + 1) / (n + 2) and the rest what is left, as if one answer more had been
    right and one wrong: a corpus on which the engine is always right must not make it certain.
    Source: Platt (1999), Probabilistic outputs for support vector machines, section 2.2.
    """
    from scipy.optimize import minimize  # type: ignore[import-untyped,unused-ignore]

    scores, right = _arrays(samples)
    target = (len(samples) + 1) / (len(samples) + 2)

    def loss(numbers: Matrix) -> float:
        logits = scores / math.exp(numbers[0])
        logits[:, -1] = numbers[1]
        total = _log_sum(logits)
        hit = _log_sum(np.where(right, logits, -np.inf)) - total
        missed = _log_sum(np.where(right, -np.inf, logits)) - total
        return -float(np.mean(target * hit + (1 - target) * missed))

    bounds = [tuple(map(math.log, TEMPERATURES)), UNKNOWNS]
    found = minimize(loss, x0=np.zeros(2), method="L-BFGS-B", bounds=bounds)
    temperature, unknown = math.exp(found.x[0]), float(found.x[1])
    return Calibration(temperature=round(temperature, _DIGITS), unknown=round(unknown, _DIGITS))


def _log_sum(logits: Matrix) -> Matrix:
    """Return the logarithm of each row's sum of exponentials; a row has at least one finite number."""
    sums: Matrix = np.logaddexp.reduce(logits, axis=1)
    return sums


def _arrays(samples: Sequence[Sample]) -> tuple[Matrix, np.ndarray[Any, np.dtype[np.bool_]]]:
    """Return scores, shape (samples, most causes + 1), -inf where there is none, and what is right.

    The last column is "something else".
    """
    most = max(len(one.scores) for one in samples)
    scores = np.full((len(samples), most + 1), -np.inf)
    right = np.zeros(scores.shape, dtype=np.bool_)
    for row, one in enumerate(samples):
        scores[row, : len(one.scores)] = one.scores
        right[row, : len(one.right)] = one.right
        right[row, -1] = not any(one.right)
    return scores, right
