"""A new image for one service, and the way back.

A release registers a revision that differs from the running one in the image alone, makes it the
service's, and follows the deployment by its id. It has succeeded only when that very deployment has
completed; when AWS, or obskit, went back to the revision before, it has failed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from obskit.deploy.aws import Aws
from obskit.deploy.containers.application import PROGRAM
from obskit.deploy.ecs_history import EcsHistory
from obskit.deploy.errors import AwsError, DeployError
from obskit.deploy.follow import Followed, asked_for, described, follow, primary, serving
from obskit.deploy.image_names import repository, whole
from obskit.deploy.registry import require_pushed
from obskit.deploy.resource import COMMIT_TAG, STACK_TAG, Stack
from obskit.deploy.resources import _services
from obskit.deploy.resources._tags import as_dict, as_list
from obskit.deploy.spec_keys import WATCHERS
from obskit.errors import UsageError, one_line
from obskit.sources.ecs_events import moment

#: Tag of a revision: how its release stands. Rolling back looks for one that is ``completed``.
RELEASE_TAG: Final = _services.RELEASE_TAG
#: Its values. ``begun`` is one that was never seen to end; ``left`` one that somebody went back from.
State = Literal["begun", "completed", "failed", "left"]
#: How many revisions are looked at for one to go back to, and how many are named where none is.
_LOOKED_AT: Final = 20
_LISTED: Final = 10
#: How they are named there.
_STANDS: Final = {"completed": "good", "left": "gone back from", "begun": "its end was not seen", "": "not known"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What a release or a rollback has done.

    Attributes:
        service: Whose.
        image: That the service shall run.
        before, after: Revisions as ``family:7``; *after* is "" when nothing was deployed.
        serving: The revision that serves when this returns.
        followed: How the deployment ended; None when there was nothing to do.
        history: What ECS said meanwhile.
    """

    service: str
    image: str
    before: str
    after: str
    serving: str
    followed: Followed | None
    history: EcsHistory

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
        of_the_file: Services whose image the stack's file says, so that the next `apply` would undo a release;
            where the file is not at hand, those of which that is always so.
        now: The clock, in UTC.
        tell: Is told progress in words.
    """

    now: Callable[[], datetime]
    tell: Callable[[str], None] = lambda _: None
    commit: str = ""
    patience_seconds: float = 1800.0
    undo: bool = True
    of_the_file: frozenset[str] = frozenset(WATCHERS)


def release(aws: Aws, stack: Stack, service: str, image: str, ask: Ask) -> Release:
    """Bring an image to a service.

    Where that very image is being deployed already, as after an interrupted release, that deployment is
    followed and nothing else begun.

    Args:
        aws, stack: Where.
        service: Whose.
        image: ``repository:tag``, ``repository@sha256:…``, or a tag or digest alone for the repository that
            the service's image comes from.
        ask: How.

    Raises:
        UsageError: There is no such stack or service, its image is the file's, or the image is none.
        DeployError: There is no such image, or AWS refused before anything was deployed.
    """
    row = asked_for(aws, stack, service)
    _ours(row, stack)
    _require_free_image(service, ask)
    revision = str(row["taskDefinition"])
    answer = aws.call("ecs", "describe_task_definition", taskDefinition=revision, include=["TAGS"])
    running, tags = answer["taskDefinition"], as_dict(answer.get("tags"), "key", "value")
    program = _program(running, service)
    wanted = whole(image, str(program["image"]))
    way = _Way(aws=aws, stack=stack, ask=ask, service=service, image=wanted, before=serving(row))
    first = primary(row)
    if wanted == program["image"] and first.get("rolloutState") == "COMPLETED":
        return _unchanged(way)
    if wanted == program["image"] and first.get("rolloutState") == "IN_PROGRESS":
        ask.tell(f"{_short(revision)} is on its way already")
        return _followed(way, row, revision, earlier=frozenset())
    require_pushed(aws, stack.place, wanted)
    # A failed or hardly begun revision is nothing to go back to, one that has served is.
    if first.get("rolloutState") == "COMPLETED" and tags.get(RELEASE_TAG) != "completed":
        _mark(aws, revision, "completed")
    return _deploy(way, row, _register(aws, running, str(program["name"]), wanted, {**tags, **_commit(ask)}))


def rollback(aws: Aws, stack: Stack, service: str, ask: Ask, *, to: int = 0) -> Release:
    """Bring a service back to an earlier revision.

    Args:
        aws, stack, service: Whose.
        ask: How.
        to: Number of the revision; 0 for the newest before the current one that is known to have been good,
            else the newest of which nothing bad is known.

    Raises:
        UsageError: There is no such stack, service or revision.
        DeployError: AWS refused before anything was deployed.
    """
    row = asked_for(aws, stack, service)
    _ours(row, stack)
    prefix, _, number = str(row["taskDefinition"]).rpartition(":")
    family, current = _short(prefix), int(number)
    arns = list(aws.pages("ecs", "list_task_definitions", "taskDefinitionArns", familyPrefix=family, sort="DESC"))
    numbers = sorted((int(arn.rpartition(":")[2]) for arn in arns if arn.rpartition(":")[0] == prefix), reverse=True)
    seen: dict[int, _Known] = {}
    chosen = to or _last_good(aws, prefix, [n for n in numbers if n < current], seen)
    if chosen not in numbers:
        some = [f"{n} ({_known(aws, prefix, n, seen).words(service)})" for n in numbers[:_LISTED]]
        what = f"revision {to}" if to else "earlier revision that was good"
        raise UsageError(
            f"{service} has no {what} to go back to",
            where={"running": f"{family}:{current}", "there are": ", ".join(some + ["…"] * (len(numbers) > _LISTED))},
            hint="name one of them: --to NUMBER" if len(numbers) > 1 else "there is no other one yet",
        )
    known = _known(aws, prefix, chosen, seen)
    if known.state == "failed" and chosen != current:
        ask.tell(f"warning: {family}:{chosen} has failed before")
    image = str(_program(known.definition, service)["image"])
    way = _Way(aws=aws, stack=stack, ask=ask, service=service, image=image, before=serving(row))
    if chosen == current and primary(row).get("rolloutState") == "COMPLETED":
        return _unchanged(way)
    done = _deploy(way, row, f"{prefix}:{chosen}")
    if done.good and chosen < current and _known(aws, prefix, current, seen).state != "failed":
        _mark(aws, str(row["taskDefinition"]), "left")
    return done


@dataclass(frozen=True, slots=True)
class _Known:
    """A revision, and how its release stands; "" where none has touched it."""

    definition: Mapping[str, Any]
    state: str

    def words(self, service: str) -> str:
        """Return ``2.0.0, failed``."""
        image = str(_program(self.definition, service)["image"])
        tag = image.removeprefix(repository(image)).lstrip(":@") or image
        return f"{tag}, {_STANDS.get(self.state, self.state)}"


def _known(aws: Aws, prefix: str, number: int, seen: dict[int, _Known]) -> _Known:
    """Return a revision, asked for once."""
    if number not in seen:
        answer = aws.call("ecs", "describe_task_definition", taskDefinition=f"{prefix}:{number}", include=["TAGS"])
        state = as_dict(answer.get("tags"), "key", "value").get(RELEASE_TAG, "")
        seen[number] = _Known(answer["taskDefinition"], state)
    return seen[number]


def _last_good(aws: Aws, prefix: str, numbers: list[int], seen: dict[int, _Known]) -> int:
    """Return the newest revision that was good, else the newest that no release has touched, else 0."""
    untouched = 0
    for number in numbers[:_LOOKED_AT]:
        state = _known(aws, prefix, number, seen).state
        if state == "completed":
            return number
        untouched = untouched or (number if not state else 0)
    return untouched


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """A release or rollback that was found possible; *before* is the ARN of what serves."""

    aws: Aws
    stack: Stack
    ask: Ask
    service: str
    image: str
    before: str


def _unchanged(way: _Way) -> Release:
    now, nothing = _short(way.before), EcsHistory(service=way.service, since=way.ask.now())
    return Release(
        service=way.service, image=way.image, before=now, after="", serving=now, followed=None, history=nothing
    )


def _deploy(way: _Way, row: Mapping[str, Any], revision: str) -> Release:
    answer = way.aws.call(
        "ecs",
        "update_service",
        idempotent=True,  # the second of two has nothing left to change
        cluster=way.stack.name,
        service=way.service,
        taskDefinition=revision,
    )
    return _followed(way, answer["service"], revision, earlier=_ids(row))


def _followed(way: _Way, row: Mapping[str, Any], revision: str, *, earlier: frozenset[str]) -> Release:
    """Follow the primary deployment of a row, go back where it failed and AWS does not, and gather why."""
    aws, stack, ask, first = way.aws, way.stack, way.ask, primary(row)
    deployment = str(first.get("id", ""))
    # AWS's clock, not ours: they may differ by more than it takes a task to fail
    history = EcsHistory(service=way.service, since=moment(first.get("createdAt")) or ask.now())
    ask.tell(f"deployment {deployment} of {_short(revision)} began")

    last = dict(row)

    def look(now: Mapping[str, Any]) -> None:
        last.update(now)
        history.take_service(now)
        history.ask_tasks(aws, stack)
        ask.tell(_progress(now, deployment, history))

    with _gone_on(ask, f"deployment {deployment} of {_short(revision)}"):
        ended = follow(
            aws, stack, way.service, deployment,
            earlier=(earlier or _ids(row)) - {deployment}, patience_seconds=ask.patience_seconds, look=look,
        )  # fmt: skip
    _mark(aws, revision, "completed" if ended.outcome == "completed" else "failed")
    if ended.outcome in ("failed", "unfinished") and ask.undo and way.before != revision:
        _back(way, look, ours=True)
    elif ended.outcome == "rolled_back":
        _back(way, look, ours=False)
    if ended.outcome != "completed":
        history.ask_log_group(aws, stack)
        history.ask_api(aws, stack)
    return Release(
        service=way.service,
        image=way.image,
        before=_short(way.before),
        after=_short(revision),
        serving=_short(serving(last)),
        followed=ended,
        history=history,
    )


def _back(way: _Way, look: Callable[[Mapping[str, Any]], None], *, ours: bool) -> None:
    """Go back to the revision before, or see AWS do so; that this fails must not hide why the release did.

    Args:
        way: Whose.
        look: As in `follow`.
        ours: AWS does not go back by itself.
    """
    aws, stack, service, patience = way.aws, way.stack, way.service, way.ask.patience_seconds
    before = _short(way.before)
    try:
        if ours:
            way.ask.tell(f"going back to {before}")
            aws.call(
                "ecs", "update_service", idempotent=True, cluster=stack.name, service=service, taskDefinition=way.before
            )
        row = described(aws, stack, service)
        deployment = str(primary(row).get("id", ""))
        earlier = _ids(row) - {deployment}
        with _gone_on(way.ask, f"going back to {before}"):
            ended = follow(aws, stack, service, deployment, earlier=earlier, patience_seconds=patience, look=look)
    except DeployError as error:
        way.ask.tell(f"whether {before} serves again is not known: {one_line(error)}")
        return
    if ended.outcome != "completed":
        way.ask.tell(f"the way back has not ended well either: {ended.outcome} {ended.reason}".rstrip())


@contextmanager
def _gone_on(ask: Ask, what: str) -> Iterator[None]:
    """Say what AWS does without us when following ends before it."""
    try:
        yield
    except (KeyboardInterrupt, DeployError):
        ask.tell(f"no longer followed: AWS goes on with {what}")
        raise


def _mark(aws: Aws, revision: str, state: State) -> None:
    """Note on a revision how its release stands; without it, a rollback only knows less."""
    tags = [{"key": RELEASE_TAG, "value": state}]
    with suppress(AwsError):
        aws.call("ecs", "tag_resource", idempotent=True, resourceArn=revision, tags=tags)


def _register(aws: Aws, running: Mapping[str, Any], program: str, image: str, tags: Mapping[str, str]) -> str:
    """Register a revision that differs in the image alone; return its ARN."""
    takes = aws.client("ecs").meta.service_model.operation_model("RegisterTaskDefinition").input_shape.members
    fields = {key: value for key, value in running.items() if key in takes}
    containers = [{**c, "image": image} if c["name"] == program else c for c in running["containerDefinitions"]]
    begun: State = "begun"
    kept = {name: value for name, value in tags.items() if not name.startswith("aws:")} | {RELEASE_TAG: begun}
    answer = aws.call(
        "ecs",
        "register_task_definition",
        idempotent=True,  # a second revision of the same is never used, and does no harm
        **{**fields, "containerDefinitions": containers, "tags": as_list(kept, "key", "value")},
    )
    return str(answer["taskDefinition"]["taskDefinitionArn"])


def _ids(row: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(str(d.get("id")) for d in row.get("deployments", ()))


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


def _require_free_image(service: str, ask: Ask) -> None:
    if service in ask.of_the_file:
        where = "applications." if service not in WATCHERS else ""
        raise UsageError(
            f"the image of {service} is the stack file's: the next apply would undo a release",
            hint=f"set image in [{where}{service}] of the file, then obskit deploy apply",
        )


def _program(running: Mapping[str, Any], service: str) -> Mapping[str, Any]:
    """Return the container that the service exists for: the one of its name, else the first essential one."""
    containers = running["containerDefinitions"]
    plain = [c for c in containers if c.get("essential", True) and not c.get("firelensConfiguration")]
    found: Mapping[str, Any] = ([c for c in containers if c["name"] in (service, PROGRAM)] or plain or containers)[0]
    return found


def _short(revision: str) -> str:
    return revision.rsplit("/", 1)[-1]


def _progress(row: Mapping[str, Any], deployment: str, history: EcsHistory) -> str:
    now = primary(row)
    words = f"{now.get('runningCount', 0)} of {now.get('desiredCount', 0)} tasks run"
    if now.get("id") == deployment:
        words = words.replace("tasks", "new tasks")
    else:
        words += f" {_short(str(now.get('taskDefinition', '')))}, which the service is brought to now"
    stopped = [e for e in history.stops if e.deployment == deployment]
    if stopped:
        last = stopped[-1]
        why = last.detail("container_reason") or last.message
        words += f", {len(stopped)} stopped (last: {why}{_exit(last.detail('exit_code'))})"
    return words


def _exit(code: str) -> str:
    return f", exit code {code}" if code else ""
