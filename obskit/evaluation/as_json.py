"""An evaluation for machines, and for `--against` later. Shares are 0 to 1; what cannot be said is null."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from obskit.evaluation.outcome import Outcome
from obskit.evaluation.run import Evaluation
from obskit.evaluation.scores import Group, Quiet, Scores, Share, interval, scores

if TYPE_CHECKING:
    from obskit.evaluation.against import Comparison

#: Raised when a key goes away or changes its meaning; new keys do not raise it.
SCHEMA_VERSION = 1


def document(found: Evaluation, *, compared: Comparison | None = None) -> dict[str, Any]:
    """Return the evaluation as plain values; without ``seconds`` where times were not wanted."""
    summed = scores(found.outcomes)
    body = {
        "schema_version": SCHEMA_VERSION,
        "without": list(found.lost),
        "incidents": _group(summed.incidents),
        "calm": _quiet(summed.calm),
        "decoys": _quiet(summed.decoys),
        "others": _share(summed.others),
        "reliability": _reliability(summed),
        "by_cause": {cause: _group(one) for cause, one in summed.causes.items()},
        "by_decoy": {
            name: {"incidents": _share(one.incidents), "quiet": _quiet(one.quiet), "taken_for": one.taken_for}
            for name, one in summed.by_decoy.items()
        },
        "confusion": summed.confusion,
        "bundles": [_outcome(one) for one in found.outcomes],
        "skipped": [asdict(one) for one in found.skipped],
        "failed": [asdict(one) for one in found.failed],
    }
    if summed.seconds:
        median, longest = summed.seconds
        body["seconds"] = {"median": round(median, 3), "longest": round(longest, 3)}
    if compared:
        body["against"] = asdict(compared)
    return body


def _share(share: Share) -> dict[str, int]:
    return {"right": share[0], "of": share[1]}


def _part(count: int, of: int) -> float | None:
    return round(count / of, 4) if of else None


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _group(one: Group) -> dict[str, Any]:
    return {
        "count": one.count,
        "named": _part(one.named, one.count),
        "accepted": one.accepted,
        "named_interval": [round(end, 4) for end in interval((one.named, one.count))],
        "top1": _part(one.top1, one.count),
        "top3": _part(one.top3, one.count),
        "mrr": _rounded(one.mrr, 4),
        "sure_and_wrong": one.sure_and_wrong,
        "missed": one.missed,
        "culprit": _share(one.culprit),
        "onset_error_seconds": {
            "median": _rounded(one.onset_error, 3),
            "median_distance": _rounded(one.onset_distance, 3),
        },
    }


def _quiet(one: Quiet) -> dict[str, Any]:
    return {"count": one.count, "calm": _part(one.calm, one.count), "blamed": _part(one.blamed, one.count)}


def _reliability(summed: Scores) -> dict[str, Any]:
    held = summed.reliability
    return {
        "count": held.count,
        "brier": _rounded(held.brier, 4),
        "expected_calibration_error": _rounded(held.error, 4),
        "bins": [{**asdict(one), "said": round(one.said, 4), "right": round(one.right, 4)} for one in held.bins],
    }


def _outcome(one: Outcome) -> dict[str, Any]:
    row = {
        "name": one.name,
        "kind": one.kind,
        "cause": one.cause,
        "acceptable": list(one.acceptable),
        "decoys": list(one.decoys),
        "right": one.right,
        "verdict": one.verdict,
        "first": one.first,
        "probability": _rounded(one.probability, 4),
        "rank": one.rank,
        "culprit": one.culprit,
        "blamed": one.blamed,
        "culprit_right": one.culprit_right,
        "onset_error_seconds": _rounded(one.onset_error, 3),
    }
    return row if one.seconds is None else {**row, "seconds": round(one.seconds, 3)}
