"""What AWS would refuse of the containers of a task definition on Fargate; a part of `fargate`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from obskit.deploy import _fargate_logging
from obskit.deploy.fargate import CAPABILITIES, NAME, NO_CONTAINER_FIELD, NO_LINUX_PARAMETER, Problem, rows, units
from obskit.redact import CREDENTIAL, redact

_IMAGE: Final = re.compile(r"[A-Za-z0-9_./:#-]{1,255}(@sha256:[A-Fa-f0-9]{64})?")
_USER: Final = re.compile(r"[A-Za-z0-9_][\w.-]*(:[A-Za-z0-9_][\w.-]*)?")
#: A secret's ARN, alone or with all three of JSON key, version stage and version id; a parameter's ARN or name.
_SECRET: Final = re.compile(
    r"arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[\w/+=.@-]+(:[^:]*:[^:]*:[^:]*)?"
    r"|arn:aws[a-z-]*:ssm:[a-z0-9-]+:\d{12}:parameter/[\w./-]+"
    r"|[\w./-]+"
)
_ENVIRONMENT_FILE: Final = re.compile(r"arn:aws[a-z-]*:s3:::[^/]+/.+\.env")
_CONDITIONS: Final = ("START", "COMPLETE", "SUCCESS", "HEALTHY")
_ULIMITS: Final = frozenset(
    [
        "core",
        "cpu",
        "data",
        "fsize",
        "locks",
        "memlock",
        "msgqueue",
        "nice",
        "nofile",
        "nproc",
        "rss",
        "rtprio",
        "rttime",
        "sigpending",
        "stack",
    ]
)
#: Seconds, seconds, count, seconds: the API reference's bounds of a health check.
_PROBE: Final = {
    "interval": range(5, 301),
    "timeout": range(2, 61),
    "retries": range(1, 11),
    "startPeriod": range(301),
}
#: Fargate's bound; AWS's default is 30 seconds.
_TIMEOUT: Final = range(2, 121)
_LEAST_MEMORY: Final = 6
#: A value that only names where the credential is.
_POINTER: Final = re.compile(r"\$\{|\$__|file://|/")
_REGISTRY_LOGIN: Final = "ECS_ENGINE_AUTH_DATA"

Rows = list[Mapping[str, Any]]


def problems(definition: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield all that is wrong with the containers of a RegisterTaskDefinition request. Pure."""
    containers = rows(definition.get("containerDefinitions"))
    volumes = {str(volume.get("name")) for volume in rows(definition.get("volumes"))}
    names = {str(one.get("name")) for one in containers}
    for number, one in enumerate(containers):
        path = f"containers.{one.get('name') or number}"
        for rule in _RULES:
            yield from rule(path, one)
        yield from _mounts(path, one, volumes, names)
    yield from _names(containers)
    yield from _together(definition, containers)
    yield from _dependencies(containers)
    yield from _fargate_logging.problems(containers)


def _basics(path: str, one: Mapping[str, Any]) -> Iterator[Problem]:
    if not NAME.fullmatch(str(one.get("name") or "")):
        yield Problem(f"{path}.name", f"{one.get('name')!r} is no name", "letters, digits, hyphens, underscores")
    image = one.get("image")
    if not image:
        yield Problem(f"{path}.image", "it has no image", "repository:tag or repository@sha256:…")
    elif isinstance(image, str) and not _IMAGE.fullmatch(image):
        yield Problem(f"{path}.image", f"{image!r} is no reference to an image", "repository:tag")
    for key, why in NO_CONTAINER_FIELD.items():
        if one.get(key):
            yield Problem(f"{path}.{key}", f"{key} is not for Fargate: {why}", "leave it out")
    if any(row.get("type") == "GPU" for row in rows(one.get("resourceRequirements"))):
        yield Problem(f"{path}.resourceRequirements", "there are no GPUs on Fargate", "leave it out")
    user = one.get("user")
    if isinstance(user, str) and not _USER.fullmatch(user):
        yield Problem(f"{path}.user", f"{user!r} is no user", "uid, uid:gid, user, user:group")
    linux = one.get("linuxParameters") or {}
    for key in NO_LINUX_PARAMETER:
        if linux.get(key) is not None:
            yield Problem(f"{path}.linuxParameters.{key}", f"{key} is not for Fargate", "leave it out")
    added = sorted(set((linux.get("capabilities") or {}).get("add") or ()) - set(CAPABILITIES))
    if added:
        where = f"{path}.linuxParameters.capabilities.add"
        yield Problem(where, f"{', '.join(added)} cannot be added", f"{CAPABILITIES[0]} alone can")


def _limits(path: str, one: Mapping[str, Any]) -> Iterator[Problem]:
    for key in ("stopTimeout", "startTimeout"):
        seconds = one.get(key)
        if seconds is not None and seconds not in _TIMEOUT:
            yield Problem(f"{path}.{key}", f"{seconds} seconds cannot be waited", f"2 to {_TIMEOUT[-1]}")
    names = Counter(str(row.get("name")) for row in rows(one.get("ulimits")))
    for row in rows(one.get("ulimits")):
        name, soft, hard = str(row.get("name")), row.get("softLimit", 0), row.get("hardLimit", 0)
        where = f"{path}.ulimits.{name}"
        if name not in _ULIMITS:
            yield Problem(where, f"there is no limit named {name}", ", ".join(sorted(_ULIMITS)))
        if names[name] > 1:
            yield Problem(where, "it is set twice", "set it once")
        if hard != -1 and soft > hard:
            yield Problem(where, f"the soft limit {soft} is above the hard limit {hard}", "raise the hard limit")
    memory, reserved = one.get("memory"), one.get("memoryReservation")
    for key, value in (("memory", memory), ("memoryReservation", reserved)):
        if value is not None and value < _LEAST_MEMORY:
            yield Problem(f"{path}.{key}", f"{value} MiB are too few", f"{_LEAST_MEMORY} at least")
    if memory is not None and reserved is not None and reserved > memory:
        yield Problem(f"{path}.memoryReservation", "it is above memory", f"at most {memory}")


def _probe(path: str, one: Mapping[str, Any]) -> Iterator[Problem]:
    probe = one.get("healthCheck")
    if not isinstance(probe, Mapping):
        return
    command = probe.get("command") or ()
    if not command or command[0] not in ("CMD", "CMD-SHELL", "NONE") or (command[0] != "NONE" and len(command) < 2):
        hint = '["CMD-SHELL", "…"] or ["CMD", …]'
        yield Problem(f"{path}.healthCheck.command", "it does not begin with how it is run", hint)
    for key, allowed in _PROBE.items():
        value = probe.get(key)
        if value is not None and value not in allowed:
            hint = f"{allowed[0]} to {allowed[-1]}"
            yield Problem(f"{path}.healthCheck.{key}", f"{value} is out of bounds", hint)


def _ports(path: str, one: Mapping[str, Any]) -> Iterator[Problem]:
    for row in rows(one.get("portMappings")):
        port, host, protocol = row.get("containerPort"), row.get("hostPort"), row.get("protocol", "tcp")
        where = f"{path}.portMappings.{port}/{protocol}"
        if port is None and not row.get("containerPortRange"):
            yield Problem(where, "it has no port", "containerPort")
        if port is not None and port not in range(1, 65536):
            yield Problem(where, f"there is no port {port}", "1 to 65535")
        if host not in (None, 0, port):
            hint = "leave hostPort out: in awsvpc mode a task has an address of its own"
            yield Problem(where, f"host port {host} is another than container port {port}", hint)
        if protocol not in ("tcp", "udp"):
            yield Problem(where, f"there is no protocol {protocol}", "tcp or udp")


def _environment(path: str, one: Mapping[str, Any]) -> Iterator[Problem]:
    environment, secrets = rows(one.get("environment")), rows(one.get("secrets"))
    names = Counter(str(row.get("name")) for row in (*environment, *secrets))
    for name, count in names.items():
        if not name or count > 1:
            what = f"{name} is set {count} times" if name else "a variable has no name"
            yield Problem(f"{path}.environment.{name}", what, "each variable once, secrets included")
    for row in environment:
        name, value = str(row.get("name")), row.get("value")
        if isinstance(value, str) and _is_credential(name, value):
            hint = "keep it in Secrets Manager and hand it over by secrets"
            yield Problem(f"{path}.environment.{name}", "it looks like a credential, which anybody can read here", hint)
    for row in secrets:
        held = row.get("valueFrom")
        if not held or (isinstance(held, str) and not _SECRET.fullmatch(held)):
            hint = "the ARN of a secret, with :KEY:: for one key of its JSON; or of a parameter"
            yield Problem(f"{path}.secrets.{row.get('name')}", "its valueFrom is none that ECS can read", hint)
    for row in rows(one.get("environmentFiles")):
        value = row.get("value")
        if row.get("type") != "s3" or (isinstance(value, str) and not _ENVIRONMENT_FILE.fullmatch(value)):
            yield Problem(
                f"{path}.environmentFiles", f"{value!r} is no file of variables", "arn:aws:s3:::BUCKET/KEY.env"
            )


def _is_credential(name: str, value: str) -> bool:
    if not value or _POINTER.match(value):
        return False
    text = f"{name}={value}"
    return name == _REGISTRY_LOGIN or len(CREDENTIAL.findall(redact(text))) > len(CREDENTIAL.findall(text))


_RULES: Final[tuple[Callable[[str, Mapping[str, Any]], Iterator[Problem]], ...]] = (
    _basics,
    _limits,
    _probe,
    _ports,
    _environment,
)


def _mounts(path: str, one: Mapping[str, Any], volumes: set[str], names: set[str]) -> Iterator[Problem]:
    paths: set[str] = set()
    for row in rows(one.get("mountPoints")):
        volume, target = str(row.get("sourceVolume")), str(row.get("containerPath") or "")
        where = f"{path}.mountPoints.{target}"
        if volume not in volumes:
            yield Problem(
                where, f"there is no volume {volume}", f"declared are: {', '.join(sorted(volumes)) or 'none'}"
            )
        if not target.startswith(("/", "C:")):
            yield Problem(where, f"{target!r} is no absolute path", "begin it with /")
        if target in paths:
            yield Problem(where, "two volumes are mounted there", "mount one elsewhere")
        paths.add(target)
    for row in rows(one.get("volumesFrom")):
        source = str(row.get("sourceContainer"))
        if source not in names:
            yield Problem(f"{path}.volumesFrom.{source}", f"there is no container {source}", "name one of this task")


def _names(containers: Rows) -> Iterator[Problem]:
    for name, count in Counter(str(one.get("name")) for one in containers).items():
        if count > 1:
            yield Problem(f"containers.{name}", f"{count} containers have this name", "rename all but one")
    if containers and not any(one.get("essential", True) for one in containers):
        yield Problem("containers", "none is essential: the task could not end", "make the program essential")
    used = [
        (row.get("containerPort"), row.get("protocol", "tcp"))
        for c in containers
        for row in rows(c.get("portMappings"))
    ]
    for (port, protocol), count in Counter(used).items():
        if count > 1 and port is not None:
            hint = "containers of a task share one network interface"
            yield Problem("containers", f"{count} port mappings ask for {port}/{protocol}", hint)


def _together(definition: Mapping[str, Any], containers: Rows) -> Iterator[Problem]:
    """Compare what containers ask for with what the task has."""
    cpu, memory = units(definition.get("cpu"), "vCPU"), units(definition.get("memory"), "GB")
    asked = sum(int(one.get("cpu") or 0) for one in containers)
    if cpu is not None and asked > cpu:
        yield Problem("cpu", f"containers ask for {asked} CPU units, the task has {cpu}", "lower them, or raise cpu")
    for keys in (("memory",), ("memoryReservation", "memory")):
        total = sum(next((int(one[key]) for key in keys if one.get(key)), 0) for one in containers)
        if memory is not None and total > memory:
            hint = "lower the containers' limits, or raise the task's memory"
            yield Problem("memory", f"containers ask for {total} MiB, the task has {memory}", hint)
            return


def _dependencies(containers: Rows) -> Iterator[Problem]:
    by_name = {str(one.get("name")): one for one in containers}
    for name, one in by_name.items():
        for row in rows(one.get("dependsOn")):
            other, condition = str(row.get("containerName")), row.get("condition")
            where, target = f"containers.{name}.dependsOn.{other}", by_name.get(other)
            if target is None:
                yield Problem(where, f"there is no container {other}", f"there are: {', '.join(sorted(by_name))}")
                continue
            if condition not in _CONDITIONS:
                yield Problem(where, f"there is no condition {condition}", ", ".join(_CONDITIONS))
            if condition == "HEALTHY" and not target.get("healthCheck"):
                yield Problem(where, f"{other} has no health check and is never HEALTHY", "give it one, or use START")
            if condition in ("COMPLETE", "SUCCESS") and target.get("essential", True):
                hint = f"make {other} not essential"
                yield Problem(where, f"{other} is essential: when it completes, the task ends", hint)
    circle = _circle({name: _edges(one, containers) & by_name.keys() for name, one in by_name.items()})
    if circle:
        hint = "take one of the dependencies out; a container with awsfirelens waits for the router by itself"
        yield Problem("containers", f"they wait for each other: {' -> '.join(circle)}", hint)


def _edges(one: Mapping[str, Any], containers: Rows) -> set[str]:
    """Return what a container waits for; ECS starts the log router before whatever logs by it."""
    waits = {str(row.get("containerName")) for row in rows(one.get("dependsOn"))}
    if (one.get("logConfiguration") or {}).get("logDriver") == "awsfirelens":
        waits |= {str(c.get("name")) for c in containers if c.get("firelensConfiguration") and c is not one}
    return waits


def _circle(edges: Mapping[str, set[str]]) -> list[str]:
    """Return one circle, its first name once more at the end; empty when there is none."""
    left = {name: set(waits) for name, waits in edges.items()}
    while ready := [name for name, waits in left.items() if not waits & left.keys()]:
        for name in ready:
            del left[name]
    if not left:
        return []
    way = [min(left)]
    while way.count(way[-1]) < 2:
        way.append(min(left[way[-1]] & left.keys()))
    return way[way.index(way[-1]) :]
