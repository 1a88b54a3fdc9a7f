"""What is watched: one file a topic, each with a tuple ``SIGNALS``.

Queries stand whole in the topics. ``obskit.catalogue._speak`` finds out which variant a
server can answer and fills the placeholders:

``$svc``      matchers of the services (and their cluster)
``$scope``    matchers of what is shared by the cluster, possibly none
``$wide``     the same, of what a watcher says of others: never narrowed to the watcher's own job
``$service``  the label that names the service; ``$task`` the one that names the task
``$status``, ``$peer``  the labels that hold an HTTP status and the called service
``$traffic``  a matcher that leaves health checks and scrapes out, possibly none
``$names``    the services' names as a regular expression
``$rate``     the range of a rate: four scrapes or two steps, whichever is longer
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from obskit.catalogue._speak import (
    CLUSTER_LABELS,
    NOT_TRAFFIC,
    PEER_LABELS,
    ROUTE_LABELS,
    SERVICE_LABELS,
    TASK_LABELS,
    alternation,
    quoted,
)
from obskit.discover import modules_in
from obskit.errors import UsageError
from obskit.model import Signal

__all__ = [
    "CLUSTER_LABELS",
    "NOT_TRAFFIC",
    "PEER_LABELS",
    "ROUTE_LABELS",
    "SERVICE_LABELS",
    "TASK_LABELS",
    "all_signals",
    "alternation",
    "quoted",
]


@cache
def all_signals() -> Mapping[str, Signal]:
    """Return every signal by its id, in the order of topics and files."""
    return MappingProxyType({signal.id: signal for module in modules_in(__name__) for signal in module.SIGNALS})


def signals_about(word: str, *, all_by: str = "obskit dashboards signals") -> dict[str, Signal]:
    """Return the signals that a word is part of, in id, topic, title or meaning, upper and lower case the same.

    Args:
        word: "" is part of all.
        all_by: How whoever asks gets all of them; the error says it.

    Raises:
        UsageError: It is part of none.
    """
    asked = word.lower()
    found = {
        name: one
        for name, one in all_signals().items()
        if asked in " ".join((one.id, one.topic, one.title, one.meaning)).lower()
    }
    if not found:
        raise UsageError(f"no signal is about {word[:80]!r}", hint=f"{all_by} lists all")
    return found
