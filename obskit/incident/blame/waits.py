"""How long requests wait between one log line and the next: whose doing the slow ways are.

Lines that bear the id of their request are traces of a kind: the time from one service's line to another's is what
lies between the two. It needs no spans, and it shows the one slow way that a service's percentiles hide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from obskit.incident.blame.effects import LEVEL_FLOOR, cuts_around
from obskit.incident.blame.spread import Edges, edges
from obskit.model import Logs

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

#: What logs call the id of a request, as ``key=value`` or in JSON: first what all services share, then what each
#: may have of its own.
_IDS: Final = tuple(
    rf"(?i)(?:^|[^a-z])(?:{words})[-_. ]?id[\\\"']*\s*[:=]\s*[\\\"']*(?P<id>[a-z0-9][a-z0-9_.=-]{{5,127}})"
    for words in ("trace", "request|correlation")
)
#: Lines that are looked at: the nearest to when the incident was noticed. So many show each way that matters, and a
#: regular expression over more would take longer than all else.
_MOST_LINES: Final = 300_000
#: At least so many of a way's waits are calm ones: slow are those that last longer than these.
_CALM_SHARE: Final = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """How requests wait for a service.

    Attributes:
        evidence: Of all ways that are its doing, logarithms as of other parts.
        spoke, speaks: The most telling way that leads from or to it.
        before, after: What requests wait on that way in the median until its cut and since, seconds.
        since_ns: The cut.
    """

    evidence: float
    spoke: str
    speaks: str
    before: float
    after: float
    since_ns: int


def waits(logs: Logs, calls: Sequence[tuple[str, str]], *, noticed_ns: int) -> Mapping[str, Wait]:
    """Compare how long requests wait between two lines since some moment and before.

    Each way, from the service that spoke before to the one that speaks next (which may be the same), is judged on
    its own, and the moment is its own, near the time at which the incident was noticed. Clocks that differ do no
    harm as long as they go on differing by as much.

    Args:
        logs: Lines of the incident and of calm times, of which those nearest to *noticed_ns* are looked at.
        calls: (caller, callee) pairs.
        noticed_ns: When the incident was noticed, good to minutes.

    Returns:
        By service, the evidence of the ways that are its doing: of each the smaller of two logarithms, of how
        surprising it is that more waits are slow, and of how much longer most of them are. Nothing where no lines
        tell their request.

    Source: the deviance of two binomial shares (Agresti, 2013, section 3.2).
    """
    service, request, time_ns, services = _told(_nearest(logs, noticed_ns))
    order = np.lexsort((service, time_ns, request))  # of equal times by name, whoever answered first
    service, request, time_ns = service[order], request[order], time_ns[order]
    follows = np.flatnonzero(request[1:] == request[:-1]) + 1
    if not len(follows):
        return {}
    wait, when = (time_ns[follows] - time_ns[follows - 1]) / 1e9, time_ns[follows]
    ways, way = np.unique(service[follows - 1] * len(services) + service[follows], return_inverse=True)
    spoke, speaks = np.divmod(ways, len(services))
    # What a wait is held against is what its requests take: a millisecond more is no trouble.
    floor = LEVEL_FLOOR * _quantile(way, _whole(request, time_ns)[follows], 0.5)
    slow = wait > (_quantile(way, wait, _CALM_SHARE) + floor)[way]
    cuts = cuts_around(noticed_ns)
    deviance, cut = _best(way, slow, np.searchsorted(cuts, when, side="right"), len(cuts))
    # Of n squared normal deviates the largest is expected at 2 ln n: the ways to a service, and cuts that halve.
    chance = 2 * np.log(np.bincount(speaks)[speaks] * np.log2(len(cuts)))
    surprise = np.sqrt(np.maximum(deviance - chance, 0.0))
    # Each way's waits before its cut and since, as if they were two ways.
    half = 2 * way + (when >= cuts[cut][way])
    halves, half = np.unique(half, return_inverse=True)
    level = np.full(2 * len(ways), np.nan)
    level[halves] = _quantile(half, wait, 0.5)
    with np.errstate(divide="ignore", invalid="ignore"):
        longer = np.nan_to_num(np.maximum(level[1::2] - level[::2], 0.0) / floor, nan=0.0, posinf=0.0)
    names = (*services, *sorted({name for pair in calls for name in pair} - set(services)))
    evidence = np.minimum(np.log1p(surprise), np.log1p(longer))
    found = _doing(spoke, speaks, evidence, edges(names, calls), len(names))
    told = {}
    for i in np.flatnonzero(found > 0).tolist():
        at = int(np.argmax(np.where((spoke == i) | (speaks == i), evidence, -1.0)))
        told[names[i]] = Wait(
            evidence=float(found[i]),
            spoke=names[int(spoke[at])],
            speaks=names[int(speaks[at])],
            before=float(level[2 * at]),
            after=float(level[2 * at + 1]),
            since_ns=int(cuts[cut[at]]),
        )
    return told


def _nearest(logs: Logs, noticed_ns: int) -> Logs:
    """Return the lines nearest to a moment, as many before it as after it where there are as many."""
    table = logs.table
    if len(table) <= _MOST_LINES:
        return logs
    at = int(np.searchsorted(table["time_ns"].to_numpy(), noticed_ns))
    first = min(max(at - _MOST_LINES // 2, 0), len(table) - _MOST_LINES)
    return Logs(table=table.slice(first, _MOST_LINES))


def _told(logs: Logs) -> tuple[Ints, Ints, Ints, tuple[str, ...]]:
    """Return service, request and time of each line that tells its request, and the names of the services.

    Lines that stand for others are left out: who spoke between them is not known.
    """
    import pyarrow.compute as pc

    table = logs.table.filter(pc.equal(logs.table["weight"], 1.0))
    lines = table["line"].combine_chunks()
    ids = pa.nulls(len(lines), pa.string())
    for pattern in _IDS:
        ids = pc.coalesce(ids, pc.struct_field(pc.extract_regex(lines, pattern), "id"))
    # An id of zeros says that there is none.
    known = pc.fill_null(pc.not_equal(pc.ascii_trim(ids, "0-"), ""), False)
    service, request = (c.filter(known).dictionary_encode() for c in (table["service"].combine_chunks(), ids))
    names = service.dictionary.to_pylist()
    place = np.argsort(np.argsort(np.array(names, dtype=str)))
    return (
        place[service.indices.to_numpy(zero_copy_only=False)],
        request.indices.to_numpy(zero_copy_only=False).astype(np.int64),
        table["time_ns"].combine_chunks().filter(known).to_numpy(zero_copy_only=False),
        tuple(sorted(names)),
    )


def _whole(request: Ints, time_ns: Ints) -> Floats:
    """Return for each line what its request takes from the first line to the last, seconds."""
    first = np.flatnonzero(np.append(True, request[1:] != request[:-1]))
    after = np.append(first[1:], len(request))
    whole: Floats = np.repeat((time_ns[after - 1] - time_ns[first]) / 1e9, after - first)
    return whole


def _quantile(way: Ints, values: Floats, q: float) -> Floats:
    """Return a quantile of each way's values (the lower where it lies between two); every way has some."""
    count = np.bincount(way)
    first = np.cumsum(count) - count
    quantile: Floats = values[np.lexsort((values, way))][first + (q * (count - 1)).astype(np.int64)]
    return quantile


def _best(way: Ints, slow: Mask, bins: Ints, cuts: int) -> tuple[Floats, Ints]:
    """Return the deviance of each way's best cut in two shares of slow waits, and which cut it is.

    A cut since which no more waits are slow than before has none.
    """
    waits, slows = np.zeros((cuts + 1, int(way.max()) + 1)), np.zeros((cuts + 1, int(way.max()) + 1))
    np.add.at(waits, (bins, way), 1.0)
    np.add.at(slows, (bins, way), slow)
    n, k = np.cumsum(waits, axis=0)[:-1], np.cumsum(slows, axis=0)[:-1]
    n_all, k_all = waits.sum(axis=0), slows.sum(axis=0)
    deviance = _likelihood(k, n) + _likelihood(k_all - k, n_all - n) - _likelihood(k_all, n_all)
    deviance[(k_all - k) * n <= k * (n_all - n)] = 0.0
    best = np.argmax(deviance, axis=0)
    return deviance[best, np.arange(len(n_all))], best


def _likelihood(k: Floats, n: Floats) -> Floats:
    """Return twice the logarithm of how likely *k* among *n* are at their own share."""
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = [np.nan_to_num(part * np.log(part / n), nan=0.0) for part in (k, n - k)]
    twice: Floats = 2 * (terms[0] + terms[1])
    return twice


def _doing(spoke: Ints, speaks: Ints, evidence: Floats, calls: Edges, count: int) -> Floats:
    """Return the evidence of the ways that are each service's doing; shape (count,).

    A way has two ends. That it is slow is the doing of whom other slow ways lead to or from as well; as far as there
    are none, of who is called. Ways of one service are added as right angles.

    Args:
        spoke: Shape (ways,), who spoke before.
        speaks: Shape (ways,), who speaks next.
        evidence: Shape (ways,).
        calls: Among all services.
        count: How many services there are.
    """
    spoke = _between(spoke, speaks, calls, count)
    # There and back are one pair: the worse of the two counts.
    pairs, pair = np.unique(np.minimum(spoke, speaks) * count + np.maximum(spoke, speaks), return_inverse=True)
    square = np.zeros(len(pairs))
    np.maximum.at(square, pair, evidence**2)
    one, other = np.divmod(pairs, count)
    own = one == other
    around, doing = np.zeros(count), np.zeros(count)
    np.add.at(around, one, square)
    np.add.at(around, other[~own], square[~own])
    np.add.at(doing, one[own], square[own])
    known = calls.caller * count + calls.callee
    called = np.isin(other * count + one, known), np.isin(one * count + other, known)
    for end, is_called in zip((one, other), called, strict=True):
        claim = np.where(called[0] == called[1], 0.5, is_called) * square
        with np.errstate(invalid="ignore"):
            share = np.nan_to_num((around[end] - square + claim) / (around[one] + around[other] - square))
        np.add.at(doing, end[~own], (share**2 * square)[~own])
    return np.sqrt(doing)


def _between(spoke: Ints, speaks: Ints, calls: Edges, count: int) -> Ints:
    """Return whom each way leads from: who spoke before, or a caller of both who said nothing in between.

    Where neither calls the other and one service alone calls both, the request went through that one.
    """
    known = calls.caller * count + calls.callee
    direct = np.isin(spoke * count + speaks, known) | np.isin(speaks * count + spoke, known) | (spoke == speaks)
    by_callee = np.argsort(calls.callee, kind="stable")
    callers = np.bincount(calls.callee, minlength=count)
    first = np.cumsum(callers) - callers
    width = np.where(direct, 0, callers[speaks])
    way = np.repeat(np.arange(len(speaks)), width)
    place = np.arange(len(way)) - np.repeat(np.cumsum(width) - width, width)
    caller = calls.caller[by_callee[first[speaks[way]] + place]]
    both = np.isin(caller * count + spoke[way], known)
    found = np.bincount(way[both], minlength=len(speaks))
    who = np.bincount(way[both], caller[both], len(speaks)).astype(np.int64)
    return np.where(found == 1, who, spoke)
