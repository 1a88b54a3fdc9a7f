"""A task and its revision, as ECS knows them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

Status = Literal["PROVISIONING", "PENDING", "RUNNING", "DEACTIVATING", "STOPPING", "DEPROVISIONING", "STOPPED"]
Health = Literal["initial", "healthy", "unhealthy"]

#: AWS's example account; nobody's.
ACCOUNT: Final = "123456789012"
REGION: Final = "eu-west-1"


def arn(service: str, resource: str) -> str:
    """Return an ARN of the account that is played."""
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """A task definition.

    Attributes:
        family, number: Its name is ``family:number``.
        command: What is run; ``()`` for the demo application as it is.
        environment: Variables, over those that the lab gives to each task.
        cpu, memory: Units (1024 a core) and MiB.
        tag: Of the image.
    """

    family: str
    number: int = 1
    command: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    cpu: int = 1024
    memory: int = 384
    tag: str = ""

    @property
    def name(self) -> str:
        """``family:number``."""
        return f"{self.family}:{self.number}"

    @property
    def image(self) -> str:
        """What ECR would call it."""
        return f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{self.family}:{self.tag or f'r{self.number}'}"


@dataclass(slots=True, kw_only=True)
class Task:
    """One task from wish to end; times are UTC, None until they come.

    Attributes:
        id: 32 hexadecimal digits.
        deployment: ``ecs-svc/...`` that started it.
        port: Where it listens.
        version: Rises with every change that is told.
        registered: It is a target of the balancer.
        was_healthy: It has passed a check once.
        failures: Failed checks in a row.
        reason: The balancer's words for the last failed check.
        exit_code, container_reason: Of its container.
    """

    id: str
    service: str
    cluster: str
    revision: Revision
    deployment: str
    zone: str
    port: int
    created: datetime
    status: Status = "PROVISIONING"
    desired: Literal["RUNNING", "STOPPED"] = "RUNNING"
    version: int = 1
    pulled: datetime | None = None
    started: datetime | None = None
    stopping: datetime | None = None
    terminated: datetime | None = None
    execution_stopped: datetime | None = None
    stopped: datetime | None = None
    stop_code: str = ""
    stopped_reason: str = ""
    exit_code: int | None = None
    container_reason: str = ""
    registered: bool = False
    health: Health = "initial"
    was_healthy: bool = False
    failures: int = 0
    reason: str = ""
    killed: bool = False

    @property
    def arn(self) -> str:
        """Its name in all of AWS."""
        return arn("ecs", f"task/{self.cluster}/{self.id}")

    @property
    def alive(self) -> bool:
        """Whether the service counts on it."""
        return self.desired == "RUNNING"

    @property
    def serving(self) -> bool:
        """Whether it runs and is a target in good health."""
        return self.alive and self.status == "RUNNING" and self.health == "healthy"


@dataclass(slots=True, kw_only=True)
class Deployment:
    """One rollout.

    Attributes:
        state: As ``rolloutState`` says.
        failed: Tasks in a row that ECS counts as failed, for its breaker.
        crashed: Tasks in a row that ended by themselves before they were healthy; ECS does not count them.
        good: It has been completed once: one to roll back to.
    """

    id: str
    revision: Revision
    begun: datetime
    state: Literal["IN_PROGRESS", "COMPLETED", "FAILED"] = "IN_PROGRESS"
    failed: int = 0
    crashed: int = 0
    good: bool = False


@dataclass(frozen=True, slots=True)
class Start:
    """Start the task's container."""

    task: Task


@dataclass(frozen=True, slots=True)
class Terminate:
    """Ask the task's container to end: SIGTERM."""

    task: Task


@dataclass(frozen=True, slots=True)
class Kill:
    """End the task's container: SIGKILL."""

    task: Task


Action = Start | Terminate | Kill
