"""What the simulated Fargate shares: virtual time, the table of images, moto's backends, the event bus.

Simulation: time is a number that tests advance; nothing happens by itself. Whatever is due happens, in
order, when the next call to AWS arrives. EventBridge events have the shape that the ECS developer guide
documents (ecs_cwe_events) and are given to moto's rules, which match and deliver them to queues and log
groups. AWS may deliver an event more than once and out of order; `Bus` does so when it is asked to.
"""

from __future__ import annotations

import heapq
import itertools
import json
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, cast

from moto.acm.models import AWSCertificateManagerBackend, acm_backends
from moto.ec2.models import EC2Backend, ec2_backends
from moto.ecs.models import EC2ContainerServiceBackend, ecs_backends
from moto.elbv2.models import ELBv2Backend, elbv2_backends
from moto.events.models import events_backends
from moto.servicediscovery.models import ServiceDiscoveryBackend, servicediscovery_backends

from tests.standins.aws import ACCOUNT, REGION, Row

if TYPE_CHECKING:
    from tests.standins.fargate_services import Service
    from tests.standins.fargate_tasks import Task

BEGAN: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)


class HasNow(Protocol):
    """A clock, such as `tests.support.stack.Clock`."""

    now: float


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What happens to a container of an image.

    Attributes:
        kind: ``runs`` for ever; ``exits`` by itself; ``pull_fails``; ``unhealthy``: it runs and no health
            check ever passes.
        code: Exit code of one that exits.
        after: Seconds from its start to its exit. Less than five, and the task never reaches RUNNING.
        reason: ``reason`` of the container that exits: ``OutOfMemoryError: …``.
        message: What the registry said when the pull failed.
    """

    kind: Literal["runs", "exits", "pull_fails", "unhealthy"] = "runs"
    code: int = 1
    after: float = 1.0
    reason: str = ""
    message: str = "pull image manifest has been retried 1 time(s): image not found"


RUNS: Final = Outcome()


def exits(code: int = 1, *, after: float = 1.0, reason: str = "") -> Outcome:
    """Return the outcome of a program that ends by itself."""
    return Outcome(kind="exits", code=code, after=after, reason=reason)


def runs_out_of_memory(after: float = 1.0) -> Outcome:
    """Return the outcome of a program that is killed for its memory."""
    return exits(137, after=after, reason="OutOfMemoryError: Container killed due to memory usage")


def pull_fails(message: str = Outcome.message) -> Outcome:
    """Return the outcome of an image that cannot be pulled."""
    return Outcome(kind="pull_fails", message=message)


def unhealthy() -> Outcome:
    """Return the outcome of a program that runs and never passes a health check."""
    return Outcome(kind="unhealthy")


@dataclass
class Timeline:
    """What is due when, in virtual time.

    Attributes:
        clock: Whose ``now`` says how far time has come, in seconds.
        began: The moment at which the clock stood at zero.
        now: How far the simulation has come; never beyond the clock.
    """

    clock: HasNow
    began: datetime = BEGAN
    now: float = 0.0
    _due: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _numbers: Any = field(default_factory=itertools.count)

    def at(self, delay: float, action: Callable[[], None]) -> None:
        """Let something happen so many seconds from now."""
        heapq.heappush(self._due, (self.now + delay, next(self._numbers), action))

    def catch_up(self) -> None:
        """Let everything happen that is due by now."""
        while self._due and self._due[0][0] <= self.clock.now:
            self.now, _, action = heapq.heappop(self._due)
            action()
        self.now = max(self.now, self.clock.now)

    def moment(self) -> datetime:
        """Return the time of day."""
        return self.began + timedelta(seconds=self.now)


@dataclass
class Bus:
    """ECS's events on their way to EventBridge's rules.

    Attributes:
        duplicates: Each event is delivered twice, with the same id.
        shuffle: Those of one moment are delivered in random order.
        sent: All events, in the order in which they came to be.
    """

    timeline: Timeline
    region: str
    duplicates: bool = False
    shuffle: bool = False
    sent: list[Row] = field(default_factory=list)
    _waiting: list[Row] = field(default_factory=list)
    _random: random.Random = field(default_factory=lambda: random.Random(7))

    def send(self, detail_type: str, resource: str, detail: Row) -> None:
        """Send an event; it is delivered by the next `flush`."""
        event = {
            "version": "0",
            "id": f"{self._random.getrandbits(128):032x}",
            "detail-type": detail_type,
            "source": "aws.ecs",
            "account": ACCOUNT,
            "time": self.timeline.moment().timestamp(),
            "region": self.region,
            "resources": [resource],
            "detail": json.loads(json.dumps(detail, default=_iso)),
            "ingestion-time": self.timeline.moment().timestamp(),
        }
        self.sent.append(event)
        self._waiting.extend([event] * (2 if self.duplicates else 1))

    def flush(self) -> None:
        """Deliver what waits to the rules of the default bus."""
        waiting, self._waiting = self._waiting, []
        if self.shuffle:
            self._random.shuffle(waiting)
        rules = events_backends[ACCOUNT][self.region].event_buses["default"].rules.values() if waiting else ()
        for event in waiting:
            for rule in list(rules):
                if rule.state == "ENABLED":
                    rule.send_to_targets(cast("Any", dict(event)))


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


@dataclass
class World:
    """One account in one region.

    Attributes:
        timeline, bus: As above.
        images: Outcome by image; a key may leave out the registry: ``shop-demo-app:2.0``.
        lock: Held while a call is answered.
        services: All that ever were, by ``cluster:name``; the newest of a name.
        tasks: By ARN; those that stopped are kept for an hour.
        lingering: Groups and subnets that interfaces of deleted load balancers still hold, with the time of their end.
        tokens: Client token by ``cluster:name``.
        serial: Numbers for ids.
        launched: Numbers of tasks; they are spread over subnets by it.
    """

    timeline: Timeline
    bus: Bus
    images: dict[str, Outcome] = field(default_factory=dict)
    lock: Any = field(default_factory=threading.RLock)
    services: dict[str, Service] = field(default_factory=dict)
    tasks: dict[str, Task] = field(default_factory=dict)
    lingering: list[tuple[float, frozenset[str]]] = field(default_factory=list)
    tokens: dict[str, str] = field(default_factory=dict)
    serial: Any = field(default_factory=lambda: itertools.count(1))
    launched: Any = field(default_factory=itertools.count)
    region: str = REGION

    @property
    def ecs(self) -> EC2ContainerServiceBackend:
        """What moto keeps as clusters and task definitions."""
        return ecs_backends[ACCOUNT][self.region]

    @property
    def ec2(self) -> EC2Backend:
        """What moto keeps as network."""
        return ec2_backends[ACCOUNT][self.region]

    @property
    def elb(self) -> ELBv2Backend:
        """What moto keeps as load balancers."""
        return elbv2_backends[ACCOUNT][self.region]

    @property
    def discovery(self) -> ServiceDiscoveryBackend:
        """What moto keeps as Cloud Map."""
        return servicediscovery_backends[ACCOUNT][self.region]

    @property
    def acm(self) -> AWSCertificateManagerBackend:
        """What moto keeps as certificates."""
        return acm_backends[ACCOUNT][self.region]

    def settle(self) -> None:
        """Let time catch up and deliver the events that came of it."""
        self.timeline.catch_up()
        self.bus.flush()

    def arn(self, kind: str, rest: str) -> str:
        """Return the ARN of something in ECS."""
        return f"arn:aws:ecs:{self.region}:{ACCOUNT}:{kind}/{rest}"

    def identity(self, length: int = 32) -> str:
        """Return an id that no other has, in hexadecimal digits."""
        return f"{next(self.serial) * 0x9E3779B97F4A7C15 % 2**64:016x}".ljust(length, "0")[:length]

    def outcome_of(self, image: str) -> Outcome:
        """Return what happens to containers of an image."""
        for key, outcome in self.images.items():
            if image == key or image.endswith(f"/{key}"):
                return outcome
        return RUNS
