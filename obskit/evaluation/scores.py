"""Outcomes summed up: shares, the reliability of probabilities, who was taken for whom."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from obskit.evaluation.outcome import Outcome

#: Width 0.1, as reliability diagrams are usually drawn.
BINS = 10
#: So many, of how many.
Share = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """First answers with nearly the same probability.

    Attributes:
        low, high: Probabilities that belong to it; the last bin holds 1 as well.
        count: How many.
        said: Their mean probability.
        right: Share of them that were right.
    """

    low: float
    high: float
    count: int
    said: float
    right: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Reliability:
    """Whether probabilities are earned.

    Attributes:
        count: How many first causes with a probability were said; none are in a window called calm.
        brier: Mean squared distance of their probability from 1 (right) or 0 (wrong): 0 is perfect,
            0.25 what a coin gets that always says one half; None without any.
        error: Expected calibration error: mean distance of said and right over the bins, by count.
        bins: Those that hold any, ascending.

    Source: Brier (1950); Naeini, Cooper and Hauskrecht (2015) for the expected calibration error.
    """

    count: int
    brier: float | None
    error: float | None
    bins: tuple[Bin, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Outcomes of one cause, or of all incidents.

    Attributes:
        count: How many.
        named: How many named a right cause, found or possible: what a person acts on.
        accepted: How many of these by a cause that the label accepts beside the true one.
        top1, top3: How many had a right cause first, or among the first three, however unlikely.
        mrr: Mean reciprocal rank of the first right cause; 0 stands for "not listed".
        culprit: How many named the right culprit, of how many whose label names one.
        onset_error: Median of seconds from the true onset to the one said; None where none is known.
        onset_distance: Median of the same without its sign.
        sure_and_wrong: How many found a cause that is wrong.
        missed: How many were called calm.
    """

    count: int
    named: int
    accepted: int
    top1: int
    top3: int
    mrr: float | None
    culprit: Share
    onset_error: float | None
    onset_distance: float | None
    sure_and_wrong: int
    missed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Quiet:
    """Windows in which nothing went wrong.

    Attributes:
        count: How many.
        calm: How many were called calm.
        blamed: In how many a cause was named; the rest says that something changed and blames nobody.
    """

    count: int
    calm: int
    blamed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoy:
    """An innocent, over all windows that it was in.

    Attributes:
        incidents: How many incidents it was beside, and in how many the right cause came first.
        quiet: The windows in which nothing else happened.
        taken_for: Wrong causes that were named beside it -> how often.
    """

    incidents: Share
    quiet: Quiet
    taken_for: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """All of it.

    Attributes:
        incidents: Windows whose cause is one of the engine's.
        calm, decoys: Windows without a fault, without and with innocents in them.
        others: Incidents that none of the engine's causes is: how many, and how many named none.
        reliability: Over everything that has a first cause.
        causes: By id of the true cause.
        by_decoy: By name.
        confusion: True cause -> answer -> count.
        accepted: The same of the answers that are right though they are not the true cause; no others.
        seconds: Median and longest time of a recording; None when times are not wanted.
    """

    incidents: Group
    calm: Quiet
    decoys: Quiet
    others: Share
    reliability: Reliability
    causes: dict[str, Group]
    by_decoy: dict[str, Decoy]
    confusion: dict[str, dict[str, int]]
    accepted: dict[str, dict[str, int]]
    seconds: tuple[float, float] | None


def scores(outcomes: Sequence[Outcome]) -> Scores:
    """Sum outcomes up; their order does not matter."""
    of_kind: dict[str, list[Outcome]] = defaultdict(list)
    confusion: dict[str, Counter[str]] = defaultdict(Counter)
    accepted: dict[str, Counter[str]] = defaultdict(Counter)
    for one in outcomes:
        of_kind[one.kind].append(one)
        confusion[_row(one)][one.answer] += 1
        if one.accepted:
            accepted[_row(one)][one.answer] += 1
    seconds = [one.seconds for one in outcomes if one.seconds is not None]
    return Scores(
        incidents=group(of_kind["incident"]),
        calm=quiet(of_kind["calm"]),
        decoys=quiet(of_kind["decoy"]),
        others=(sum(one.right for one in of_kind["other"]), len(of_kind["other"])),
        reliability=reliability([(one.probability, one.rank == 1) for one in outcomes if one.probability is not None]),
        causes={cause: group(of) for cause, of in _by(of_kind["incident"], lambda one: (one.cause,)).items()},
        by_decoy={name: _decoy(of) for name, of in _by(outcomes, lambda one: one.decoys).items()},
        confusion={truth: dict(sorted(row.items())) for truth, row in sorted(confusion.items())},
        accepted={truth: dict(row) for truth, row in accepted.items()},
        seconds=(statistics.median(seconds), max(seconds)) if seconds else None,
    )


def _row(one: Outcome) -> str:
    return "none (decoy)" if one.kind == "decoy" else one.cause


def _by(outcomes: Iterable[Outcome], keys: Callable[[Outcome], Iterable[str]]) -> dict[str, list[Outcome]]:
    found: dict[str, list[Outcome]] = defaultdict(list)
    for one in outcomes:
        for key in dict.fromkeys(keys(one)):
            found[key].append(one)
    return dict(sorted(found.items()))


def group(outcomes: Sequence[Outcome]) -> Group:
    """Sum incidents up."""
    errors = [one.onset_error for one in outcomes if one.onset_error is not None]
    culprits = [one.culprit_right for one in outcomes if one.culprit_right is not None]
    return Group(
        count=len(outcomes),
        named=sum(one.right for one in outcomes),
        accepted=sum(one.accepted for one in outcomes),
        top1=sum(one.rank == 1 for one in outcomes),
        top3=sum(1 <= one.rank <= 3 for one in outcomes),
        mrr=statistics.fmean(one.grade for one in outcomes) if outcomes else None,
        culprit=(sum(culprits), len(culprits)),
        onset_error=statistics.median(errors) if errors else None,
        onset_distance=statistics.median(map(abs, errors)) if errors else None,
        sure_and_wrong=sum(one.verdict == "cause_found" and one.rank != 1 for one in outcomes),
        missed=sum(one.verdict == "calm" for one in outcomes),
    )


def interval(share: Share) -> tuple[float, float]:
    """Return between what the true share lies with 95 % confidence, 0 to 1; (0, 1) where nothing was counted.

    Source: Wilson (1927), the score interval: honest also for few, and for none or all of them.
    """
    hits, count = share
    if not count:
        return 0.0, 1.0
    z = statistics.NormalDist().inv_cdf(0.975)
    found, whole = hits / count, 1 + z * z / count
    middle, room = found + z * z / (2 * count), z * z / (4 * count * count)
    spread = z * (found * (1 - found) / count + room) ** 0.5
    # none and all of them are the interval's own ends, which rounding would miss by a little
    return max(min((middle - spread) / whole, found), 0.0), min(max((middle + spread) / whole, found), 1.0)


def quiet(outcomes: Sequence[Outcome]) -> Quiet:
    """Sum windows without a fault up."""
    return Quiet(
        count=len(outcomes),
        calm=sum(one.verdict == "calm" for one in outcomes),
        blamed=sum(one.names for one in outcomes),
    )


def _decoy(outcomes: Sequence[Outcome]) -> Decoy:
    beside = [one for one in outcomes if one.kind in ("incident", "other")]
    taken = Counter(one.first for one in outcomes if one.names and not one.right)
    return Decoy(
        incidents=(sum(one.right for one in beside), len(beside)),
        quiet=quiet([one for one in outcomes if one.kind == "decoy"]),
        taken_for=dict(sorted(taken.items())),
    )


def reliability(said: Sequence[tuple[float, bool]]) -> Reliability:
    """Hold probabilities against what was right.

    Args:
        said: For each first answer its probability, and whether it was right.
    """
    if not said:
        return Reliability(count=0, brier=None, error=None, bins=())
    found: dict[int, list[tuple[float, bool]]] = defaultdict(list)
    for probability, right in said:
        found[min(int(probability * BINS), BINS - 1)].append((probability, right))
    bins = tuple(
        Bin(
            low=place / BINS,
            high=(place + 1) / BINS,
            count=len(of),
            said=statistics.fmean(probability for probability, _ in of),
            right=statistics.fmean(right for _, right in of),
        )
        for place, of in sorted(found.items())
    )
    return Reliability(
        count=len(said),
        brier=statistics.fmean((probability - right) ** 2 for probability, right in said),
        error=sum(one.count * abs(one.said - one.right) for one in bins) / len(said),
        bins=bins,
    )
