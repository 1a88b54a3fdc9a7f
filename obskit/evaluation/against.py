"""What got better and worse since an earlier evaluation, recording by recording."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from obskit.errors import UsageError
from obskit.evaluation.as_json import SCHEMA_VERSION
from obskit.evaluation.outcome import VERDICTS, Outcome
from obskit.evaluation.run import Evaluation

#: How much a verdict says: where the answer is right, less of it is a loss.
_FIRM = {"cause_found": 2, "possible": 1}


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """One recording of which another thing is said than before."""

    name: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two evaluations of the same corpus.

    What cannot be compared any more may hide a loss: `is_worse` counts it.

    Attributes:
        better, worse: By name.
        relabelled: Their truth has changed, so that two answers do not compare.
        new, gone: Names that only one of the two has.
        same: How many are as they were.
    """

    better: tuple[Change, ...]
    worse: tuple[Change, ...]
    relabelled: tuple[str, ...]
    new: tuple[str, ...]
    gone: tuple[str, ...]
    same: int

    @property
    def is_worse(self) -> bool:
        """Say whether an answer got worse, or cannot be compared any more."""
        return bool(self.worse or self.gone or self.relabelled)


def compare(old: Mapping[str, Outcome], now: Evaluation) -> Comparison:
    """Compare recording by recording. Times and probabilities do not count; what cannot be read any more is worse.

    Raises:
        UsageError: The two have no recording in common.
    """
    better: list[Change] = []
    worse = [Change(lost.name, f"cannot be read: {lost.why}") for lost in now.failed if lost.name in old]
    relabelled: list[str] = []
    same = 0
    for one in now.outcomes:
        before = old.get(one.name)
        if before is None:
            continue
        if _truth(before) != _truth(one):
            relabelled.append(one.name)
        elif _worth(before) == _worth(one):
            same += 1
        else:
            change = Change(one.name, _words(before, one))
            (better if _worth(one) > _worth(before) else worse).append(change)
    names = {one.name for one in now.outcomes} | {lost.name for lost in now.failed}
    if old and not names & old.keys():
        raise UsageError(
            "the two evaluations have no recording in common",
            where={"the earlier one": min(old)[:80], "this one": min(names)[:80]},
            hint="names are paths below the folder that is given: give the same one",
        )
    return Comparison(
        better=tuple(better),
        worse=tuple(sorted(worse)),
        relabelled=tuple(relabelled),
        new=tuple(sorted(names - old.keys())),
        gone=tuple(sorted(old.keys() - names)),
        same=same,
    )


def _truth(one: Outcome) -> tuple[object, ...]:
    return one.cause, sorted(one.acceptable), one.kind


def _worth(one: Outcome) -> tuple[float, bool, int]:
    """Return what an answer is worth: its grade, then the culprit, then how firmly a right cause is named."""
    firm = _FIRM.get(one.verdict, 0)
    return one.grade, one.culprit_right is not False, firm if one.rank == 1 else -firm


def _words(before: Outcome, now: Outcome) -> str:
    parts = [f"{_said(before)} -> {_said(now)}"]
    if before.rank != now.rank:
        parts.append(f"{now.cause}: place {before.rank or 'none'} -> {now.rank or 'none'}")
    if before.answer == now.answer and before.verdict != now.verdict:
        parts.append(f"{before.verdict} -> {now.verdict}")
    if before.culprit_right is not now.culprit_right:
        parts.append(f"culprit {_culprit(before)} -> {_culprit(now)}")
    return "; ".join(parts)


def _said(one: Outcome) -> str:
    sure = "" if one.probability is None or not one.names else f" {one.probability:.0%}"
    return f"{one.answer}{sure}"


def _culprit(one: Outcome) -> str:
    return "not said" if one.culprit_right is None else "right" if one.culprit_right else "wrong"


def outcomes_of(document: Any, *, name: str) -> dict[str, Outcome]:
    """Return what an earlier `obskit evaluate --format json` said.

    Args:
        document: Parsed JSON from anywhere.
        name: What to call it in errors.

    Raises:
        UsageError: It is no such document, or one of a later obskit.
    """
    version = document.get("schema_version") if isinstance(document, dict) else None
    if version != SCHEMA_VERSION:
        raise UsageError(
            f"{name} is no evaluation that this obskit knows",
            where={"schema_version": f"{SCHEMA_VERSION} is wanted"},
            hint="obskit evaluate BUNDLES --format json --out OLD.json writes one",
        )
    try:
        held = [_outcome(row) for row in document["bundles"]]
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(
            f"{name} is a damaged evaluation",
            where={"said": f"{type(error).__name__}: {error}"[:200]},
            hint="write it again with obskit evaluate",
        ) from error
    return {one.name: one for one in held}


def _outcome(row: dict[str, Any]) -> Outcome:
    if row["verdict"] not in VERDICTS:
        raise ValueError(f"a verdict {row['verdict']!r}")
    culprit = row["culprit_right"]
    return Outcome(
        name=str(row["name"]),
        cause=str(row["cause"]),
        acceptable=tuple(map(str, row["acceptable"])),
        decoys=tuple(map(str, row["decoys"])),
        verdict=row["verdict"],
        first=str(row["first"]),
        probability=None if row["probability"] is None else float(row["probability"]),
        rank=int(row["rank"]),
        culprit_right=None if culprit is None else bool(culprit),
    )
