"""ECS services as AWS describes them: which are the stack's, and how far a deployment has come."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from obskit.deploy.aws import quiet
from obskit.deploy.errors import DeployError
from obskit.deploy.resources import _tags
from obskit.redact import redact

if TYPE_CHECKING:
    from obskit.deploy.aws import Aws
    from obskit.deploy.resource import Attributes, Stack

Row = Mapping[str, Any]
#: Tag of a revision: how its release stands; see `obskit.deploy.release`.
RELEASE_TAG: Final = "obskit:release"
#: How many DescribeServices takes at once.
_BATCH: Final = 10
#: AWS may tell of a service, or of its newest deployment, a little later than it has made it.
_HEARSAY_SECONDS: Final = (2.0, 5.0, 10.0)
#: How many of a service's messages, and of the reasons for which tasks stopped, an error shows.
_SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a deployment has come.

    Attributes:
        state: ``done``: all its tasks run. ``going``: they do not yet. ``failed``: they never will.
        words: Why it is not done.
    """

    state: Literal["done", "going", "failed"]
    words: str = ""


def living(aws: Aws, stack: Stack) -> tuple[Row, ...]:
    """Return all active services of the stack's cluster, whoever made them, with their tags."""
    arns = quiet(lambda: list(aws.pages("ecs", "list_services", "serviceArns", cluster=stack.name))) or []
    found: list[Row] = []
    for start in range(0, len(arns), _BATCH):
        found += described(aws, stack.name, *arns[start : start + _BATCH])
    return tuple(row for row in found if row.get("status") == "ACTIVE")


def ours(aws: Aws, stack: Stack) -> tuple[Row, ...]:
    """Return the active services of the stack's cluster that bear the stack's tags."""
    return tuple(row for row in living(aws, stack) if name_of(row, stack))


def name_of(row: Row, stack: Stack) -> str | None:
    """Return which service of the stack it is; None when it is not the stack's."""
    return _tags.name_of("service", _tags.as_dict(row.get("tags"), "key", "value"), stack)


def described(aws: Aws, cluster: str, *services: str) -> list[Row]:
    """Return services of whatever status, by name or ARN, with their tags; those that are gone are left out."""
    names, include = list(services), ["TAGS"]
    answer = quiet(lambda: aws.call("ecs", "describe_services", cluster=cluster, services=names, include=include)) or {}
    return list(answer.get("services") or ())


def primary(row: Row) -> Row:
    """Return the deployment that a service is being brought to; empty when there is none."""
    return next((d for d in row.get("deployments") or () if d.get("status") == "PRIMARY"), {})


def require_free(aws: Aws, row: Row, before: str) -> None:
    """Make sure that a deployment that is on its way is none of somebody else's, to be overtaken by ours.

    Args:
        aws: Where.
        row: The service as AWS describes it now.
        before: ARN of the revision that it was brought to when the plan was made.

    Raises:
        DeployError: Somebody releases, or has begun another deployment since.
    """
    current, name = primary(row), str(row.get("serviceName", ""))
    revision = str(current.get("taskDefinition", ""))
    if current.get("rolloutState") != "IN_PROGRESS":
        return
    answer = quiet(lambda: aws.call("ecs", "describe_task_definition", taskDefinition=revision, include=["TAGS"])) or {}
    released = _tags.as_dict(answer.get("tags"), "key", "value").get(RELEASE_TAG) == "begun"
    if released or revision != before:
        where = {"deployment": str(current.get("id", "")), "revision": _revision(current)}
        hint = f"wait until it has ended (obskit deploy status), or go back (obskit deploy rollback {name}); then apply"
        raise DeployError(f"somebody else is deploying {name}", where=where, hint=hint)


def require_taken_up(aws: Aws, row: Row, before: str, ours: str) -> None:
    """Make sure that our revision has the images that somebody has released since the plan was made.

    Args:
        aws: Where.
        row: The service as AWS describes it now.
        before: ARN of the revision that it was brought to when the plan was made.
        ours: ARN of the revision that it shall be brought to.

    Raises:
        DeployError: It would go back to an earlier image.
    """
    now = str(row.get("taskDefinition", ours))
    if now in (before, ours):
        return
    was, runs, will = (_images(aws, one) for one in (before, now, ours))
    if any(will.get(container) != image for container, image in runs.items() if was.get(container) != image):
        name = str(row.get("serviceName", ""))
        where = {"planned from": before.rpartition("/")[2], "runs": now.rpartition("/")[2]}
        raise DeployError(f"somebody has deployed {name} since the plan was made", where=where, hint="apply again")


def _images(aws: Aws, revision: str) -> dict[str, str]:
    answer = quiet(lambda: aws.call("ecs", "describe_task_definition", taskDefinition=revision)) or {}
    containers = (answer.get("taskDefinition") or {}).get("containerDefinitions") or ()
    return {str(container["name"]): str(container.get("image", "")) for container in containers}


def judged(row: Row, deployment: str) -> Progress:
    """Tell how far a deployment has come, by its id: that a service is stable may be due to a rollback. Pure.

    Args:
        row: The service as AWS describes it.
        deployment: Id of the deployment that is waited for; "" for the one that the service is brought to.
    """
    current = primary(row)
    if row.get("status", "ACTIVE") != "ACTIVE":
        return Progress("failed", f"the service is {row['status']}")
    wanted = deployment or str(current.get("id", ""))
    found = next((d for d in row.get("deployments") or () if d.get("id") == wanted), None)
    if found is None:
        return Progress("failed", f"it is gone; the service is now at {_revision(current)}")
    reason = redact(str(found.get("rolloutStateReason", "")))
    if found.get("rolloutState") == "FAILED":
        return Progress("failed", reason or "AWS says FAILED")
    if found.get("status") != "PRIMARY":
        return Progress("failed", f"another one has taken its place, with {_revision(current)}")
    running, desired = int(found.get("runningCount", 0)), int(found.get("desiredCount", 0))
    failed = int(found.get("failedTasks", 0))
    words = f"{running} of {desired} tasks running" + (f", {failed} have failed" if failed else "")
    complete = found.get("rolloutState", "COMPLETED") == "COMPLETED"
    return Progress("done") if complete and running >= desired else Progress("going", words)


def rollout(aws: Aws, cluster: str, attributes: Attributes) -> str:
    """Return why a deployment is not done yet; "" when it is.

    Args:
        aws: Where.
        cluster: Name of the cluster.
        attributes: ``name`` of the service and ``deployment``, the id of what is waited for.

    Raises:
        DeployError: It has failed, was rolled back, or another one has taken its place.
    """
    name, deployment = attributes["name"], attributes.get("deployment", "")
    for pause in (*_HEARSAY_SECONDS, 0.0):
        row = next(iter(described(aws, cluster, name)), None)
        progress = judged(row, deployment) if row else Progress("failed", "there is no such service")
        if row and progress.state != "failed":
            return progress.words
        if row and any(d.get("id") == deployment for d in row.get("deployments") or ()):
            break
        aws.sleep(pause)
    messages = [redact(str(event.get("message", ""))) for event in ((row or {}).get("events") or ())[:_SHOWN]]
    where = {
        "service": f"{cluster}/{name}",
        "deployment": deployment,
        "aws": progress.words,
        "stopped": "; ".join(stops(aws, cluster, name, deployment)),
        "events": "; ".join(messages),
    }
    hint = "correct what stopped the tasks; the service is left at what AWS rolled back to"
    raise DeployError(f"deployment of service {name} failed", where=where, hint=hint)


def stops(aws: Aws, cluster: str, service: str, deployment: str) -> tuple[str, ...]:
    """Return for what reasons tasks of a deployment have stopped, without repetition, at most three.

    AWS remembers stopped tasks for an hour.
    """
    found = {
        _stop(task): None
        for task in tasks(aws, cluster, "STOPPED", serviceName=service)
        if not deployment or task.get("startedBy", deployment) == deployment
    }
    return tuple(reason for reason in found if reason)[:_SHOWN]


def tasks(aws: Aws, cluster: str, status: str, **asked: Any) -> Iterator[Row]:
    """Yield the tasks of a cluster with a desired status, at most a hundred.

    Args:
        aws, cluster: Where.
        status: ``RUNNING`` or ``STOPPED``: what ECS wants them to be.
        asked: ``serviceName`` or ``family``.
    """
    arns = quiet(
        lambda: aws.call("ecs", "list_tasks", cluster=cluster, desiredStatus=status, **asked).get("taskArns", [])
    )
    if arns:
        answer = quiet(lambda: aws.call("ecs", "describe_tasks", cluster=cluster, tasks=arns)) or {}
        yield from answer.get("tasks") or ()


def _stop(task: Row) -> str:
    said = [str(task.get("stoppedReason") or task.get("stopCode") or "")]
    for container in task.get("containers") or ():
        code, reason = container.get("exitCode"), container.get("reason")
        if code or reason:
            said.append(f"{container.get('name')}: " + ", ".join([*([f"exit {code}"] if code else []), reason or ""]))
    return redact(" - ".join(one.rstrip(", ") for one in said if one))


def _revision(deployment: Row) -> str:
    return str(deployment.get("taskDefinition", "no task definition")).rpartition("/")[2]


def write_tags(aws: Aws, arn: str, tags: Mapping[str, str]) -> None:
    """Write tags onto anything of ECS."""
    aws.call("ecs", "tag_resource", idempotent=True, resourceArn=arn, tags=_tags.as_list(tags, "key", "value"))
