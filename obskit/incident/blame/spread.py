"""Whose symptoms another's fault explains, and where the alert leads.

Calls are edges here, one entry a pair: services call few others, and a square matrix of thousands is all but empty.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

#: Evidence that makes a service as likely affected as not.
_EVEN: Final = 0.5
#: Calls are followed over at most so many services; more than a request takes.
_MOST_HOPS: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Edges:
    """Who calls whom: shape (E,) each, positions of services; every pair once, nobody calls itself."""

    caller: Ints
    callee: Ints


def edges(services: Sequence[str], calls: Sequence[tuple[str, str]]) -> Edges:
    """Return the calls among *services*; those of others are left out."""
    index = {name: i for i, name in enumerate(services)}
    pairs = {(index[a], index[b]) for a, b in calls if a in index and b in index and a != b}
    return _edges(np.array(sorted(pairs), np.int64).reshape(-1, 2))


def _edges(pairs: Ints) -> Edges:
    return Edges(caller=pairs[:, 0], callee=pairs[:, 1])


def behind(calls: Edges, forwarding: npt.NDArray[np.bool_]) -> Edges:
    """Return who calls whom, also through balancers whose callees nobody knows.

    Traces end at a balancer. What is behind it is one of the others that its callers call.

    Args:
        calls: From `edges`.
        forwarding: Shape (S,), who passes requests on.
    """
    ends = np.setdiff1d(np.flatnonzero(forwarding), calls.caller)
    found = [np.column_stack([calls.caller, calls.callee])]
    for end in ends.tolist():  # balancers are few
        beside = np.isin(calls.caller, calls.caller[calls.callee == end])
        others = np.setdiff1d(calls.callee[beside], ends)
        found.append(np.column_stack([np.full(len(others), end, np.int64), others]))
    return _edges(np.concatenate(found))


def affected(evidence: Floats) -> Floats:
    """Return how sure it is that something moved, 0 to 1."""
    return evidence / (evidence + _EVEN)


def unexplained(symptoms: Floats, callee_symptoms: Floats, calls: Edges) -> Floats:
    """Return what is left of each service's symptoms when those of its callees are allowed for.

    A callee explains as much as it is surely affected, and no more than it moved itself.

    Args:
        symptoms: Shape (S,), evidence.
        callee_symptoms: Shape (S,), what may explain a caller's symptoms.
        calls: From `edges`.
    """
    below = callee_symptoms[calls.callee]
    with np.errstate(divide="ignore", invalid="ignore"):
        covered = np.nan_to_num(np.minimum(1.0, below / symptoms[calls.caller]))
    share = np.zeros(len(symptoms))
    np.maximum.at(share, calls.caller, covered * affected(below))
    left: Floats = symptoms * (1 - share)
    return left


def withheld(fallen: Floats, calls: Edges) -> Floats:
    """Return how surely each service no longer passes on the requests that it gets.

    Traffic is lost from caller to callee, other than symptoms: where most of what a service calls is asked less
    while it is asked as before, it answers without them. One callee's loss may be its own: there have to be two.

    Args:
        fallen: Shape (S,), evidence that a service gets fewer requests.
        calls: From `edges`.
    """
    left = np.zeros(len(fallen))
    below = fallen[calls.callee]
    ordered = below[np.lexsort((below, calls.caller))]
    count = np.bincount(calls.caller, minlength=len(fallen))
    first = np.cumsum(count) - count
    callers = np.flatnonzero(count > 1)
    low, high = first[callers] + (count[callers] - 1) // 2, first[callers] + count[callers] // 2
    left[callers] = np.maximum((ordered[low] + ordered[high]) / 2 - fallen[callers], 0.0)
    return left


def blamed_by_alert(start: int, symptoms: Floats, calls: Edges) -> Floats:
    """Follow the alert from the service that raised it to those whose symptoms nobody below explains.

    A walk: at each service it goes on to affected callees, and stays as far as none is affected.

    Args:
        start: The alerting service.
        symptoms: Shape (S,), evidence of the kind that the alert is about.
        calls: From `edges`.

    Returns:
        Shape (S,), the share of walks that ends at each service; they sum to 1.

    Source: after the random walks of Kim, Sumbaly and Shah (2013), here with an end.
    """
    count = len(symptoms)
    sure = affected(symptoms)[calls.callee]
    strongest = np.zeros(count)
    np.maximum.at(strongest, calls.caller, sure)
    total = np.bincount(calls.caller, sure**2, count)
    with np.errstate(divide="ignore", invalid="ignore"):
        goes = np.nan_to_num(sure**2 / total[calls.caller]) * strongest[calls.caller]
    here: Floats = np.zeros(count)
    here[start] = 1.0
    ended = np.zeros(count)
    for _ in range(_MOST_HOPS):
        ended += here * (1 - strongest)
        here = np.bincount(calls.callee, here[calls.caller] * goes, count).astype(np.float64)
    result: Floats = ended + here
    return result
