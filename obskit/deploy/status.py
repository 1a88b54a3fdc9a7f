"""How a stack is now: services, deployments, targets, balancer, certificate, database, queues. Read-only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from obskit.deploy.aws import Aws, quiet
from obskit.deploy.errors import AwsError
from obskit.deploy.follow import no_stack, primary
from obskit.deploy.resource import Observed, Stack
from obskit.deploy.resources import kinds
from obskit.errors import one_line
from obskit.redact import redact

Health = Literal["well", "busy", "bad", "not seen"]
#: How ECS begins what keeps it from starting tasks.
_UNABLE: Final = "is unable to"
#: DescribeServices takes no more.
_AT_ONCE: Final = 10
#: What is read to know which things of the stack to ask about.
_ASKED: Final = ("load_balancer", "target_group", "certificate", "database", "queue")
#: What a cluster without services is, by its status.
_EMPTY: Final = {
    "": "is not there, though others of the stack are: it was not made yet, or was deleted; obskit deploy apply",
    "ACTIVE": "has no services yet: obskit deploy apply",
    "DEPROVISIONING": "is being destroyed",
    "INACTIVE": "is being destroyed: it is gone, others of the stack are not yet; obskit deploy destroy",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One thing of the stack.

    Attributes:
        kind, name: As in an address.
        health: ``well``; ``busy`` on its way; ``bad``; ``not seen`` where AWS did not answer.
        words: What is so.
    """

    kind: str
    name: str
    health: Health
    words: str


def status(aws: Aws, stack: Stack, wanted: Iterable[str] = ()) -> tuple[Row, ...]:
    """Return a row for each thing whose state can be other than its wanted one.

    Args:
        aws, stack: Whose.
        wanted: Names of the services that the stack's file wants; where it is not at hand, those that the
            stack has task definitions of.

    Raises:
        UsageError: There is no such stack.
        AwsError: Not even the cluster can be asked.
    """
    cluster, rows = _cluster(aws, stack), list(_services(aws, stack))
    alone = cluster in ("", "INACTIVE") and not rows
    if not alone:
        rows += _missing(aws, stack, frozenset(wanted), {row.name for row in rows})
        rows = rows or [Row(kind="cluster", name="main", health="bad", words=_EMPTY.get(cluster, _EMPTY["ACTIVE"]))]
    asked = list(_rest(aws, stack))
    if not alone:
        return (*rows, *asked)
    if not [row for row in asked if row.health != "not seen"]:
        raise no_stack(aws, stack)
    return (Row(kind="cluster", name="main", health="bad", words=_EMPTY[cluster]), *asked)


def _rest(aws: Aws, stack: Stack) -> Iterator[Row]:
    for name in _ASKED:
        try:
            yield from of_kind(aws, name, tuple(kinds()[name].observe(aws, stack)))
        except AwsError as error:
            yield Row(kind=name, name="", health="not seen", words=one_line(error))


def _cluster(aws: Aws, stack: Stack) -> str:
    """Return the status of the stack's cluster; "" when there is none."""
    answer = quiet(lambda: aws.call("ecs", "describe_clusters", clusters=[stack.name])) or {}
    return next((str(row.get("status", "")) for row in answer.get("clusters", ())), "")


def _missing(aws: Aws, stack: Stack, wanted: frozenset[str], there: set[str]) -> Iterator[Row]:
    try:
        every = wanted or {one.name for one in kinds()["task_definition"].observe(aws, stack)}
    except AwsError as error:
        yield Row(kind="task_definition", name="", health="not seen", words=one_line(error))
        return
    for name in sorted(every - there):
        yield Row(kind="service", name=name, health="bad", words="is not there: obskit deploy apply")


def _services(aws: Aws, stack: Stack) -> Iterator[Row]:
    found = quiet(lambda: list(aws.pages("ecs", "list_services", "serviceArns", cluster=stack.name)))
    names = sorted(str(arn).rsplit("/", 1)[-1] for arn in found or ())
    for start in range(0, len(names), _AT_ONCE):
        answer = aws.call("ecs", "describe_services", cluster=stack.name, services=names[start : start + _AT_ONCE])
        # one that was deleted is told of for a while
        yield from (_service(row) for row in answer.get("services", ()) if row.get("status") != "INACTIVE")


def _service(row: Mapping[str, Any]) -> Row:
    desired, running, pending = (int(row.get(f"{what}Count", 0)) for what in ("desired", "running", "pending"))
    first = primary(row)
    if row.get("status") == "DRAINING":
        return Row(kind="service", name=str(row.get("serviceName", "")), health="busy", words="is being destroyed")
    state, revision = str(first.get("rolloutState", "")), str(row.get("taskDefinition", "")).rsplit("/", 1)[-1]
    words = f"{running} of {desired} tasks run {revision}"
    words += f", {pending} start" if pending else ""
    words += f", deployment {state.lower().replace('_', ' ')}" if state not in ("", "COMPLETED") else ""
    failed = int(first.get("failedTasks", 0)) if state == "IN_PROGRESS" else 0
    words += f", {failed} tasks of it failed" if failed else ""
    if state == "FAILED":
        words += f": {first.get('rolloutStateReason', '')}"
    if trouble := _trouble(row):
        words += f"; ECS says: {trouble}"
    health: Health = "well" if running >= desired and state in ("", "COMPLETED") else "busy"
    if state == "FAILED" or (running == 0 and desired > 0 and not pending) or failed or (trouble and health != "well"):
        health = "bad"
    return Row(kind="service", name=str(row.get("serviceName", "")), health=health, words=redact(words))


def _trouble(row: Mapping[str, Any]) -> str:
    """Return what ECS could not do since the service was last steady; events come newest first."""
    for event in row.get("events", ()):
        message = str(event.get("message", ""))
        if "has reached a steady state" in message:
            return ""
        if _UNABLE in message:
            return message
    return ""


def of_kind(aws: Aws, kind: str, found: Iterable[Observed]) -> list[Row]:
    """Return the rows of things of one of the kinds that are asked.

    Raises:
        AwsError: AWS does not answer.
    """
    ask = {
        "target_group": _targets,
        "load_balancer": _balancer,
        "certificate": _certificate,
        "database": _database,
        "queue": _queue,
    }[kind]
    return [row for one in found for row in ask(aws, one)]


def _targets(aws: Aws, one: Observed) -> Iterator[Row]:
    answer = aws.call("elbv2", "describe_target_health", TargetGroupArn=one.attributes["arn"])
    states = Counter(
        str(row.get("TargetHealth", {}).get("State", "unknown")) for row in answer.get("TargetHealthDescriptions", ())
    )
    reasons = sorted(
        {
            str(row["TargetHealth"]["Description"])
            for row in answer.get("TargetHealthDescriptions", ())
            if row.get("TargetHealth", {}).get("Description")
        }
    )
    words = ", ".join(f"{count} {state}" for state, count in sorted(states.items())) or "no targets"
    words += f" ({'; '.join(reasons)})" if reasons else ""
    sick = states["unhealthy"] + states["unavailable"]
    busy = states["initial"] + states["draining"]
    health: Health = "bad" if sick or not states["healthy"] + busy else "busy" if busy else "well"
    yield Row(kind="target_group", name=one.name, health=health, words=words)


def _balancer(aws: Aws, one: Observed) -> Iterator[Row]:
    answer = aws.call("elbv2", "describe_load_balancers", LoadBalancerArns=[one.attributes["arn"]])
    for row in answer.get("LoadBalancers", ()):
        state = str(row.get("State", {}).get("Code", "unknown"))
        health: Health = "well" if state == "active" else "busy" if state == "provisioning" else "bad"
        yield Row(kind="load_balancer", name=one.name, health=health, words=f"{state}, {row.get('DNSName', '')}")


def _certificate(aws: Aws, one: Observed) -> Iterator[Row]:
    row = aws.call("acm", "describe_certificate", CertificateArn=one.attributes["arn"])["Certificate"]
    state = str(row.get("Status", "unknown"))
    health: Health = "well" if state == "ISSUED" else "busy" if state == "PENDING_VALIDATION" else "bad"
    until = f", until {row['NotAfter']:%Y-%m-%d}" if row.get("NotAfter") else ""
    words = f"{state.lower().replace('_', ' ')}{until}{_reason(row.get('FailureReason'))}"
    yield Row(kind="certificate", name=one.name, health=health, words=words)


def _database(aws: Aws, one: Observed) -> Iterator[Row]:
    answer = aws.call("rds", "describe_db_instances", DBInstanceIdentifier=one.attributes["id"])
    for row in answer.get("DBInstances", ()):
        state = str(row.get("DBInstanceStatus", "unknown"))
        bad = state.startswith(("failed", "incompatible", "storage-full", "inaccessible", "stopped", "restore-error"))
        health: Health = "well" if state == "available" else "bad" if bad else "busy"
        engine = f"{row.get('Engine', '')} {row.get('EngineVersion', '')}".strip()
        yield Row(kind="database", name=one.name, health=health, words=f"{state}, {engine}")


def _queue(aws: Aws, one: Observed) -> Iterator[Row]:
    answer = aws.call(
        "sqs",
        "get_queue_attributes",
        QueueUrl=one.attributes["url"],
        AttributeNames=["ApproximateNumberOfMessages"],
    )
    count = int(answer.get("Attributes", {}).get("ApproximateNumberOfMessages", 0))
    dead = "dead" in one.name and count > 0
    words = f"{count} messages" + (": EventBridge could not deliver them" if dead else "")
    yield Row(kind="queue", name=one.name, health="bad" if dead else "well", words=words)


def _reason(text: object) -> str:
    return f" ({text})" if text else ""
