"""What the kinds of the load balancer share: how it is found, and how actions and attributes are read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from obskit.deploy.aws import Aws, quiet
from obskit.deploy.errors import DeployError
from obskit.deploy.resource import Fields, Stack
from obskit.deploy.resources import _tags

Row = Mapping[str, Any]

#: Names of load balancers and target groups are no longer than that.
LONGEST_NAME: Final = 32
#: Tags can be asked for so many at a time.
_TAGGED_AT_ONCE: Final = 20
_DIGEST_LENGTH: Final = 8
#: Begins the tags that hold host names.
_HOST_TAG: Final = "obskit:host:"
#: What a redirect keeps when nothing is said.
_KEPT: Final = {
    "Host": "#{host}",
    "Path": "/#{path}",
    "Query": "#{query}",
    "Protocol": "#{protocol}",
    "Port": "#{port}",
}
#: Answers for what nobody behind the load balancer shall answer.
NOTHING_HERE: Final[Fields] = {
    "1": {
        "Type": "fixed-response",
        "FixedResponseConfig": {"StatusCode": "404", "ContentType": "text/plain", "MessageBody": "not found"},
    }
}


@dataclass(frozen=True, slots=True)
class Tagged:
    """Something of the load balancer's API with its tags.

    Attributes:
        row: As the API has it.
        tags: All.
    """

    row: Row
    tags: Mapping[str, str]


def short(name: str, *distinct: str) -> str:
    """Return a name of at most 32 characters.

    Args:
        name: Cut, with a hash behind it, when it is longer.
        distinct: What a name has to tell apart; any at all puts a hash behind it.
    """
    if not distinct and len(name) <= LONGEST_NAME:
        return name
    text = "\n".join((name, *distinct))
    digest = hashlib.sha256(text.encode()).hexdigest()[:_DIGEST_LENGTH]
    return f"{name[: LONGEST_NAME - _DIGEST_LENGTH - 1].rstrip('-')}-{digest}"


def balancer(aws: Aws, stack: Stack) -> Tagged | None:
    """Return the stack's load balancer; None when there is none.

    It is found by its name, which AWS keeps unique and never changes, and is the stack's if its tags say so.
    """
    found = named(aws, short(stack.full("main")))
    return found if found and _tags.name_of("load_balancer", found.tags, stack) else None


def named(aws: Aws, name: str) -> Tagged | None:
    """Return the load balancer of a name, whoever's it is."""
    answer = quiet(lambda: aws.call("elbv2", "describe_load_balancers", Names=[name]))
    rows = (answer or {}).get("LoadBalancers") or []
    return next(with_tags(aws, rows[:1], "LoadBalancerArn"), None)


def listeners(aws: Aws, stack: Stack) -> list[Tagged]:
    """Return all listeners of the stack's load balancer, whoever made them."""
    above = balancer(aws, stack)
    if above is None:
        return []
    arn = above.row["LoadBalancerArn"]
    return list(
        with_tags(aws, aws.pages("elbv2", "describe_listeners", "Listeners", LoadBalancerArn=arn), "ListenerArn")
    )


def with_tags(aws: Aws, rows: Iterable[Row], arn: str) -> Iterator[Tagged]:
    """Yield rows with their tags.

    Args:
        aws: Where.
        rows: As the API has them.
        arn: Under which key they have their ARN.
    """
    every = list(rows)
    for first in range(0, len(every), _TAGGED_AT_ONCE):
        some = every[first : first + _TAGGED_AT_ONCE]
        answer = aws.call("elbv2", "describe_tags", ResourceArns=[row[arn] for row in some])
        tags = {one["ResourceArn"]: _tags.as_dict(one.get("Tags")) for one in answer.get("TagDescriptions", ())}
        yield from (Tagged(row, tags.get(row[arn], {})) for row in some)


def write_tags(aws: Aws, arn: str, tags: Mapping[str, str]) -> None:
    """Write tags onto anything of the load balancer's API."""
    aws.call("elbv2", "add_tags", idempotent=True, ResourceArns=[arn], Tags=_tags.as_list(tags))


def hosts(found: Tagged) -> set[str]:
    """Return the host names that the stack has pointed to its load balancer, which its tags hold."""
    return {value.replace("@", "*") for key, value in found.tags.items() if key.startswith(_HOST_TAG)}


def remember_host(aws: Aws, found: Tagged, host: str) -> None:
    """Write down, in the load balancer's tags, that a host name is about to point to it."""
    if host not in hosts(found):
        write_tags(aws, found.row["LoadBalancerArn"], {_host_tag(host): host.replace("*", "@")})


def forget_host(aws: Aws, found: Tagged, host: str) -> None:
    """Take a host name off the load balancer's tags."""
    if _host_tag(host) in found.tags:
        arn, keys = found.row["LoadBalancerArn"], [_host_tag(host)]
        quiet(lambda: aws.call("elbv2", "remove_tags", idempotent=True, ResourceArns=[arn], TagKeys=keys))


def _host_tag(host: str) -> str:
    """Return a tag's name for a host: shorter than a host may be, and without a star, which no tag can have."""
    return f"{_HOST_TAG}{hashlib.sha256(host.encode()).hexdigest()[:_DIGEST_LENGTH]}"


def dns_name(row: Row) -> str:
    """Return a load balancer's host name, lower-case as DNS has it."""
    return str(row["DNSName"]).lower()


def foreign(what: str, name: str, arn: str) -> DeployError:
    """Return the error that a name is taken by something which is not the stack's."""
    hint = "delete it if nobody needs it, or give the stack another name"
    return DeployError(f"a {what} named {name} exists and is not this stack's", where={"arn": arn}, hint=hint)


def read_attributes(rows: Iterable[Row], compared: Iterable[str]) -> dict[str, str]:
    """Return those attributes that the stack cares about; AWS adds others whose defaults nobody knows yet."""
    values = {row["Key"]: str(row.get("Value", "")) for row in rows}
    return {key: values[key] for key in compared if key in values}


def as_attributes(values: Fields) -> list[dict[str, str]]:
    """Return attributes as the API takes them."""
    return [{"Key": key, "Value": str(values[key])} for key in sorted(values)]


def forward(group: Any) -> Fields:
    """Return the actions that send everything to one target group.

    Args:
        group: Its ARN, or a reference to it.
    """
    return {"1": {"Type": "forward", "TargetGroupArn": group}}


def as_actions(actions: Any) -> list[dict[str, Any]]:
    """Return actions as the API takes them, from fields."""
    many = len(actions) > 1
    return [{**actions[key], **({"Order": int(key)} if many else {})} for key in sorted(actions, key=int)]


def read_actions(rows: Iterable[Row]) -> Fields:
    """Return actions as fields: by their order, without what AWS repeats or adds by itself."""
    return {str(row.get("Order", place)): dict(_action(row)) for place, row in enumerate(rows, start=1)}


def _action(row: Row) -> Iterator[tuple[str, Any]]:
    yield "Type", row["Type"]
    if row["Type"] == "forward":
        yield from _forward(row)
    elif "RedirectConfig" in row:
        config = row["RedirectConfig"]
        yield "RedirectConfig", {key: value for key, value in config.items() if _KEPT.get(key) != value}
    else:
        yield from ((key, value) for key, value in row.items() if key not in ("Type", "Order"))


def _forward(row: Row) -> Iterator[tuple[str, Any]]:
    """Yield a lone target group as such; what is beyond that only where there is something."""
    config = row.get("ForwardConfig") or {}
    groups = {one["TargetGroupArn"]: int(one.get("Weight", 1)) for one in config.get("TargetGroups") or ()}
    lone = row.get("TargetGroupArn") or (next(iter(groups)) if len(groups) == 1 else None)
    sticky = bool((config.get("TargetGroupStickinessConfig") or {}).get("Enabled"))
    yield "TargetGroupArn", lone
    if len(groups) > 1 or sticky:
        yield "ForwardConfig", {"TargetGroups": groups, "TargetGroupStickinessConfig": {"Enabled": sticky}}
