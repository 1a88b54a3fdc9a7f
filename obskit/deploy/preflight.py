"""What a plan would stumble over half-way, asked before its first step: nothing is made or deleted in vain.

Only what would stop the plan's own steps is asked, so that a stack that stands is not held up by what it does
not touch. What AWS may not be asked is no problem: the step itself will tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from obskit.deploy.aws import Aws, quiet
from obskit.deploy.errors import AwsError, DeployError
from obskit.deploy.plan import Plan
from obskit.deploy.resource import Observed, Place, Stack
from obskit.deploy.resources import _elb, _route53
from obskit.deploy.resources.dns_record import VALIDATION, left_over, stands_in_the_way
from obskit.deploy.resources.load_balancer import PROTECTED
from obskit.deploy.services import services
from obskit.deploy.spec import StackSpec
from obskit.errors import one_line

#: ``arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME``: what follows is key, stage and version.
_ARN_PARTS: Final = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something that would stop a plan.

    Attributes:
        about: Host name, or ARN of a secret.
        words: What is wrong.
        hint: What to do.
    """

    about: str
    words: str
    hint: str


def problems(aws: Aws, spec: StackSpec, place: Place, plan: Plan) -> tuple[Problem, ...]:
    """Ask for hosted zones and records of the names, and for the secrets, that a plan's steps need.

    Args:
        aws, place: Where.
        spec: The wanted stack.
        plan: What is to be done for it.
    """
    return (*_names(aws, spec, place, plan), *_secrets(aws, spec, place, plan))


def protected(plan: Plan) -> tuple[Observed, ...]:
    """Return the databases and load balancers that a plan deletes and that refuse it."""
    going = (step.observed for step in plan.steps if step.action in ("delete", "replace"))
    return tuple(one for one in going if one is not None and _refuses(one))


def unprotect(aws: Aws, one: Observed) -> None:
    """Switch off what refuses the deletion of a database or a load balancer.

    Raises:
        AwsError: AWS refuses.
    """
    if one.kind == "database":
        aws.call(
            "rds",
            "modify_db_instance",
            idempotent=True,
            settle=True,
            DBInstanceIdentifier=one.attributes["id"],
            DeletionProtection=False,
            ApplyImmediately=True,
        )
    else:
        aws.call(
            "elbv2",
            "modify_load_balancer_attributes",
            idempotent=True,
            LoadBalancerArn=one.attributes["arn"],
            Attributes=[{"Key": PROTECTED, "Value": "false"}],
        )


def snapshots(aws: Aws, stack: Stack) -> tuple[str, ...]:
    """Return the final snapshots that deleted databases of a stack have left, by name.

    Raises:
        AwsError: RDS may not be asked.
    """
    head = stack.full("main-final-")
    rows = aws.pages("rds", "describe_db_snapshots", "DBSnapshots", SnapshotType="manual")
    return tuple(sorted(n for row in rows if (n := str(row["DBSnapshotIdentifier"])).startswith(head)))


def _refuses(one: Observed) -> bool:
    if one.kind == "database":
        return one.fields.get("DeletionProtection") is True
    attributes: Any = one.fields.get("Attributes") if one.kind == "load_balancer" else None
    return bool(attributes) and attributes.get(PROTECTED) == "true"


def _names(aws: Aws, spec: StackSpec, place: Place, plan: Plan) -> Iterator[Problem]:
    stack, seen = Stack(name=spec.name, place=place), set[str]()
    for step in plan.of("create"):
        name = step.address.partition(".")[2]
        host = name.removeprefix(VALIDATION)
        if step.kind != "dns_record" or (host in seen and name != host):
            continue
        try:
            zone = _route53.zone_of(aws, host, spec.entry.hosted_zone)
            rows = _route53.records_of(aws, zone.id, host) if name == host else []
        except AwsError:
            continue
        except DeployError as error:
            if host not in seen:
                # what to do has a line of its own
                yield Problem(about=host, words=one_line(DeployError(error.what, where=error.where)), hint=error.hint)
            seen.add(host)
            continue
        yield from _taken(aws, stack, host, rows)


def _taken(aws: Aws, stack: Stack, host: str, rows: list[Mapping[str, Any]]) -> Iterator[Problem]:
    """Yield the records under a host name that `dns_record` would not write over."""
    balancer = _elb.balancer(aws, stack) if rows else None
    own = _elb.dns_name(balancer.row) if balancer else ""
    for row in rows:
        ours = "SetIdentifier" not in row and bool(own) and _route53.target(row) == own
        left = row["Type"] == "A" and left_over(row, stack)
        if stands_in_the_way(row, {"Type": "A"}) and not ours and not left:
            words = f"its record {row['Type']} is somebody else's already: it points to {_route53.target(row)}"
            yield Problem(about=host, words=words, hint="delete that record if nobody needs it, or choose another name")


def _secrets(aws: Aws, spec: StackSpec, place: Place, plan: Plan) -> Iterator[Problem]:
    touched = {step.address for step in plan.steps if step.kind == "task_definition" and step.wanted is not None}
    users: dict[str, list[str]] = {}
    for service in services(spec, place):
        if f"task_definition.{service.name}" not in touched:
            continue
        for container in service.containers:
            for _, source in container.secrets:
                if isinstance(source, str) and ":secretsmanager:" in source:
                    users.setdefault(":".join(source.split(":")[:_ARN_PARTS]), []).append(service.name)
    for arn, names in users.items():
        try:
            row = quiet(partial(aws.call, "secretsmanager", "describe_secret", SecretId=arn))
        except AwsError:
            continue
        name = f"secret {arn.partition(':secret:')[2]} of {', '.join(sorted(set(names)))}"
        if row is None:
            yield Problem(about=name, words="Secrets Manager has none of that name", hint="create it, or correct it")
        elif row.get("DeletedDate"):
            yield Problem(about=name, words="it waits for its deletion", hint="restore it, or name another")
