"""Symptoms spread from callee to caller: whose symptoms another explains, and where the alert leads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

#: Evidence that makes a service as likely affected as not.
_EVEN: Final = 0.5
#: Calls are followed over at most so many services; more than a request takes.
_MOST_HOPS: Final = 12


def matrix(services: Sequence[str], calls: Sequence[tuple[str, str]]) -> npt.NDArray[np.bool_]:
    """Return who calls whom: shape (S, S), caller by callee; nobody calls itself."""
    index = {name: i for i, name in enumerate(services)}
    found = np.zeros((len(services), len(services)), bool)
    for caller, callee in calls:
        if caller in index and callee in index and caller != callee:
            found[index[caller], index[callee]] = True
    return found


def behind(calls: npt.NDArray[np.bool_], forwarding: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return who calls whom, also through balancers whose callees nobody knows.

    Traces end at a balancer. What is behind it is one of the others that its callers call.

    Args:
        calls: Shape (S, S), from `matrix`.
        forwarding: Shape (S,), who passes requests on.
    """
    ends = np.flatnonzero(forwarding & ~calls.any(axis=1))
    found = calls.copy()
    for end in ends.tolist():  # balancers are few
        found[end] = calls[calls[:, end]].any(axis=0)
        found[end, ends] = False
    return found


def affected(evidence: Floats) -> Floats:
    """Return how sure it is that something moved, 0 to 1."""
    return evidence / (evidence + _EVEN)


def unexplained(symptoms: Floats, callee_symptoms: Floats, calls: npt.NDArray[np.bool_]) -> Floats:
    """Return what is left of each service's symptoms when those of its callees are allowed for.

    A callee explains as much as it is surely affected, and no more than it moved itself.

    Args:
        symptoms: Shape (S,), evidence.
        callee_symptoms: Shape (S,), what may explain a caller's symptoms.
        calls: Shape (S, S), from `matrix`.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        covered = np.nan_to_num(np.minimum(1.0, callee_symptoms[None, :] / symptoms[:, None]))
    share = np.where(calls, covered * affected(callee_symptoms)[None, :], 0.0).max(axis=1, initial=0.0)
    left: Floats = symptoms * (1 - share)
    return left


def withheld(fallen: Floats, calls: npt.NDArray[np.bool_]) -> Floats:
    """Return how surely each service no longer passes on the requests that it gets.

    Traffic is lost from caller to callee, other than symptoms: where most of what a service calls is asked less
    while it is asked as before, it answers without them. One callee's loss may be its own: there have to be two.

    Args:
        fallen: Shape (S,), evidence that a service gets fewer requests.
        calls: Shape (S, S), from `matrix`.
    """
    left = np.zeros(len(fallen))
    for caller in np.flatnonzero(calls.sum(axis=1) > 1).tolist():  # callers are few, series many
        left[caller] = max(float(np.median(fallen[calls[caller]])) - float(fallen[caller]), 0.0)
    return left


def blamed_by_alert(start: int, symptoms: Floats, calls: npt.NDArray[np.bool_]) -> Floats:
    """Follow the alert from the service that raised it to those whose symptoms nobody below explains.

    A walk: at each service it goes on to affected callees, and stays as far as none is affected.

    Args:
        start: The alerting service.
        symptoms: Shape (S,), evidence of the kind that the alert is about.
        calls: Shape (S, S), from `matrix`.

    Returns:
        Shape (S,), the share of walks that ends at each service; they sum to 1.

    Source: after the random walks of Kim, Sumbaly and Shah (2013), here with an end.
    """
    sure = np.where(calls, affected(symptoms)[None, :], 0.0)
    strongest = sure.max(axis=1, initial=0.0)
    total = (sure**2).sum(axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        goes = np.nan_to_num(sure**2 / total) * strongest[:, None]
    here = np.zeros(len(symptoms))
    here[start] = 1.0
    ended = np.zeros(len(symptoms))
    for _ in range(_MOST_HOPS):
        ended += here * (1 - strongest)
        here = here @ goes
    result: Floats = ended + here
    return result
