"""Judgements to probabilities. One cause explains another's symptoms away."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from obskit.incident.calibration import AS_SET, Calibration
from obskit.model import Judgement

#: Log-odds of any one cause before anything was seen, against "something else" at 0.
PRIOR = -2.0
#: Below this score (nats, prior included) a cause is too weak to explain another.
_EXPLAINS_FROM = 0.5
#: A cause explains one that scores at most this much more than itself.
_MARGIN = 2.5
#: Share of an explained cause's own evidence that the explaining one takes over.
_TAKEN = 0.95
#: A second cause stands on its own from this score on (nats, prior included): odds of 12 to 1.
_INDEPENDENT_FROM = 2.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """One judgement's place.

    Attributes:
        score: Nats, prior included, after it yielded to what explains it; not calibrated.
        probability: 0 to 1.
        explained_by: The cause that brings this one about, or "".
        independent: Stands beside the first as a fault of its own.
    """

    judgement: Judgement
    score: float
    probability: float
    explained_by: str = ""
    independent: bool = False


def rank(
    judgements: Sequence[Judgement],
    *,
    brings_about: Mapping[str, Sequence[str]],
    resolution: timedelta,
    calibration: Calibration = AS_SET,
) -> tuple[tuple[Ranked, ...], float]:
    """Return the judgements by probability, descending, and the share that is unknown.

    Each cause's score is its prior plus its claims (nats). A cause that another brings about,
    and that did not begin before it, yields its evidence to the other. Probabilities are the
    softmax over all causes and "something else" (score 0), so that they sum to at most 1; the
    calibration is its last step and changes no order.

    Args:
        judgements: At most one a cause.
        brings_about: For each cause the ids that it makes look true.
        resolution: How exactly onsets can be ordered.
        calibration: How sure scores make; as the weights were set by hand without one.
    """
    raw = {j.cause: PRIOR + j.score for j in judgements}
    by_id = {j.cause: j for j in judgements}
    explained: dict[str, str] = {}
    for cause, second in by_id.items():
        candidates = [c for c in by_id if c != cause and _explains(by_id[c], second, raw, brings_about, resolution)]
        if candidates:
            explained[cause] = max(candidates, key=lambda c: (raw[c], c))
    explained = {cause: _root(cause, explained) for cause in explained}
    scores = {cause: _yielded(cause, raw, explained) for cause in raw}
    order = sorted(scores, key=lambda c: (-scores[c], c))
    shares, unknown = calibration.shares([scores[c] for c in order])
    ranked = tuple(
        Ranked(
            judgement=by_id[c],
            score=scores[c],
            probability=share,
            explained_by=explained.get(c, ""),
            independent=_independent(c, order[0], scores, explained, brings_about),
        )
        for c, share in zip(order, shares, strict=True)
    )
    return ranked, unknown


def brought_about(
    ranked: Ranked, others: Sequence[Ranked], brings_about: Mapping[str, Sequence[str]]
) -> tuple[str, ...]:
    """Return the ids of what a cause brings about of what was seen, so that no two bring each other about.

    Not what it names as its own reason, nor what it follows from; where each of two may bring the other about, the
    likelier does.

    Args:
        ranked: The cause; one of *others*.
        others: All that were ranked, likeliest first.
        brings_about: As for `rank`.
    """
    cause = ranked.judgement.cause
    likelier = {r.judgement.cause for r in others[: others.index(ranked)]}
    above = {c for c in likelier if cause in brings_about.get(c, ())}
    above |= {ranked.judgement.reason_cause, ranked.explained_by}
    seen = {r.judgement.cause for r in others if r.judgement.score > 0}
    return tuple(c for c in brings_about.get(cause, ()) if c in seen - above)


def _explains(
    first: Judgement,
    second: Judgement,
    raw: Mapping[str, float],
    brings_about: Mapping[str, Sequence[str]],
    resolution: timedelta,
) -> bool:
    """Say whether *first* explains *second* away."""
    if second.cause not in brings_about.get(first.cause, ()):
        return False
    strength = raw[first.cause]
    if strength < _EXPLAINS_FROM or raw[second.cause] > strength + _MARGIN:
        return False
    lead = timedelta(0) if first.onset is None or second.onset is None else second.onset - first.onset
    if lead < -2 * resolution:
        return False
    if first.cause not in brings_about.get(second.cause, ()):
        return True
    # Each may bring the other about: the clearly earlier one wins, else the one with more evidence.
    if abs(lead) > 2 * resolution:
        return lead > timedelta(0)
    return (strength, first.cause) > (raw[second.cause], second.cause)


def _root(cause: str, explained: Mapping[str, str]) -> str:
    """Follow explanations to the cause that nothing explains (or back to a loop's strongest)."""
    seen = {cause}
    while explained[cause] in explained and explained[cause] not in seen:
        cause = explained[cause]
        seen.add(cause)
    return explained[cause]


def _yielded(cause: str, raw: Mapping[str, float], explained: Mapping[str, str]) -> float:
    if cause not in explained:
        return raw[cause]
    own = max(0.0, raw[cause] - PRIOR)
    certainty = 1.0 / (1.0 + math.exp(-raw[explained[cause]]))
    return raw[cause] - _TAKEN * certainty * own


def _independent(
    cause: str,
    first: str,
    scores: Mapping[str, float],
    explained: Mapping[str, str],
    brings_about: Mapping[str, Sequence[str]],
) -> bool:
    related = cause in brings_about.get(first, ()) or first in brings_about.get(cause, ())
    return cause != first and cause not in explained and scores[cause] >= _INDEPENDENT_FROM and not related
