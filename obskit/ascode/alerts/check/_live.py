"""What live checks of alerts ask."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from obskit.ascode.alerts.check import Built, Case


def readable(case: Case) -> Iterator[tuple[Built, Any]]:
    """Yield the rules that Prometheus evaluates with their trees."""
    for one in case.built:
        if one.tree is not None:
            yield one, one.tree


def recorded(case: Case) -> frozenset[str]:
    """Return the names of what our own rules record: it is there as soon as they are."""
    return frozenset(one.name for one in case.built if not one.is_alert)
