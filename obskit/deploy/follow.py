"""Follows one deployment of an ECS service by its id until it has ended, one way or the other.

A service that is "stable" again may be so because AWS rolled the deployment back; so only the id tells
success. A deployment that is no longer the primary one was rolled back when a deployment from before it is
the primary one again, and was overtaken when a new one is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Literal

from obskit.deploy.aws import Aws, absent, quiet
from obskit.deploy.errors import AwsError, DeployError
from obskit.deploy.resource import STACK_TAG, Stack
from obskit.deploy.resources._tags import as_dict
from obskit.errors import UsageError

Outcome = Literal["completed", "failed", "rolled_back", "overtaken", "unfinished"]

#: Between two looks, in seconds: DescribeServices is throttled at some twenty a second and account.
_FIRST_PAUSE: Final = 2.0
_LONGEST_PAUSE: Final = 10.0
#: DescribeServices may tell of a deployment a little later than UpdateService has made it.
_HEARSAY_SECONDS: Final = 30.0
#: How long AWS, where it shall roll back, may take from FAILED to doing so. It cannot where no deployment was
#: ever completed.
_TURN_SECONDS: Final = 45.0
#: DescribeClusters takes no more.
_CLUSTERS_AT_ONCE: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """How a deployment ended.

    Attributes:
        deployment: Its id.
        outcome: ``completed``; ``failed`` (and nothing took its place yet); ``rolled_back`` (AWS runs an
            earlier deployment again); ``overtaken`` (somebody deployed something else); ``unfinished``.
        reason: What ECS said.
        running, desired: Tasks of the deployment, when it was last seen.
        failed_tasks: Of the deployment, in a row, as ECS counts: those that did not reach RUNNING or failed a
            health check. At its threshold the circuit breaker opens.
        seconds: That it was followed.
    """

    deployment: str
    outcome: Outcome
    reason: str = ""
    running: int = 0
    desired: int = 0
    failed_tasks: int = 0
    seconds: float = 0.0


def described(aws: Aws, stack: Stack, service: str) -> Mapping[str, Any]:
    """Return a service as DescribeServices has it.

    Raises:
        DeployError: The cluster has no such service.
    """
    row = _row(aws, stack, service)
    if row is None:
        raise DeployError(f"cluster {stack.name} has no service {service}", hint=_services_there(aws, stack))
    return row


def asked_for(aws: Aws, stack: Stack, service: str) -> Mapping[str, Any]:
    """Return a service that somebody named, as DescribeServices has it.

    Raises:
        UsageError: There is no such stack, or no such service in it; those that are there are named.
        AwsError: AWS does not answer.
    """
    try:
        row = _row(aws, stack, service)
    except AwsError as error:
        if absent(error):
            raise no_stack(aws, stack) from error
        raise
    if row is None:
        raise UsageError(f"stack {stack.name} has no service {service}", hint=_services_there(aws, stack))
    return row


def require_stack(aws: Aws, stack: Stack) -> None:
    """Make sure that the stack's cluster is there.

    Raises:
        UsageError: It is not.
        AwsError: AWS does not answer.
    """
    answer = quiet(lambda: aws.call("ecs", "describe_clusters", clusters=[stack.name])) or {}
    if not [row for row in answer.get("clusters", ()) if row.get("status") != "INACTIVE"]:
        raise no_stack(aws, stack)


def no_stack(aws: Aws, stack: Stack) -> UsageError:
    """Return what to say of a stack that is not there; those that are there are named, where they may be asked."""
    names: list[str] = []
    with suppress(AwsError):
        arns = list(aws.pages("ecs", "list_clusters", "clusterArns"))
        for start in range(0, len(arns), _CLUSTERS_AT_ONCE):
            some = arns[start : start + _CLUSTERS_AT_ONCE]
            answer = aws.call("ecs", "describe_clusters", clusters=some, include=["TAGS"])
            tags = (as_dict(row.get("tags"), "key", "value") for row in answer.get("clusters", ()))
            names += [one.get(STACK_TAG, "") for one in tags]
    place, there = stack.place, ", ".join(sorted({name for name in names if name and name != stack.name}))
    return UsageError(
        f"there is no stack {stack.name} in {place.region}, account {place.account}",
        where={"there are": there},
        hint="obskit deploy apply makes it" + ("; or name one that is there: --name NAME" if there else ""),
    )


def _row(aws: Aws, stack: Stack, service: str) -> Mapping[str, Any] | None:
    answer = aws.call("ecs", "describe_services", cluster=stack.name, services=[service], include=["TAGS"])
    rows = (row for row in answer.get("services", ()) if row.get("status") != "INACTIVE")
    return next(rows, None)


def _services_there(aws: Aws, stack: Stack) -> str:
    arns = quiet(lambda: list(aws.pages("ecs", "list_services", "serviceArns", cluster=stack.name)))
    names = sorted(str(arn).rsplit("/", 1)[-1] for arn in arns or ())
    return f"there are {', '.join(names)}" if names else "apply the stack first: obskit deploy apply"


def primary(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the deployment that a service is on its way to, or has reached."""
    found: Mapping[str, Any] = next((d for d in row.get("deployments", ()) if d.get("status") == "PRIMARY"), {})
    return found


def serving(row: Mapping[str, Any]) -> str:
    """Return the ARN of the revision that serves: of the completed deployment, else of the one with most tasks.

    While a deployment is on its way, or after it failed, that is the one before it.
    """
    first = primary(row)
    rest = [d for d in row.get("deployments", ()) if d is not first]
    if first.get("rolloutState", "COMPLETED") == "COMPLETED" or not rest:
        return str(first.get("taskDefinition") or row.get("taskDefinition", ""))
    return str(max([*rest, first], key=lambda d: int(d.get("runningCount", 0))).get("taskDefinition", ""))


def follow(
    aws: Aws,
    stack: Stack,
    service: str,
    deployment: str,
    *,
    earlier: frozenset[str],
    patience_seconds: float,
    look: Callable[[Mapping[str, Any]], None],
) -> Followed:
    """Wait for the end of a deployment.

    Args:
        aws, stack, service: Whose.
        deployment: Its id: ``ecs-svc/…``.
        earlier: Ids of the deployments that were there before it.
        patience_seconds: After which waiting is given up; the deployment then goes on in AWS.
        look: Is given each answer of DescribeServices, to tell progress and to keep evidence.

    Raises:
        DeployError: The service is gone, or AWS cannot be asked any more.
    """
    began, pause, failed_at = aws.monotonic(), _FIRST_PAUSE, -1.0
    own: Mapping[str, Any] = {}
    while True:
        row = described(aws, stack, service)
        look(row)
        seconds = aws.monotonic() - began
        own = _by_id(row, deployment) or own
        outcome = _outcome(row, deployment, earlier)
        if outcome == "failed" and failed_at < 0:
            failed_at = seconds
        turning = outcome == "failed" and _rolls_back(row) and seconds - failed_at < _TURN_SECONDS
        unheard = not own and seconds < _HEARSAY_SECONDS
        if outcome is None and seconds > patience_seconds:
            outcome = "unfinished"
        if outcome is not None and not turning and not unheard:
            return _told(deployment, outcome, own, row, seconds)
        aws.sleep(pause)
        pause = min(pause * 1.3, _LONGEST_PAUSE)


def _outcome(row: Mapping[str, Any], deployment: str, earlier: frozenset[str]) -> Outcome | None:
    first = primary(row)
    if first.get("id") == deployment:
        state = first.get("rolloutState")
        return "failed" if state == "FAILED" else "completed" if state == "COMPLETED" else None
    back = first.get("id") in earlier or "rolling back" in str(first.get("rolloutStateReason", ""))
    return "rolled_back" if back or _message(row, "rolling back", str(first.get("id"))) else "overtaken"


def _rolls_back(row: Mapping[str, Any]) -> bool:
    configuration = row.get("deploymentConfiguration") or {}
    breaker, alarms = configuration.get("deploymentCircuitBreaker") or {}, configuration.get("alarms") or {}
    return any(one.get("enable") and one.get("rollback") for one in (breaker, alarms))


def _message(row: Mapping[str, Any], words: str, deployment: str) -> str:
    """Return what a service event says about a deployment; "" when none does."""
    said = (str(event.get("message", "")) for event in row.get("events", ()))
    return next((message for message in said if words in message and deployment in message), "")


def _by_id(row: Mapping[str, Any], deployment: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = next((d for d in row.get("deployments", ()) if d.get("id") == deployment), {})
    return found


def _told(
    deployment: str, outcome: Outcome, own: Mapping[str, Any], row: Mapping[str, Any], seconds: float
) -> Followed:
    reason = str(own.get("rolloutStateReason", ""))
    if outcome == "rolled_back" and own.get("rolloutState") != "FAILED":
        # it was gone before anybody saw it fail
        reason = _message(row, "deployment failed", deployment) or reason
    return Followed(
        deployment=deployment,
        outcome=outcome,
        reason=reason,
        running=int(own.get("runningCount", 0)),
        desired=int(own.get("desiredCount", 0)),
        failed_tasks=int(own.get("failedTasks", 0)),
        seconds=seconds,
    )
