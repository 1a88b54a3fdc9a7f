"""A new image for one service, and the way back.

A release registers a revision that differs from the running one in the image alone, makes it the
service's, and follows the deployment by its id. It has succeeded only when that very deployment has
completed; when AWS, or obskit, went back to the revision before, it has failed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from obskit.deploy.aws import Aws
from obskit.deploy.errors import AwsError, DeployError
from obskit.deploy.evidence import Evidence
from obskit.deploy.follow import Followed, described, follow, primary
from obskit.deploy.resource import COMMIT_TAG, STACK_TAG, Stack
from obskit.deploy.resources._tags import as_dict, as_list
from obskit.errors import UsageError

#: Tag of a revision: how its release ended. Rolling back looks for one that was good.
RELEASE_TAG: Final = "obskit:release"
#: What DescribeTaskDefinition tells and RegisterTaskDefinition does not take.
_TOLD_ONLY: Final = frozenset(
    {
        "taskDefinitionArn",
        "revision",
        "status",
        "requiresAttributes",
        "compatibilities",
        "registeredAt",
        "registeredBy",
        "deregisteredAt",
        "deleteRequestedAt",
    }
)
#: Repository (with host, port, path), then a tag or a digest.
_IMAGE: Final = re.compile(
    r"(?P<repository>[\w.-]+(?::\d+)?(?:/[\w.-]+)*)(?::(?P<tag>[\w][\w.-]{0,127})|@(?P<digest>sha256:[0-9a-f]{64}))"
)
_TAG: Final = re.compile(r"[\w][\w.-]{0,127}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What a release or a rollback has done.

    Attributes:
        service: Whose.
        image: That the service shall run; "" for a rollback to a revision.
        before, after: Revisions as ``family:7``; *after* is "" when nothing was deployed.
        serving: The revision that serves when this returns.
        followed: How the deployment ended; None when there was nothing to do.
        evidence: What ECS said meanwhile.
    """

    service: str
    image: str
    before: str
    after: str
    serving: str
    followed: Followed | None
    evidence: Evidence

    @property
    def good(self) -> bool:
        """Whether what was asked for is what runs."""
        return self.followed is None or self.followed.outcome == "completed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """How a release is done.

    Attributes:
        commit: For the revision's tag.
        patience_seconds: After which a deployment is no longer waited for.
        undo: Go back by ourselves when a deployment failed and AWS does not.
        now: The clock, in UTC.
        tell: Is told progress in words.
    """

    now: Callable[[], datetime]
    tell: Callable[[str], None] = lambda _: None
    commit: str = ""
    patience_seconds: float = 1800.0
    undo: bool = True


def release(aws: Aws, stack: Stack, service: str, image: str, ask: Ask) -> Release:
    """Bring an image to a service.

    Args:
        aws, stack: Where.
        service: Whose.
        image: ``repository:tag``, ``repository@sha256:…``, or a tag alone for the repository that the
            service's image comes from.
        ask: How.

    Raises:
        UsageError: The image is none.
        DeployError: There is no such service, or AWS refused before anything was deployed.
    """
    row = described(aws, stack, service)
    _ours(row, stack)
    answer = aws.call("ecs", "describe_task_definition", taskDefinition=row["taskDefinition"], include=["TAGS"])
    running, tags = answer["taskDefinition"], as_dict(answer.get("tags"), "key", "value")
    program = _program(running, service)
    wanted = _whole(image, str(program["image"]))
    if wanted == program["image"] and primary(row).get("rolloutState") == "COMPLETED":
        now = _short(row["taskDefinition"])
        empty = Evidence(service=service, since=ask.now())
        return Release(service=service, image=wanted, before=now, after="", serving=now, followed=None, evidence=empty)
    revision = _register(aws, running, str(program["name"]), wanted, {**tags, **_commit(ask)})
    return _deploy(aws, stack, row, revision, ask, image=wanted)


def rollback(aws: Aws, stack: Stack, service: str, ask: Ask, *, to: int = 0) -> Release:
    """Bring a service back to an earlier revision.

    Args:
        aws, stack, service: Whose.
        ask: How.
        to: Number of the revision; 0 for the newest before the current one whose release did not fail.

    Raises:
        UsageError: There is no such revision.
    """
    row = described(aws, stack, service)
    _ours(row, stack)
    family, current = _short(row["taskDefinition"]).rsplit(":", 1)
    arns = list(aws.pages("ecs", "list_task_definitions", "taskDefinitionArns", familyPrefix=family, sort="DESC"))
    numbers = sorted(
        (int(arn.rsplit(":", 1)[1]) for arn in arns if _short(arn).rsplit(":", 1)[0] == family), reverse=True
    )
    chosen = to or _last_good(aws, family, [n for n in numbers if n < int(current)])
    if chosen not in numbers:
        known = ", ".join(str(n) for n in numbers[:10])
        raise UsageError(
            f"{service} has no earlier revision{f' {to}' if to else ''} to go back to",
            where={"running": f"{family}:{current}", "there are": known},
            hint="name one: --to NUMBER",
        )
    return _deploy(aws, stack, row, f"{family}:{chosen}", ask, image="")


def _last_good(aws: Aws, family: str, numbers: list[int]) -> int:
    for number in numbers[:20]:
        answer = aws.call("ecs", "describe_task_definition", taskDefinition=f"{family}:{number}", include=["TAGS"])
        if as_dict(answer.get("tags"), "key", "value").get(RELEASE_TAG) != "failed":
            return number
    return 0


def _deploy(aws: Aws, stack: Stack, row: Mapping[str, Any], revision: str, ask: Ask, *, image: str) -> Release:
    service, before = str(row["serviceName"]), str(row["taskDefinition"])
    evidence = Evidence(service=service, since=ask.now())
    answer = aws.call(
        "ecs", "update_service", idempotent=True, cluster=stack.name, service=service, taskDefinition=revision
    )
    deployment = str(primary(answer["service"]).get("id", ""))
    ask.tell(f"deployment {deployment} of {_short(revision)} began")

    def look(now: Mapping[str, Any]) -> None:
        evidence.ask_api(aws, stack)
        evidence.take_service(now)
        ask.tell(_progress(now, deployment, evidence))

    ended = follow(aws, stack, service, deployment, patience_seconds=ask.patience_seconds, look=look)
    _mark(aws, revision, "completed" if ended.outcome == "completed" else "failed")
    serving = ended.revision
    if ended.outcome in ("failed", "unfinished") and ask.undo and before != revision:
        serving = _undo(aws, stack, service, before, ask, look)
    elif ended.outcome == "rolled_back":
        serving = _settled(aws, stack, service, ask, look)
    if ended.outcome != "completed":
        evidence.ask_log_group(aws, stack)
        evidence.ask_api(aws, stack)
    return Release(
        service=service,
        image=image,
        before=_short(before),
        after=_short(revision),
        serving=_short(serving),
        followed=ended,
        evidence=evidence,
    )


def _undo(
    aws: Aws, stack: Stack, service: str, before: str, ask: Ask, look: Callable[[Mapping[str, Any]], None]
) -> str:
    """Go back to the revision before, since AWS does not; return what serves then."""
    ask.tell(f"going back to {_short(before)}")
    aws.call("ecs", "update_service", idempotent=True, cluster=stack.name, service=service, taskDefinition=before)
    return _settled(aws, stack, service, ask, look)


def _settled(aws: Aws, stack: Stack, service: str, ask: Ask, look: Callable[[Mapping[str, Any]], None]) -> str:
    """Wait for the deployment that is on its way now; return the revision that serves then."""
    now = primary(described(aws, stack, service))
    ended = follow(aws, stack, service, str(now.get("id")), patience_seconds=ask.patience_seconds, look=look)
    if ended.outcome != "completed":
        ask.tell(f"the way back has not ended well either: {ended.outcome} {ended.reason}")
    return str(now.get("taskDefinition", "")) if ended.outcome == "completed" else ended.revision


def _mark(aws: Aws, revision: str, how: str) -> None:
    """Note on a revision how its release ended; without it, a rollback only knows less."""
    try:
        arn = revision
        if not revision.startswith("arn:"):
            answer = aws.call("ecs", "describe_task_definition", taskDefinition=revision)
            arn = str(answer["taskDefinition"]["taskDefinitionArn"])
        aws.call("ecs", "tag_resource", idempotent=True, resourceArn=arn, tags=[{"key": RELEASE_TAG, "value": how}])
    except AwsError:
        return


def _register(aws: Aws, running: Mapping[str, Any], program: str, image: str, tags: Mapping[str, str]) -> str:
    fields = {key: value for key, value in running.items() if key not in _TOLD_ONLY}
    containers = [{**c, "image": image} if c["name"] == program else c for c in running["containerDefinitions"]]
    kept = {name: value for name, value in tags.items() if not name.startswith("aws:") and name != RELEASE_TAG}
    answer = aws.call(
        "ecs",
        "register_task_definition",
        **{**fields, "containerDefinitions": containers, "tags": as_list(kept, "key", "value")},
    )
    return str(answer["taskDefinition"]["taskDefinitionArn"])


def _commit(ask: Ask) -> dict[str, str]:
    return {COMMIT_TAG: ask.commit} if ask.commit else {}


def _ours(row: Mapping[str, Any], stack: Stack) -> None:
    tags = as_dict(row.get("tags"), "key", "value")
    if tags.get(STACK_TAG) != stack.name:
        raise DeployError(
            f"{row.get('serviceName')} is not of stack {stack.name}: it does not bear its tag",
            where={"tag": f"{STACK_TAG}={tags.get(STACK_TAG, '')}"},
            hint="apply the stack first, or name the right one",
        )


def _program(running: Mapping[str, Any], service: str) -> Mapping[str, Any]:
    """Return the container that the service exists for: the one of its name, else the first essential one."""
    containers = running["containerDefinitions"]
    named = [c for c in containers if c["name"] in (service, "app")]
    found: Mapping[str, Any] = (named or [c for c in containers if c.get("essential", True)] or containers)[0]
    return found


def _whole(image: str, now: str) -> str:
    """Return the whole reference of an image.

    Raises:
        UsageError: It is none.
    """
    if _IMAGE.fullmatch(image):
        return image
    if _TAG.fullmatch(image):
        known = _IMAGE.fullmatch(now)
        repository = known["repository"] if known else now
        return f"{repository}:{image}"
    raise UsageError(f"{image!r} is no image", hint="write a tag (1.4.2), repository:tag, or repository@sha256:digest")


def _short(revision: str) -> str:
    return revision.rsplit("/", 1)[-1]


def _progress(row: Mapping[str, Any], deployment: str, evidence: Evidence) -> str:
    own: Mapping[str, Any] = next((d for d in row.get("deployments", ()) if d.get("id") == deployment), {})
    words = f"{own.get('runningCount', 0)} of {own.get('desiredCount', 0)} new tasks run"
    stopped = [e for e in evidence.stops if e.deployment == deployment]
    if stopped:
        last = stopped[-1]
        why = last.detail("container_reason") or last.message
        words += f", {len(stopped)} stopped (last: {why}{_exit(last.detail('exit_code'))})"
    return words


def _exit(code: str) -> str:
    return f", exit code {code}" if code else ""
