"""How a lab is set: sizes, rhythm and patience. A lab's own process reads it from its state file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from obskit.errors import UsageError

#: The business service and the one that it calls: the same program in two roles.
SHOP: Final = "demo-app"
PAYMENT: Final = "payment"
SERVICES: Final = (SHOP, PAYMENT)


#: The least and the most of each number. Where a target group or a task definition has bounds, the most is theirs.
_BOUNDS: Final[Mapping[str, tuple[float, float]]] = {
    "tasks": (1, 20),
    "payments": (1, 20),
    "threads": (1, 256),
    "rate": (0, 500),
    "day": (60, 7 * 86_400),
    "users": (1, 10_000),
    "scrape": (0.2, 60),
    "health_every": (0.2, 300),
    "health_timeout": (0.1, 120),
    "unhealthy_after": (1, 10),
    "grace": (0, 3600),
    "provision": (0, 60),
    "deregister": (0, 3600),
    "stop": (1, 15),
    "breaker": (1, 200),
    "cpu": (64, 16_384),
    "memory": (64, 65_536),
    "descriptors": (64, 65_536),
    "disk": (0, 1024),
    "connections": (10, 10_000),
    "pool": (1, 1000),
    "minutes": (0, 24 * 60),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LabSettings:
    """What can be chosen; all times in seconds.

    Attributes:
        cluster: Name of the ECS cluster that is played.
        tasks, payments: Desired count of the shop and of the payment service.
        threads: Of each task's one worker.
        rate: Users' actions a second at the middle of the day; noon has half as many again, midnight half of it.
        day: Length of one day of the load's rhythm.
        users: The most actions under way at once; who comes beyond goes away.
        scrape: Between two scrapes.
        health_every, health_timeout, unhealthy_after: As a target group has them: a task is unhealthy after
            so many checks in a row that failed or took too long.
        grace: A task's health does not count for so long after its start.
        provision: From the wish for a task to its start; Fargate takes about half a minute.
        deregister: From a task's deregistration to its SIGTERM.
        stop: From SIGTERM to SIGKILL; ECS waits 30, a lab less than its keeper waits for all of it.
        breaker: So many failed tasks in a row fail a deployment. ECS takes half of the desired count, at least 3 and
            at most 200 (ECS API reference, ServiceDeploymentCircuitBreaker).
        cpu, memory: Of a task, in units (1024 a core) and MiB. Memory is enforced, CPU is what it is measured by.
        descriptors: The most open files of each of a task's processes; ECS' own default.
        disk: MiB of a file system of its own for the shop's journals, shared by all its tasks; 0 for none. Needs root.
        tls: The shop reaches the payment service by TLS, and the lab is the authority that it trusts.
        connections: PostgreSQL's ``max_connections``.
        pool: The most connections of a task's pool.
        minutes: After so many the lab ends by itself; 0 for never.
        loki: Address of a Loki that gets every line as well.
        rules: Folder of ``*.rules.yml`` for Prometheus, as ``obskit alerts build`` writes them.
        shop_environment, payment_environment: Further variables of the first revisions.
    """

    cluster: str = "lab"
    tasks: int = 3
    payments: int = 1
    threads: int = 8
    rate: float = 12.0
    day: float = 600.0
    users: int = 60
    scrape: float = 2.0
    health_every: float = 5.0
    health_timeout: float = 3.0
    unhealthy_after: int = 2
    grace: float = 30.0
    provision: float = 2.0
    deregister: float = 1.0
    stop: float = 10.0
    breaker: int = 3
    cpu: int = 1024
    memory: int = 384
    descriptors: int = 1024
    disk: int = 0
    tls: bool = False
    connections: int = 60
    pool: int = 8
    minutes: float = 0.0
    loki: str = ""
    rules: str = ""
    shop_environment: tuple[tuple[str, str], ...] = ()
    payment_environment: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        for name, (low, high) in _BOUNDS.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise UsageError(f"the lab's {name} is {value:g}", hint=f"choose {low:g} to {high:g}")

    def count(self, service: str) -> int:
        """Return the desired count of one of `SERVICES`."""
        return self.tasks if service == SHOP else self.payments

    @classmethod
    def from_dict(cls, held: dict[str, Any]) -> LabSettings:
        """Return what `dataclasses.asdict` gave, after a way through JSON."""
        pairs = {name: tuple((str(k), str(v)) for k, v in held[name]) for name in held if name.endswith("_environment")}
        return cls(**{**held, **pairs})
