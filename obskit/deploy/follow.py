"""Follows one deployment of an ECS service by its id until it has ended, one way or the other.

A service that is "stable" again may be so because AWS rolled the deployment back; so only the id tells
success. A deployment that is no longer the primary one was rolled back or overtaken.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from obskit.deploy.aws import Aws
from obskit.deploy.errors import DeployError
from obskit.deploy.resource import Stack

Outcome = Literal["completed", "failed", "rolled_back", "overtaken", "unfinished"]

#: Between two looks, in seconds: DescribeServices is throttled at some twenty a second and account.
_FIRST_PAUSE: Final = 2.0
_LONGEST_PAUSE: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """How a deployment ended.

    Attributes:
        outcome: ``completed``; ``failed`` (and nothing took its place yet); ``rolled_back`` (AWS runs an
            earlier revision again); ``overtaken`` (somebody deployed something else); ``unfinished``.
        reason: What ECS said.
        revision: ARN of the task definition that the service runs or will run now.
        running, desired: Tasks of the deployment.
        failed_tasks: That ECS counted for the deployment.
        seconds: That it was followed.
    """

    outcome: Outcome
    reason: str = ""
    revision: str = ""
    running: int = 0
    desired: int = 0
    failed_tasks: int = 0
    seconds: float = 0.0


def described(aws: Aws, stack: Stack, service: str) -> Mapping[str, Any]:
    """Return a service as DescribeServices has it.

    Raises:
        DeployError: The cluster has no such service.
    """
    answer = aws.call("ecs", "describe_services", cluster=stack.name, services=[service], include=["TAGS"])
    rows = [row for row in answer.get("services", ()) if row.get("status") != "INACTIVE"]
    if not rows:
        names = sorted(
            str(arn).rsplit("/", 1)[-1] for arn in aws.pages("ecs", "list_services", "serviceArns", cluster=stack.name)
        )
        hint = f"there are {', '.join(names)}" if names else "apply the stack first: obskit deploy apply"
        raise DeployError(f"cluster {stack.name} has no service {service}", hint=hint)
    row: Mapping[str, Any] = rows[0]
    return row


def primary(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the deployment that a service is on its way to, or has reached."""
    found: Mapping[str, Any] = next((d for d in row.get("deployments", ()) if d.get("status") == "PRIMARY"), {})
    return found


def follow(
    aws: Aws,
    stack: Stack,
    service: str,
    deployment: str,
    *,
    patience_seconds: float,
    look: Callable[[Mapping[str, Any]], None],
) -> Followed:
    """Wait for the end of a deployment.

    Args:
        aws, stack, service: Whose.
        deployment: Its id: ``ecs-svc/…``.
        patience_seconds: After which waiting is given up; the deployment then goes on in AWS.
        look: Is given each answer of DescribeServices, to tell progress and to keep evidence.
    """
    began, pause = aws.monotonic(), _FIRST_PAUSE
    while True:
        row = described(aws, stack, service)
        look(row)
        seconds = aws.monotonic() - began
        ended = _ended(row, deployment, seconds)
        if ended is not None:
            return ended
        if seconds > patience_seconds:
            return _told("unfinished", _by_id(row, deployment), row, seconds)
        aws.sleep(pause)
        pause = min(pause * 1.3, _LONGEST_PAUSE)


def _ended(row: Mapping[str, Any], deployment: str, seconds: float) -> Followed | None:
    own, first = _by_id(row, deployment), primary(row)
    if own.get("rolloutState") == "FAILED":
        rolling = first.get("id") not in (None, deployment)
        return _told("rolled_back" if rolling else "failed", own, row, seconds)
    if first.get("id") == deployment:
        return _told("completed", own, row, seconds) if own.get("rolloutState") == "COMPLETED" else None
    said = str(first.get("rolloutStateReason", ""))
    back = "roll" in said.lower() or _is_earlier(first, own)
    return _told("rolled_back" if back else "overtaken", own or first, row, seconds)


def _is_earlier(first: Mapping[str, Any], own: Mapping[str, Any]) -> bool:
    """Tell whether the primary deployment runs an older revision of the same family."""
    mine, theirs = _revision(own), _revision(first)
    return bool(mine and theirs and mine[0] == theirs[0] and theirs[1] < mine[1])


def _revision(row: Mapping[str, Any]) -> tuple[str, int] | None:
    family, _, number = str(row.get("taskDefinition", "")).rsplit("/", 1)[-1].partition(":")
    return (family, int(number)) if number.isdecimal() else None


def _by_id(row: Mapping[str, Any], deployment: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = next((d for d in row.get("deployments", ()) if d.get("id") == deployment), {})
    return found


def _told(outcome: Outcome, own: Mapping[str, Any], row: Mapping[str, Any], seconds: float) -> Followed:
    return Followed(
        outcome=outcome,
        reason=str(own.get("rolloutStateReason", "")),
        revision=str(primary(row).get("taskDefinition") or row.get("taskDefinition", "")),
        running=int(own.get("runningCount", 0)),
        desired=int(own.get("desiredCount", 0)),
        failed_tasks=int(own.get("failedTasks", 0)),
        seconds=seconds,
    )
