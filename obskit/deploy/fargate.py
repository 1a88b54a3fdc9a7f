"""Fargate's rules as data, and what AWS would refuse of a task definition, told without asking AWS.

Sources: Amazon ECS Developer Guide (task definition parameters for Fargate, task definition differences for
Fargate, FireLens, quotas) and the API reference of RegisterTaskDefinition. ``WINDOWS`` is the one table that
only matters to stacks that others write: obskit's own tasks are Linux.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from obskit.deploy.image_names import ecr_registry, parsed

#: CPU units -> MiB that go with them. Larger ones come: add a row.
SIZES: Final[Mapping[int, Sequence[int]]] = {
    256: (512, 1024, 2048),
    512: range(1024, 4096 + 1, 1024),
    1024: range(2048, 8192 + 1, 1024),
    2048: range(4096, 16384 + 1, 1024),
    4096: range(8192, 30720 + 1, 1024),
    8192: range(16384, 61440 + 1, 4096),
    16384: range(32768, 122880 + 1, 8192),
}
#: CPU units that Windows can have.
WINDOWS: Final = (1024, 2048, 4096)
#: GiB of ephemeral storage that can be asked for; 20 come with every task and must not be asked for.
STORAGE: Final = range(21, 200 + 1)
ARCHITECTURES: Final = ("X86_64", "ARM64")
#: Bytes of a whole task definition, and containers in it.
MOST_BYTES: Final = 64 * 1024
MOST_CONTAINERS: Final = 10
#: What a task definition may not have on Fargate, and why.
NO_TASK_FIELD: Final[Mapping[str, str]] = {
    "placementConstraints": "there is no instance to choose",
    "ipcMode": "tasks share no IPC namespace with a host",
    "inferenceAccelerators": "there are none on Fargate",
}
#: What a container may not have on Fargate, and why.
NO_CONTAINER_FIELD: Final[Mapping[str, str]] = {
    "privileged": "no container gets the rights of the host",
    "links": "containers of a task reach each other at localhost",
    "hostname": "in awsvpc mode the task's network interface names it",
    "dnsServers": "the VPC's resolver is used",
    "dnsSearchDomains": "the VPC's resolver is used",
    "extraHosts": "the VPC's resolver is used",
    "dockerSecurityOptions": "there is no Docker daemon to pass them to",
    "disableNetworking": "every task has a network interface",
}
NO_LINUX_PARAMETER: Final = ("devices", "sharedMemorySize", "tmpfs", "maxSwap", "swappiness")
NO_VOLUME_FIELD: Final = ("dockerVolumeConfiguration", "fsxWindowsFileServerVolumeConfiguration")
#: The only one that may be added to what containers have.
CAPABILITIES: Final = ("SYS_PTRACE", "CAP_SYS_PTRACE")
LOG_DRIVERS: Final = ("awslogs", "awsfirelens", "splunk")

#: Of a family, a container, a volume.
NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,255}")
_ROLE: Final = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/.+")


class Problem(NamedTuple):
    """Something that AWS would refuse, or that cannot work.

    Attributes:
        path: As in the fields of a task definition: ``containers.app.memory``.
        message: What is wrong.
        hint: What to do about it.
    """

    path: str
    message: str
    hint: str = ""


def problems(definition: Mapping[str, Any]) -> tuple[Problem, ...]:
    """Return all that is wrong with a RegisterTaskDefinition request, by path. Pure.

    Args:
        definition: The request under AWS's names. References to what does not exist yet may stand
            anywhere in the place of texts; they are taken for right.
    """
    from obskit.deploy import _fargate_containers as containers

    found = [*_family(definition), *_size(definition), *_task(definition), *_volumes(definition)]
    found += [*_role_arns(definition), *containers.problems(definition)]
    return tuple(dict.fromkeys(found))


def units(value: Any, kind: str) -> int | None:
    """Return CPU units or MiB as a number; None when it is none.

    Args:
        value: ``256`` or ``.25 vCPU``; ``512`` or ``0.5 GB``.
        kind: ``vCPU`` or ``GB``.
    """
    text = str(value).strip()
    if text.isdigit():
        return int(text)
    match = re.fullmatch(rf"(\d*\.?\d+)\s*{kind}", text, re.IGNORECASE)
    return round(float(match[1]) * 1024) if match else None


def rows(value: Any) -> list[Mapping[str, Any]]:
    """Return a list's rows; none where it is none."""
    return [row for row in value if isinstance(row, Mapping)] if isinstance(value, list | tuple) else []


def _family(definition: Mapping[str, Any]) -> Iterator[Problem]:
    family = definition.get("family")
    if isinstance(family, str | None) and not NAME.fullmatch(family or ""):
        yield Problem("family", f"{family!r} is no family name", "up to 255 letters, digits, hyphens, underscores")
    length = len(json.dumps({k: v for k, v in definition.items() if k != "tags"}, default=str, ensure_ascii=False))
    if length > MOST_BYTES:
        hint = "hand large texts to the task by its configuration, not by its environment"
        yield Problem("", f"it is {length} bytes long, more than {MOST_BYTES}", hint)
    if len(definition.get("tags") or ()) > 50:
        yield Problem("tags", "it bears more than 50 tags", "leave some out")


def _size(definition: Mapping[str, Any]) -> Iterator[Problem]:
    cpu, memory = units(definition.get("cpu"), "vCPU"), units(definition.get("memory"), "GB")
    table = "one of " + ", ".join(str(known) for known in SIZES)
    if definition.get("cpu") is None:
        yield Problem("cpu", "Fargate needs the CPU units of a task", table)
    elif cpu not in SIZES:
        yield Problem("cpu", f"Fargate has no size of {definition['cpu']} CPU units", table)
    if definition.get("memory") is None:
        yield Problem("memory", "Fargate needs the memory of a task", "it depends on cpu")
    elif cpu is not None and cpu in SIZES and memory not in SIZES[cpu]:
        hint = f"with {cpu} CPU units: {_words(SIZES[cpu])} MiB"
        yield Problem("memory", f"{definition['memory']} MiB do not go with {cpu} CPU units", hint)
    platform = definition.get("runtimePlatform") or {}
    system, architecture = platform.get("operatingSystemFamily", "LINUX"), platform.get("cpuArchitecture", "X86_64")
    path = "runtimePlatform.cpuArchitecture"
    if architecture not in ARCHITECTURES:
        yield Problem(path, f"there is no architecture {architecture}", " or ".join(ARCHITECTURES))
    if system != "LINUX" and architecture == "ARM64":
        yield Problem(path, "Windows runs on X86_64 only", "X86_64")
    if system != "LINUX" and cpu in SIZES and cpu not in WINDOWS:
        yield Problem("cpu", f"Windows does not run on {cpu} CPU units", f"one of {', '.join(map(str, WINDOWS))}")


def _words(memory: Sequence[int]) -> str:
    if isinstance(memory, range):
        return f"{memory.start} to {memory[-1]} in steps of {memory.step}"
    return ", ".join(str(one) for one in memory)


def _task(definition: Mapping[str, Any]) -> Iterator[Problem]:
    if "FARGATE" not in (definition.get("requiresCompatibilities") or ()):
        yield Problem("requiresCompatibilities", "it is not meant for Fargate", "FARGATE")
    if definition.get("networkMode") != "awsvpc":
        mode = definition.get("networkMode") or "bridge, which is the default,"
        yield Problem("networkMode", f"{mode} is not for Fargate", "awsvpc")
    for key, why in NO_TASK_FIELD.items():
        if definition.get(key):
            yield Problem(key, f"{key} is not for Fargate: {why}", "leave it out")
    if definition.get("pidMode") not in (None, "task"):
        yield Problem("pidMode", "tasks share no process namespace with a host", "task, or leave it out")
    storage = definition.get("ephemeralStorage")
    size = storage.get("sizeInGiB") if isinstance(storage, Mapping) else None
    if storage is not None and size not in STORAGE:
        hint = f"{STORAGE.start} to {STORAGE[-1]}; leave it out for the 20 GiB that every task has"
        yield Problem("ephemeralStorage.sizeInGiB", f"{size} GiB cannot be asked for", hint)
    count = len(rows(definition.get("containerDefinitions")))
    if not 1 <= count <= MOST_CONTAINERS:
        yield Problem("containers", f"a task has {count} containers", f"1 to {MOST_CONTAINERS}")


def _volumes(definition: Mapping[str, Any]) -> Iterator[Problem]:
    seen: set[str] = set()
    for number, volume in enumerate(rows(definition.get("volumes"))):
        name = str(volume.get("name") or "")
        path = f"volumes.{name or number}"
        if not NAME.fullmatch(name):
            yield Problem(path, f"{name!r} is no name of a volume", "letters, digits, hyphens, underscores")
        if name in seen:
            yield Problem(path, "two volumes have this name", "rename one")
        seen.add(name)
        source = (volume.get("host") or {}).get("sourcePath")
        if source:
            hint = "leave the path out: the volume is then an empty folder that ends with the task"
            yield Problem(f"{path}.host.sourcePath", f"there is no host to mount {source} from", hint)
        for key in NO_VOLUME_FIELD:
            if volume.get(key):
                yield Problem(f"{path}.{key}", f"{key} is not for Linux on Fargate", "an empty volume, or EFS")


def _role_arns(definition: Mapping[str, Any]) -> Iterator[Problem]:
    for key in ("executionRoleArn", "taskRoleArn"):
        arn = definition.get(key)
        # On Fargate AWS takes a whole ARN or a role's name.
        if isinstance(arn, str) and not _ROLE.fullmatch(arn) and not re.fullmatch(r"[\w+=,.@-]{1,64}", arn):
            yield Problem(key, f"{arn!r} is no ARN of a role", "arn:aws:iam::ACCOUNT:role/NAME")
    reasons = sorted({reason for reason in _needs_execution_role(definition) if reason})
    if reasons and not definition.get("executionRoleArn"):
        hint = "a role that ecs-tasks.amazonaws.com may take, with what these need"
        yield Problem("executionRoleArn", f"without it ECS cannot {', nor '.join(reasons)}", hint)


def _needs_execution_role(definition: Mapping[str, Any]) -> Iterator[str]:
    for container in rows(definition.get("containerDefinitions")):
        logging = container.get("logConfiguration") or {}
        if container.get("secrets") or logging.get("secretOptions"):
            yield "read secrets"
        if logging.get("logDriver") == "awslogs":
            yield "write logs"
        if container.get("environmentFiles"):
            yield "read environment files"
        # ECR's public registry needs no role.
        in_ecr = ecr_registry(parsed(str(container.get("image") or "")).host) is not None
        if in_ecr or container.get("repositoryCredentials"):
            yield "pull private images"
