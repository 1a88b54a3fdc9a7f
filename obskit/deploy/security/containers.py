"""What containers may do: users, privileges, files, logs."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from obskit.deploy.resource import Resource, Value
from obskit.deploy.security import Answer, Bad, Check, Everything, Good, Moot, at, entries

_OURS = "this is a defect of obskit: report it"
_ROOT = ("", "0", "root")


def _each(
    path: tuple[str, ...], fine: Callable[[Value], bool], why: str, todo: str
) -> Callable[[Resource, Everything], Iterator[Answer]]:
    """Return a judge that wants something of one path of every container."""

    def judge(resource: Resource, everything: Everything) -> Iterator[Answer]:  # noqa: ARG001
        for name, container in sorted(entries(resource.fields, "containers").items()):
            part = f"containers.{name}"
            yield Good(part) if fine(at(container, *path)) else Bad(why, todo, part)

    return judge


def _mode(path: str, forbidden: str, why: str) -> Callable[[Resource, Everything], Iterator[Answer]]:
    def judge(resource: Resource, everything: Everything) -> Iterator[Answer]:  # noqa: ARG001
        yield Bad(why, _OURS) if resource.fields.get(path) == forbidden else Good()

    return judge


def _linux(resource: Resource) -> bool:
    family = at(resource.fields, "runtimePlatform", "operatingSystemFamily")
    return not str(family or "LINUX").startswith("WINDOWS")


def _no_root(resource: Resource, everything: Everything) -> Iterator[Answer]:
    if not _linux(resource):
        yield Moot("its containers run Windows")
        return
    user = _each(
        ("user",),
        lambda value: str(value or "").partition(":")[0] not in _ROOT,
        "it runs as root, or as whoever its image says",
        "set the application's user to a number that is not 0, and make the image run as it",
    )
    yield from user(resource, everything)


def _no_administrator(resource: Resource, everything: Everything) -> Iterator[Answer]:
    if _linux(resource):
        yield Moot("its containers run Linux")
        return
    user = _each(
        ("user",),
        lambda value: str(value or "").casefold() not in ("", "containeradministrator"),
        "it runs as the administrator of the container",
        "set the application's user",
    )
    yield from user(resource, everything)


def _file_systems(resource: Resource, everything: Everything) -> Iterator[Answer]:  # noqa: ARG001
    volumes = {
        name: settings
        for name, volume in entries(resource.fields, "volumes").items()
        if (settings := at(volume, "efsVolumeConfiguration"))
    }
    if not volumes:
        yield Moot("it mounts no EFS")
    for name, settings in sorted(volumes.items()):
        part = f"volumes.{name}"
        fine = at(settings, "transitEncryption") == "ENABLED"
        yield Good(part) if fine else Bad("EFS is mounted without TLS", "enable its encryption in transit", part)


def _two_roles(resource: Resource, everything: Everything) -> Iterator[Answer]:  # noqa: ARG001
    execution, task = (resource.fields.get(key) for key in ("executionRoleArn", "taskRoleArn"))
    if execution is not None and execution == task:
        yield Bad("the program may do all that ECS may do to start it", _OURS)
    else:
        yield Good()


_KIND = ("task_definition",)
CHECKS = (
    Check(
        ids=("ECS.3", "CKV_AWS_335"),
        title="tasks do not share the host's processes",
        kinds=_KIND,
        judge=_mode("pidMode", "host", "it sees the host's processes"),
    ),
    Check(
        ids=("ECS.17",),
        title="tasks do not share the host's network",
        kinds=_KIND,
        judge=_mode("networkMode", "host", "it uses the host's network"),
    ),
    Check(
        ids=("ECS.4", "CKV_AWS_334"),
        title="containers are not privileged",
        kinds=_KIND,
        judge=_each(("privileged",), lambda value: not value, "it is privileged", _OURS),
    ),
    Check(
        ids=("ECS.5", "CKV_AWS_336"),
        title="containers cannot write to their root file system",
        kinds=_KIND,
        judge=_each(
            ("readonlyRootFilesystem",),
            lambda value: value is True,
            "its root file system can be written to",
            "set the application's read_only; /tmp stays writable",
        ),
    ),
    Check(
        ids=("ECS.9",),
        title="containers send their lines somewhere",
        kinds=_KIND,
        judge=_each(("logConfiguration", "logDriver"), bool, "its lines are lost", _OURS),
    ),
    Check(
        ids=("ECS.18", "CKV_AWS_97"),
        title="EFS is reached by TLS",
        kinds=_KIND,
        judge=_file_systems,
    ),
    Check(ids=("ECS.20",), title="containers on Linux do not run as root", kinds=_KIND, judge=_no_root),
    Check(
        ids=("ECS.21",), title="containers on Windows do not run as administrator", kinds=_KIND, judge=_no_administrator
    ),
    Check(
        ids=("CKV_AWS_249",),
        title="the program's role is not the one that starts it",
        kinds=_KIND,
        judge=_two_roles,
    ),
)
