"""Where answers come from: Prometheus, Loki, ECS, CloudWatch, and recordings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from obskit.model import Service, Telemetry, Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What an investigation wants to know from each source.

    Attributes:
        service: The service that suffers.
        window: The window with its baseline: the whole stretch to fetch.
        deadline: ``time.monotonic()`` at which the answer must have been returned; a source
            returns what it has by then and gaps for the rest.
    """

    service: Service
    window: Window
    deadline: float


class Source(Protocol):
    """Anything that can answer an `Ask`."""

    @property
    def name(self) -> str:
        """A word for gaps and progress: ``prometheus``, ``loki``, ``ecs``."""
        ...

    def answer(self, ask: Ask) -> Telemetry:
        """Return this source's share; what could not be had becomes a `Gap` in it.

        Raises:
            SourceError: Nothing at all could be had.
            UsageError: What was asked does not exist, such as an unknown service.
        """
        ...
