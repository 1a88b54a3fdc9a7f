"""Which services say something new: log templates of the incident against those of calm times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from obskit.incident.blame.effects import cuts_around
from obskit.incident.templates import Records, read_records
from obskit.model import Logs

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: What a line weighs by its level: errors tell of a fault, warnings may, the rest changes with the traffic.
_WEIGHTS: Final[Mapping[str, float]] = {"fatal": 1.0, "error": 1.0, "warn": 0.5}
_OTHER_WEIGHT: Final = 0.25
#: A rise in step with the service's lines is traffic; this many lines are added to every count, so that one
#: line is no proof.
_PRIOR_LINES: Final = 0.5
_MINUTE_NS: Final = 60_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What one service's lines say.

    Attributes:
        evidence: Of the template that changed most: logarithm of its deviance, weighed by level.
        template: Its text, not redacted.
        level: Of its lines, "" where they say none.
        signature: Id of the known wording that it matches, or "".
        before, after: Its lines a minute until the moment that tells most, and since; of all the time that was
            recorded on either side.
        first_ns: When its first line since came.
    """

    evidence: float
    template: str
    level: str = ""
    signature: str = ""
    before: float = 0.0
    after: float = 0.0
    first_ns: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """What changed in the logs: one `News` a service that logged."""

    news: Mapping[str, News] = field(default_factory=dict)

    def evidence(self, service: str) -> float:
        """Return how telling a service's lines are, 0 where it says nothing new."""
        found = self.news.get(service)
        return found.evidence if found else 0.0


def wording(logs: Logs | Records, *, noticed_ns: int) -> Wording:
    """Compare how often each service writes each template since some moment and before.

    The moment is each template's own, near the time at which the incident was noticed: lines are exact to
    the millisecond and need no grid, and a template that is news at one cut is hardly news at another.

    Args:
        logs: Lines of the incident and of calm times, in any order of services; or what `read_records` has made of
            them, which costs far more than all that is done here.
        noticed_ns: When the incident was noticed, good to minutes.

    Returns:
        Nothing where there are no lines before, or none since.

    Source: the deviance of two Poisson rates (Cameron and Trivedi, 2013, section 5.3), its signed root.
    """
    if isinstance(logs, Logs) and not len(logs):
        return Wording()
    records = read_records(logs.table) if isinstance(logs, Logs) else logs
    templates = len(records.names)
    pairs, pair = np.unique(records.service * templates + records.template, return_inverse=True)
    cuts = cuts_around(noticed_ns)
    bins = np.searchsorted(cuts, records.time_ns, side="right")
    counts = np.zeros((len(cuts) + 1, len(pairs)))
    np.add.at(counts, (bins, pair), records.weight)
    before = np.cumsum(counts, axis=0)[:-1]
    after = counts.sum(axis=0) - before
    # How much of the time a cut leaves is told by all lines: of calm times there may be one recorded minute only.
    share = after.sum(axis=1, keepdims=True) / counts.sum()
    # A record that stands for many lines is one witness all the same.
    lines = np.bincount(pair, records.weight, len(pairs))
    witnesses = lines**2 / np.bincount(pair, np.square(records.weight, dtype=np.float64), len(pairs))
    independent = witnesses / np.maximum(lines, 1e-9)
    signed = _signed_root(
        before * independent + _PRIOR_LINES, after * independent + _PRIOR_LINES, np.clip(share, 1e-9, 1 - 1e-9)
    )
    signed[(share[:, 0] <= 0) | (share[:, 0] >= 1)] = -np.inf
    best, at = np.maximum(signed.max(axis=0), 0.0), signed.argmax(axis=0)
    weight = np.array([_WEIGHTS.get(level, _OTHER_WEIGHT) for level in records.levels])[pairs % templates]
    evidence = weight * np.log1p(np.sqrt(np.maximum(best**2 - _by_chance(pairs // templates, weight, len(cuts)), 0.0)))
    split = np.stack([side[at, np.arange(len(pairs))] for side in (before, after)])
    return Wording(news=_told(records, pairs, pair, evidence, cuts[at], split))


def _told(
    records: Records, pairs: Ints, pair: Ints, evidence: Floats, moment: Ints, split: Floats
) -> Mapping[str, News]:
    """Return the most telling template of each service.

    Args:
        records: What was logged.
        pairs: Shape (P,), service and template in one number.
        pair: Shape (R,), the position in *pairs* of each record.
        evidence, moment: Shape (P,), how telling, and at which cut (ns).
        split: Shape (2, P), lines before the cut and since.
    """
    order = np.argsort(-evidence, kind="stable")
    chosen = order[np.unique(pairs[order] // len(records.names), return_index=True)[1]]
    spans = np.stack([moment - records.time_ns.min(), records.time_ns.max() - moment]) / _MINUTE_NS
    rates = np.divide(split, spans, out=np.zeros_like(split), where=spans > 0)
    late = np.flatnonzero(records.time_ns >= moment[pair])
    first_ns = np.zeros(len(pairs), np.int64)
    first_ns[pair[late[::-1]]] = records.time_ns[late[::-1]]  # records ascend in time: the first is written last
    found = {}
    for i in chosen.tolist():
        service, template = divmod(int(pairs[i]), len(records.names))
        found[records.services[service]] = News(
            evidence=float(evidence[i]),
            template=records.names[template],
            level=records.levels[template],
            signature=records.signatures[template],
            before=float(rates[0, i]),
            after=float(rates[1, i]),
            first_ns=int(first_ns[i]),
        )
    return found


def _by_chance(service: Ints, weight: Floats, cuts: int) -> Floats:
    """Return the deviance that chance alone finds at the best cut of a service's best template; one entry a pair.

    Of n squared normal deviates the largest is expected at 2 ln n. The templates of one service and weight are
    compared with each other: a service that says much has more to find news in. Cuts share all lines but those
    between them; as independent as separate looks are only those that halve what is left, so their logarithm.
    """
    _, family = np.unique(np.column_stack([service, weight]), axis=0, return_inverse=True)
    templates = np.bincount(family.ravel())[family.ravel()]
    chance: Floats = 2 * np.log(templates * np.log2(cuts))
    return chance


def _signed_root(before: Floats, after: Floats, share: float) -> Floats:
    """Return the signed root of the deviance of counts from the split that *share* expects."""
    total = before + after
    expected, rest = total * share, total * (1 - share)
    deviance = 2 * (after * np.log(after / expected) + before * np.log(before / rest))
    root: Floats = np.sign(after - expected) * np.sqrt(np.maximum(deviance, 0.0))
    return root
