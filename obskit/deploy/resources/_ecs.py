"""A task definition in its three shapes: made from a service, as fields, as AWS's request.

What is wanted and what AWS describes go through one function, `fields`, so that both are equal when AWS
holds what is wanted, whatever AWS fills in, leaves out or sorts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from obskit.deploy.resource import Fields, Ref, Value

if TYPE_CHECKING:
    from obskit.deploy.resource import Place
    from obskit.deploy.services import Container, FargateService
    from obskit.deploy.spec import StackSpec

#: GiB of ephemeral storage that every task has; AWS takes only more than that.
FREE_STORAGE: Final = 20
#: Lists whose rows are a name and a value.
_PAIRS: Final = {
    "environment": ("name", "value"),
    "secrets": ("name", "valueFrom"),
    "secretOptions": ("name", "valueFrom"),
    "dependsOn": ("containerName", "condition"),
    "systemControls": ("namespace", "value"),
    "extraHosts": ("hostname", "ipAddress"),
}
#: Lists whose rows have a key and more than one value.
_ROWS: Final = {
    "volumes": "name",
    "ulimits": "name",
    "mountPoints": "containerPath",
    "volumesFrom": "sourceContainer",
}
#: What AWS notes down by itself, or what is kept elsewhere.
_NOTED: Final = frozenset(
    {
        "compatibilities",
        "containerDefinitions",
        "deleteRequestedAt",
        "deregisteredAt",
        "registeredAt",
        "registeredBy",
        "requiresAttributes",
        "revision",
        "tags",
        "taskDefinitionArn",
    }
)
#: Key -> value that means the same as leaving the key out.
_SILENT: Final[Mapping[str, Any]] = {
    "cpu": 0,
    "disableNetworking": False,
    "enableFaultInjection": False,
    "interactive": False,
    "privileged": False,
    "pseudoTerminal": False,
    "startPeriod": 0,
    "versionConsistency": "enabled",
}
_NO_VALUE: Final = object()
#: Where -> what AWS takes for what is left out.
_FILLED: Final[Mapping[str, Mapping[str, Any]]] = {
    "container": {
        "essential": True,
        "readonlyRootFilesystem": False,
        # so that the first variable that somebody adds is told by its name, as the second is
        **{key: {} for key in ("environment", "secrets", "portMappings", "mountPoints", "dependsOn")},
    },
    "healthCheck": {"interval": 30, "timeout": 5, "retries": 3},
    "mountPoints": {"readOnly": False},
    "volumesFrom": {"readOnly": False},
    "portMappings": {"protocol": "tcp"},
    "runtimePlatform": {"cpuArchitecture": "X86_64", "operatingSystemFamily": "LINUX"},
}
#: CloudWatch being slow must not stop a program that only wants to write a line; 4 MiB a container.
_AWSLOGS_BUFFER: Final = {"mode": "non-blocking", "max-buffer-size": "4m"}


def definition(service: FargateService, spec: StackSpec, place: Place) -> Fields:
    """Return the fields of the task definition of a service. Pure.

    Args:
        service: What its tasks are made of.
        spec: The stack.
        place: Where it stands.
    """
    size = service.size
    volumes = sorted({mount.volume for container in service.containers for mount in container.mounts})
    storage = {"sizeInGiB": size.storage} if size.storage > FREE_STORAGE else None
    return fields(
        {
            "family": spec.full(service.name),
            "networkMode": "awsvpc",
            "requiresCompatibilities": ["FARGATE"],
            "cpu": str(size.cpu),
            "memory": str(size.memory),
            "runtimePlatform": {"cpuArchitecture": size.architecture, "operatingSystemFamily": "LINUX"},
            "executionRoleArn": Ref("role.execution", "arn"),
            "taskRoleArn": Ref(f"role.{service.name}", "arn"),
            "ephemeralStorage": storage,
            "volumes": [{"name": name} for name in volumes],
            "containerDefinitions": [_definition(one, service, spec, place) for one in service.containers],
        }
    )


def fields(described: Mapping[str, Any]) -> Fields:
    """Return a RegisterTaskDefinition request, or the task definition that AWS describes, as fields.

    Args:
        described: Under AWS's names; values may be references.

    Returns:
        ``containers`` by name instead of ``containerDefinitions``; environment, secrets, mounts, ports
        and so on by their keys; without what AWS notes down by itself and what means nothing.
    """
    found = _mapping("", {key: value for key, value in described.items() if key not in _NOTED})
    containers = {str(c["name"]): _container(c) for c in described.get("containerDefinitions") or ()}
    return {
        "status": "ACTIVE",
        "volumes": {},
        **found,
        "runtimePlatform": _mapping("runtimePlatform", described.get("runtimePlatform") or {}),
        "requiresCompatibilities": tuple(sorted(described.get("requiresCompatibilities") or ())),
        "containers": containers,
    }


def request(wanted: Fields) -> dict[str, Any]:
    """Return fields as RegisterTaskDefinition wants them; the way back from `fields`."""
    asked = {key: _asked(key, value) for key, value in wanted.items() if key not in ("containers", "status")}
    containers = wanted.get("containers")
    if not isinstance(containers, Mapping):
        return {**asked, "containerDefinitions": []}
    return {**asked, "containerDefinitions": [{"name": n, **_asked("", c)} for n, c in containers.items()]}


def _definition(container: Container, service: FargateService, spec: StackSpec, place: Place) -> dict[str, Any]:
    """Return one container as RegisterTaskDefinition wants it; None for what is not said."""
    probe, limit = container.probe, container.open_files
    check = probe and {
        "command": list(probe.command),
        "interval": probe.interval,
        "timeout": probe.timeout,
        "retries": probe.retries,
        "startPeriod": probe.start,
    }
    return {
        "name": container.name,
        "image": container.image,
        "essential": container.essential,
        "entryPoint": list(container.entry_point),
        "command": list(container.command),
        "environment": [{"name": name, "value": value} for name, value in sorted(container.environment, key=_first)],
        "secrets": [{"name": name, "valueFrom": value} for name, value in sorted(container.secrets, key=_first)],
        "portMappings": [{"containerPort": port} for port in container.ports],
        "user": container.user or None,
        "readonlyRootFilesystem": container.read_only,
        "mountPoints": [
            {"sourceVolume": m.volume, "containerPath": m.path, "readOnly": m.read_only} for m in container.mounts
        ],
        "healthCheck": check,
        "dependsOn": [{"containerName": name, "condition": condition} for name, condition in container.after],
        "logConfiguration": _logging(container, service, spec, place),
        "firelensConfiguration": _ROUTER if container.router else None,
        "stopTimeout": container.stop_seconds or None,
        "ulimits": [{"name": "nofile", "softLimit": limit, "hardLimit": limit}] if limit else None,
    }


#: The router adds cluster, task and task definition to each line.
_ROUTER: Final = {"type": "fluentbit", "options": {"enable-ecs-log-metadata": "true"}}


def _logging(container: Container, service: FargateService, spec: StackSpec, place: Place) -> dict[str, Any]:
    if container.logs == "firelens":
        from obskit.deploy.containers import _router

        return {"logDriver": "awsfirelens", "options": _router.options(spec, service, container)}
    options = {
        "awslogs-group": Ref(f"log_group.{service.name}", "name"),
        "awslogs-region": place.region,
        "awslogs-stream-prefix": service.name,
        **_AWSLOGS_BUFFER,
    }
    return {"logDriver": "awslogs", "options": options}


def _first(pair: tuple[str, Any]) -> str:
    return pair[0]


def _container(described: Mapping[str, Any]) -> dict[str, Value]:
    found = _mapping("container", {key: value for key, value in described.items() if key != "name"})
    policy = found.get("restartPolicy")
    if isinstance(policy, Mapping) and not policy.get("enabled"):
        del found["restartPolicy"]
    return found


def _mapping(where: str, described: Mapping[str, Any]) -> dict[str, Value]:
    """Return a mapping without what means nothing and with what AWS takes for what is left out."""
    found = {str(key): _value(str(key), value) for key, value in described.items() if value is not None}
    said = {
        key: value for key, value in found.items() if value not in ((), {}) and value != _SILENT.get(key, _NO_VALUE)
    }
    return {**_FILLED.get(where, {}), **said}


def _value(key: str, described: Any) -> Value:
    if isinstance(described, Mapping):
        return _mapping(key, described)
    if not isinstance(described, list | tuple):
        result: Value = described
        return result
    if key == "portMappings":
        return {f"{row['containerPort']}/{row.get('protocol', 'tcp')}": _port(row) for row in described}
    if key in _PAIRS:
        name, value = _PAIRS[key]
        return {str(row[name]): row.get(value) for row in described}
    if key in _ROWS:
        return {str(row[_ROWS[key]]): _mapping(key, _without(row, _ROWS[key])) for row in described}
    return tuple(_value("", one) for one in described)


def _port(row: Mapping[str, Any]) -> dict[str, Value]:
    # In awsvpc mode both are the same; AWS fills in the one that is left out.
    same = row.get("hostPort") in (None, 0, row["containerPort"])
    return _mapping("portMappings", _without(row, "hostPort") if same else row)


def _without(row: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != key}


def _asked(key: str, value: Value) -> Any:
    """Return a field as AWS takes it: mappings by key become lists again."""
    if isinstance(value, tuple):
        return [_asked("", one) for one in value]
    if not isinstance(value, Mapping):
        return value
    if key == "portMappings":
        return [_asked("", row) for row in value.values()]
    if key in _PAIRS:
        name, held = _PAIRS[key]
        return [{name: n, held: one} for n, one in value.items()]
    if key in _ROWS:
        return [{_ROWS[key]: n, **_asked("", row)} for n, row in value.items()]
    asked = {name: _asked(name, inner) for name, inner in value.items() if inner is not None}
    return {name: inner for name, inner in asked.items() if inner not in ([], {})}
