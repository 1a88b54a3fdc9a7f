"""The business services: the program, FireLens' router, and ecs_exporter, in one task.

Health is asked by the load balancer and never by a command in the container: an image may have no shell and
no client. A private application has no health check but that its process runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from obskit.deploy.containers import _exporter, _files, _images, _router, _targets
from obskit.deploy.image_names import ecr_host
from obskit.deploy.resource import Join, Ref
from obskit.deploy.services import Condition, Container, FargateService, Public, Text

if TYPE_CHECKING:
    from obskit.deploy.resource import Place
    from obskit.deploy.spec import Application, StackSpec

#: The container of the program; CI changes the image of this one.
PROGRAM: Final = "app"
#: The most file descriptors that Fargate grants.
OPEN_FILES: Final = 65535
#: Paths that mean everything.
_ANY: Final = ("/*", "*", "/")
_FIRST_PRIORITY: Final = 100


def services(spec: StackSpec, place: Place) -> tuple[FargateService, ...]:
    """Return a service for each application of the stack."""
    return tuple(_service(spec, place, application) for application in spec.applications)


def _service(spec: StackSpec, place: Place, application: Application) -> FargateService:
    whole = _images.is_whole(application.image)
    callers = tuple((other.name, (application.port,)) for other in spec.applications if application.name in other.calls)
    return FargateService(
        name=application.name,
        size=application,
        containers=_containers(spec, place, application),
        port=application.port,
        public=_public(spec, application),
        callers=callers,
        reaches=application.reaches,
        metrics=_targets.metrics(application.port, application.metrics_path),
        policies=application.policies,
        grace_seconds=application.grace_seconds,
        image_owner=application.image_owner,
        breaker_threshold=application.breaker_threshold,
        database=application.database,
        repository=not whole,
    )


def _containers(spec: StackSpec, place: Place, application: Application) -> tuple[Container, ...]:
    routed = _targets.has(spec, "alloy")
    after: tuple[tuple[str, Condition], ...] = (
        *(((_router.ROUTER, "START"),) if routed else ()),
        *(((_exporter.TMP_MAKER, "SUCCESS"),) if application.read_only else ()),
    )
    program = Container(
        name=PROGRAM,
        image=image(spec, place, application),
        command=application.command,
        environment=_environment(spec, application),
        secrets=_secrets(spec, place, application),
        ports=(application.port,),
        user=application.user,
        read_only=application.read_only,
        mounts=(_files.TMP,) if application.read_only else (),
        after=after,
        logs="firelens" if routed else "awslogs",
        stop_seconds=application.stop_seconds,
        open_files=OPEN_FILES,
    )
    router = (_router.container(),) if routed else ()
    tmp = (_exporter.tmp_maker(),) if application.read_only else ()
    return (program, *router, _exporter.container(), *tmp)


def image(spec: StackSpec, place: Place, application: Application) -> str:
    """Return the whole reference of an application's image.

    A tag alone is one of the stack's own repository; none at all is ``latest``.
    """
    if _images.is_whole(application.image):
        return application.image
    return f"{ecr_host(place)}/{spec.name}/{application.name}:{application.image or 'latest'}"


def _environment(spec: StackSpec, application: Application) -> tuple[tuple[str, Text], ...]:
    """Return the variables; what the stack file says wins."""
    found: dict[str, Text] = {"PORT": str(application.port)}
    ports = {other.name: other.port for other in spec.applications}
    for name in application.calls:
        found[f"{name.upper().replace('-', '_')}_URL"] = f"http://{name}.{spec.namespace}:{ports[name]}"
    if application.database and spec.database is not None:
        found |= {
            "DATABASE_HOST": Ref("database.main", "endpoint"),
            "DATABASE_PORT": Ref("database.main", "port"),
            "DATABASE_NAME": spec.database.name,
            "DATABASE_USER": spec.database.name,
        }
    return tuple(sorted((found | dict(application.environment)).items()))


def _secrets(spec: StackSpec, place: Place, application: Application) -> tuple[tuple[str, Text], ...]:
    found: dict[str, Text] = {}
    if application.database and spec.database is not None:
        found["DATABASE_PASSWORD"] = Join((Ref("secret.database", "arn"), ":password::"))
    for variable, named in application.secrets:
        arn, key = secret_and_key(named, place)
        found[variable] = f"{arn}:{key}::" if key else arn
    return tuple(sorted(found.items()))


def secret_and_key(named: str, place: Place) -> tuple[str, str]:
    """Return ARN and JSON key ("" for the whole) of a secret as the stack file names it.

    A name becomes an ARN without AWS's six letters at its end, by which ECS finds it too.
    """
    if named.startswith("arn:"):
        parts = named.split(":")
        return ":".join(parts[:7]), "".join(parts[7:8])
    name, _, key = named.partition(":")
    return place.arn("secretsmanager", f"secret:{name}"), key


def _public(spec: StackSpec, application: Application) -> Public | None:
    """Return how the load balancer reaches it; longer paths are asked first."""
    if not application.path:
        return None
    path = "" if application.path in _ANY else application.path
    shown = [a for a in spec.applications if a.path]
    shown.sort(key=lambda a: (-len(a.path), a.name))
    return Public(
        host=application.host,
        path=path,
        health_path=application.health_path,
        priority=_FIRST_PRIORITY + 10 * shown.index(application),
    )
