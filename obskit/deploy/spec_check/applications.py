"""What an application's container is started with, and how it is asked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from obskit.deploy.image_names import DIGEST
from obskit.deploy.spec_check._problem import Problem, error, path_of, warning

if TYPE_CHECKING:
    from obskit.deploy.resource import Place
    from obskit.deploy.spec import Application, Size, StackSpec

#: Containers of a task share its ports: FireLens, the router's own server, and ecs_exporter.
TAKEN_PORTS: Final = {24224: "FireLens", 2020: "the log router", 9779: "ecs_exporter"}
_URL_PATH = re.compile(r"/[!-~]{0,1023}")
_USER = re.compile(r"[0-9]{1,9}(:[0-9]{1,9})?")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_REPOSITORY = re.compile(
    r"([A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?(:[0-9]{1,5})?/)?"  # registry
    r"[a-z0-9]+([._/-]+[a-z0-9]+){0,60}"
)
_POLICY = re.compile(r"arn:(aws[a-z-]*):iam::(aws|[0-9]{12}):policy/[\w+=,.@/-]{1,512}")
_ALMIGHTY = ("AdministratorAccess", "PowerUserAccess", "IAMFullAccess")
#: SIGKILL comes at the latest then, on Fargate; a second is less than ECS takes.
_STOP_SECONDS: Final = (0, *range(2, 121))
#: ECS takes 2^31 - 1; a task that needs more than a day to start has another problem.
_MOST_GRACE_SECONDS: Final = 86_400
#: ECS's own formula stops there.
_MOST_FAILED: Final = 200
_IMAGE = "a tag, repository:tag, or repository@sha256:…"


def check(spec: StackSpec, place: Place | None) -> Iterator[Problem]:
    """Yield what ECS would refuse, or what would fail at the first start."""
    for application in spec.applications:
        key = path_of("applications", application.name)
        if application.image:
            yield from _image(f"{key}.image", application)
        else:
            yield error(f"{key}.image", None, "is missing", _IMAGE)
        yield from _asked(key, application)
        yield from _started(key, application)
        yield from _policies(f"{key}.policies", application, place)
    for watcher in spec.watchers:
        if watcher.image:
            yield from _image(f"{watcher.name}.image", watcher)


def _image(key: str, size: Size) -> Iterator[Problem]:
    image = size.image
    if not any(mark in image for mark in "/:@"):
        repository, tag, digest = "x", image, ""
    else:
        named, at, digest = image.partition("@")
        head, colon, tag = named.rpartition(":")
        repository, tag = (head, tag) if colon and "/" not in tag else (named, "")
        if at and not DIGEST.fullmatch(digest):
            yield error(key, image, "has no digest behind @", "sha256: and 64 of 0-9 and a-f")
            return
    if not _REPOSITORY.fullmatch(repository) or (tag and not _TAG.fullmatch(tag)):
        yield error(key, image, "is no image", _IMAGE)
    elif tag == "latest" and not digest:
        yield error(key, image, "is another image tomorrow, and nothing to roll back to", "a tag that stays")
    elif not tag and not digest:
        yield error(key, image, "has no tag, which means latest", _IMAGE)


def _asked(key: str, application: Application) -> Iterator[Problem]:
    if not 1 <= application.port <= 65535:
        yield error(f"{key}.port", application.port, "is no port", "1 to 65535")
    elif application.port in TAKEN_PORTS:
        others = ", ".join(map(str, sorted(TAKEN_PORTS)))
        what = f"is the port of {TAKEN_PORTS[application.port]} in the same task"
        yield error(f"{key}.port", application.port, what, f"any but {others}")
    for name in ("health_path", "metrics_path"):
        path = getattr(application, name)
        if not _URL_PATH.fullmatch(path):
            yield error(f"{key}.{name}", path, "is no path", 'begins with "/", without spaces')


def _started(key: str, application: Application) -> Iterator[Problem]:
    if not _USER.fullmatch(application.user):
        yield error(f"{key}.user", application.user, "is no user id", 'a number in quotes, or uid:gid: "10001"')
    elif not int(application.user.partition(":")[0]):
        yield warning(f"{key}.user", application.user, "is root (ECS.20)", 'another number: "10001"')
    if application.stop_seconds not in _STOP_SECONDS:
        allowed = "2 to 120, or 0 for ECS's own default"
        yield error(f"{key}.stop_seconds", application.stop_seconds, "is out of range", allowed)
    for name, most in (("grace_seconds", _MOST_GRACE_SECONDS), ("breaker_threshold", _MOST_FAILED)):
        value = getattr(application, name)
        if not 0 <= value <= most:
            yield error(f"{key}.{name}", value, "is out of range", f"0 to {most}")


def _policies(key: str, application: Application, place: Place | None) -> Iterator[Problem]:
    for policy in application.policies:
        found = _POLICY.fullmatch(policy)
        if not found:
            yield error(
                key, policy, "is no policy's ARN", "arn:aws:iam::aws:policy/NAME, arn:aws:iam::ACCOUNT:policy/…"
            )
        elif place is not None and found[1] != place.partition:
            yield error(key, policy, "is of another partition", f"arn:{place.partition}:iam::…")
        elif policy.rpartition("/")[2] in _ALMIGHTY:
            yield warning(key, policy, "lets the task do anything in the account", "the actions that it needs")
    if len(set(application.policies)) < len(application.policies):
        yield error(key, None, "name one twice", "each once")
