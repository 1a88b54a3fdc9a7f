"""What Prometheus scrapes of which service: one table for scrape jobs, security groups and discovery."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from obskit.deploy.spec import StackSpec

#: Of the sidecar that every task has.
EXPORTER_PORT: Final = 9779
EXPORTER_JOB: Final = "ecs-exporter"

#: Where the watchers answer scrapes.
WATCHER_PORTS: Final[Mapping[str, int]] = {
    "prometheus": 9090,
    "grafana": 3000,
    "loki": 3100,
    "alloy": 12345,
    "node-exporter": 9100,
}
#: Alertmanager runs in Prometheus' task.
ALERTMANAGER_PORT: Final = 9093
#: Where Alloy takes log lines from routers.
ALLOY_LOGS_PORT: Final = 3100


@dataclass(frozen=True, slots=True)
class Target:
    """One service that is scraped.

    Attributes:
        service: Its name, which is the job's too.
        port, path: Of the program.
        most: The most tasks that it may have.
    """

    service: str
    port: int
    path: str
    most: int


def targets(spec: StackSpec) -> tuple[Target, ...]:
    """Return what is scraped, in the stack file's order."""
    applications = (Target(a.name, a.port, a.metrics_path, a.maximum) for a in spec.applications)
    watchers = (Target(w.name, WATCHER_PORTS[w.name], "/metrics", w.maximum) for w in spec.watchers)
    return (*applications, *watchers)


def metrics(port: int, path: str = "/metrics") -> tuple[tuple[int, str], ...]:
    """Return `FargateService.metrics` of a service: its program and the sidecar."""
    return ((port, path), (EXPORTER_PORT, "/metrics"))


def has(spec: StackSpec, watcher: str) -> bool:
    """Tell whether the stack has one of the watchers."""
    return any(w.name == watcher for w in spec.watchers)
