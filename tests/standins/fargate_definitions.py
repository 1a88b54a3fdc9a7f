"""Task definitions and clusters as AWS registers them: what it refuses, what it fills in.

AWS: the table of CPU and memory, what Fargate does not take, and ``hostPort`` are from the developer guide ("Task
size", "Task definition differences for Fargate") and the API model; the words of refusals are from public issue
threads, so rely on the code (``ClientException``), not on them. AWS gives back defaults that nobody wrote
(``hostPort``, ``protocol``, probe times, ``host: {}`` of a volume) and does not keep the order of environment and
secrets. A revision's number is never given again; a family without a number is its newest ACTIVE revision;
CreateCluster of a name that is ACTIVE returns that cluster. moto checks nothing of Fargate, fills in little, keeps
order, counts deleted numbers again, resolves a family to INACTIVE revisions, and replaces a cluster by a second one of
its name.

Simulation: the order that AWS gives environment and secrets is unknown; here it is the reverse of the names'.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from moto.core.responses import ActionResult, BaseResponse
from moto.ecs.exceptions import EcsClientException

from tests.standins.aws import ACCOUNT, Row
from tests.standins.fargate_world import World

Method = Callable[[Any], ActionResult]
#: CPU units -> MiB that go with them.
SIZES: Final[dict[int, tuple[int, ...]]] = {
    256: (512, 1024, 2048),
    512: tuple(range(1024, 4097, 1024)),
    1024: tuple(range(2048, 8193, 1024)),
    2048: tuple(range(4096, 16385, 1024)),
    4096: tuple(range(8192, 30721, 1024)),
    8192: tuple(range(16384, 61441, 4096)),
    16384: tuple(range(32768, 122881, 8192)),
}
_NOT_ON_FARGATE: Final = ("links", "dnsServers", "dnsSearchDomains", "dockerSecurityOptions", "extraHosts")
_NOT_IN_LINUX: Final = ("devices", "tmpfs", "sharedMemorySize", "maxSwap", "swappiness")


def _registering(world: World, original: Method) -> Method:
    highest: dict[str, int] = {}

    def register_task_definition(response: BaseResponse) -> ActionResult:
        asked = response._get_params()
        if "FARGATE" in (asked.get("requiresCompatibilities") or ()):
            _check(asked)
        for container in asked["containerDefinitions"]:
            _fill(container)
        for volume in asked.get("volumes") or ():
            if not set(volume) - {"name"}:
                volume["host"] = {}
        family = asked["family"]
        known = world.ecs.task_definitions.setdefault(family, {})
        # moto takes the highest number that is left
        gone = highest.get(family, 0)
        if gone and gone not in known:
            known[gone] = None  # type: ignore[assignment]
        definition: Any = original(response).result["taskDefinition"]  # type: ignore[index]
        if gone and known.get(gone) is None:
            known.pop(gone, None)
        highest[family] = definition.revision
        definition.registered_at = world.timeline.moment()
        definition.registered_by = f"arn:aws:iam::{ACCOUNT}:role/deployer"
        definition.requires_attributes = [{"name": "ecs.capability.task-eni"}]
        return ActionResult({"taskDefinition": definition, "tags": definition.tags})

    return register_task_definition


def _fill(container: Row) -> None:
    container.setdefault("systemControls", [])
    for mapping in container.get("portMappings") or ():
        mapping.setdefault("protocol", "tcp")
        mapping.setdefault("hostPort", mapping["containerPort"])
    for key in ("environment", "secrets"):
        if container.get(key):
            container[key] = sorted(container[key], key=lambda row: str(row["name"]), reverse=True)
    if check := container.get("healthCheck"):
        for key, value in {"interval": 30, "timeout": 5, "retries": 3}.items():
            check.setdefault(key, value)


def _check(asked: Row) -> None:
    if asked.get("networkMode") != "awsvpc":
        raise EcsClientException("Fargate only supports network mode ‘awsvpc’.")
    if not asked.get("cpu") or not asked.get("memory"):
        raise EcsClientException("Fargate requires that 'cpu' and 'memory' be defined at the task level.")
    if int(asked["memory"]) not in SIZES.get(int(asked["cpu"]), ()):
        raise EcsClientException("No Fargate configuration exists for given values.")
    if asked.get("placementConstraints") or asked.get("ipcMode"):
        raise EcsClientException("Fargate does not support placementConstraints or ipcMode.")
    size = int((asked.get("ephemeralStorage") or {}).get("sizeInGiB", 21))
    if not 21 <= size <= 200:
        raise EcsClientException("The ephemeral storage size must be between 21 and 200 GiB.")
    for volume in asked.get("volumes") or ():
        if (volume.get("host") or {}).get("sourcePath"):
            raise EcsClientException("Fargate compatible task definitions do not support sourcePath.")
    containers = asked["containerDefinitions"]
    if not any(c.get("essential", True) for c in containers):
        raise EcsClientException("At least one container in a task definition must be essential.")
    names = {c.get("name") for c in containers}
    volumes = {v["name"] for v in asked.get("volumes") or ()}
    for container in containers:
        _check_container(container, names, volumes, asked)


def _check_container(container: Row, names: set[Any], volumes: set[str], asked: Row) -> None:
    name = container.get("name")
    if container.get("privileged"):
        raise EcsClientException("Fargate compatible task definitions do not support the use of privileged containers.")
    wrong = [key for key in _NOT_ON_FARGATE if container.get(key)]
    wrong += [key for key in _NOT_IN_LINUX if (container.get("linuxParameters") or {}).get(key) is not None]
    if wrong:
        raise EcsClientException(f"Fargate compatible task definitions do not support {wrong[0]}.")
    for mapping in container.get("portMappings") or ():
        if mapping.get("hostPort") not in (None, mapping["containerPort"]):
            raise EcsClientException(
                "When networkMode=awsvpc, the host ports and container ports in port mappings must match."
            )
    for dependency in container.get("dependsOn") or ():
        if dependency["containerName"] not in names:
            raise EcsClientException(f"Container '{name}' depends on an unknown container.")
    for mount in container.get("mountPoints") or ():
        if mount.get("sourceVolume") not in volumes:
            raise EcsClientException(f"Unknown volume '{mount.get('sourceVolume')}'.")
    needs_role = container.get("secrets") or (container.get("logConfiguration") or {}).get("logDriver") == "awslogs"
    if needs_role and not asked.get("executionRoleArn"):
        raise EcsClientException("Fargate requires task definition to have execution role ARN to support log driver.")
    if container.get("stopTimeout", 0) > 120:
        raise EcsClientException("The stopTimeout must be 120 seconds or less.")


def _describing(world: World, original: Method) -> Method:
    def describe_task_definition(response: BaseResponse) -> ActionResult:
        asked = response._get_params()
        name = str(asked["taskDefinition"]).rsplit("/", 1)[-1]
        if ":" not in name:
            active = [d for d in world.ecs.task_definitions.get(name, {}).values() if d.status == "ACTIVE"]
            if not active:
                raise EcsClientException("Unable to describe task definition.")
            asked["taskDefinition"] = max(active, key=lambda d: d.revision).arn
        return original(response)

    return describe_task_definition


def _making(world: World, original: Method) -> Method:
    def create_cluster(response: BaseResponse) -> ActionResult:
        known = world.ecs.clusters.get(response._get_params().get("clusterName") or "default")
        if known is not None and known.status == "ACTIVE":
            return ActionResult({"cluster": known})
        return original(response)

    return create_cluster


#: By the name of moto's method: makes the mended one of the world and the original.
DEFINITIONS: Final[dict[str, Callable[[World, Method], Method]]] = {
    "create_cluster": _making,
    "describe_task_definition": _describing,
    "register_task_definition": _registering,
}
