"""The ECS services of a stack in one shape, whatever they run.

`obskit.deploy.containers` has one file a program; each says what its service is made of. The kinds of
resources that every service has (task definition, service, role, security group, log group, discovery,
scaling) are made from this shape and know no program.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from obskit.deploy.resource import Fields, Join, Ref

if TYPE_CHECKING:
    from obskit.deploy.resource import Place
    from obskit.deploy.spec import Size, StackSpec

Text = str | Ref | Join
#: Image of a router that Fargate's log driver hands lines to, and of what fetches configurations, are in `containers`.
Condition = Literal["START", "COMPLETE", "SUCCESS", "HEALTHY"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A volume of the task at a path of a container.

    Attributes:
        volume: Its name; all volumes are empty at the start and end with the task.
        path: In the container.
        read_only: For this container.
    """

    volume: str
    path: str
    read_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A health check that ECS runs in the container.

    Attributes:
        command: As ECS wants it: ``("CMD-SHELL", "…")`` or ``("CMD", …)``.
        interval, timeout, retries, start: Seconds, seconds, count, seconds.
    """

    command: tuple[str, ...]
    interval: int = 15
    timeout: int = 5
    retries: int = 3
    start: int = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """One container of a task.

    Attributes:
        name: In the task.
        image: Whole reference, with tag or digest.
        essential: The task ends with it.
        entry_point, command: Instead of the image's own; empty for those.
        environment: Variables; sorted by name when written.
        secrets: Variable -> ARN of a secret, with ``:key::`` where it is a key of its JSON.
        ports: That it listens on.
        user: ``uid`` or ``uid:gid``; "" for the image's own.
        read_only: Its root file system.
        mounts: Volumes.
        probe: Health check by ECS; None for none.
        after: Container -> condition that it waits for.
        logs: ``firelens``: to Loki by the task's router; ``awslogs``: to the service's log group.
        router: It is the FireLens router.
        stop_seconds: Between SIGTERM and SIGKILL; 0 for ECS's default.
        open_files: Limit of file descriptors; 0 for ECS's default.
    """

    name: str
    image: str
    essential: bool = True
    entry_point: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    environment: tuple[tuple[str, Text], ...] = ()
    secrets: tuple[tuple[str, Text], ...] = ()
    ports: tuple[int, ...] = ()
    user: str = ""
    read_only: bool = True
    mounts: tuple[Mount, ...] = ()
    probe: Probe | None = None
    after: tuple[tuple[str, Condition], ...] = ()
    logs: Literal["firelens", "awslogs"] = "awslogs"
    router: bool = False
    stop_seconds: int = 0
    open_files: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Public:
    """How the load balancer reaches a service.

    Attributes:
        host, path: What it sends there; "" for everything that no other rule takes.
        health_path: Answers 200 when the task can take requests.
        priority: Of the rule; a smaller one is asked first.
    """

    host: str = ""
    path: str = ""
    health_path: str = "/health"
    priority: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FargateService:
    """One ECS service and all that belongs to it alone.

    Attributes:
        name: ``demo-app``; its name in ECS is `StackSpec.full` of it.
        size: CPU, memory, storage, number of tasks, scaling, Spot, architecture.
        containers: The first one is the program; the others serve it.
        port: Where the program is reached; 0 where nobody does.
        public: Behind the load balancer; None for private services.
        callers: Service -> ports on which it may reach this one.
        reaches: ``protocol:port:network`` that it may reach besides AWS and HTTPS.
        metrics: Container port -> path where Prometheus scrapes.
        permissions: Statements of the task role's policy, as IAM wants them (``Sid`` included).
        policies: ARNs of managed policies for the task role.
        configuration: File -> text that the task finds below ``/config``; see ``configuration`` in resources.
        minimum_healthy, maximum: Percent of tasks during a deployment.
        grace_seconds: After its start a task's failing health checks are overlooked that long.
        image_owner: Who changes the program's image once the service exists.
        breaker_threshold: Failed tasks until a rollback; 0 for AWS's own formula.
        database: It may reach the database.
        repository: It has a repository of its own in ECR.
    """

    name: str
    size: Size
    containers: tuple[Container, ...]
    port: int = 0
    public: Public | None = None
    callers: tuple[tuple[str, tuple[int, ...]], ...] = ()
    reaches: tuple[str, ...] = ()
    metrics: tuple[tuple[int, str], ...] = ()
    permissions: tuple[Fields, ...] = ()
    policies: tuple[str, ...] = ()
    configuration: Mapping[str, str] | None = None
    minimum_healthy: int = 100
    maximum: int = 200
    grace_seconds: int = 60
    image_owner: Literal["ci", "spec"] = "spec"
    breaker_threshold: int = 0
    database: bool = False
    repository: bool = False

    @property
    def program(self) -> Container:
        """The container that the service exists for."""
        return self.containers[0]


def services(spec: StackSpec, place: Place) -> tuple[FargateService, ...]:
    """Return all services of a stack: applications in the file's order, then the watchers.

    Each module of `obskit.deploy.containers` that has a function ``services(spec, place)`` is asked. Their images
    are fetched from where the stack file's ``registry`` says.
    """
    from obskit.discover import modules_in

    modules = modules_in("obskit.deploy.containers")
    found = [service for module in modules for service in getattr(module, "services", _none)(spec, place)]
    order = [*(a.name for a in spec.applications), *(w.name for w in spec.watchers)]
    return tuple(_fetched(one, spec.registry) for one in sorted(found, key=lambda service: order.index(service.name)))


def _fetched(service: FargateService, registry: str) -> FargateService:
    from obskit.deploy.containers._images import fetched_from

    containers = (replace(one, image=fetched_from(one.image, registry)) for one in service.containers)
    return replace(service, containers=tuple(containers)) if registry else service


def _none(_spec: StackSpec, _place: Place) -> tuple[FargateService, ...]:
    return ()
