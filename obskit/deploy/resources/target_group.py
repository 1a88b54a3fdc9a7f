"""A target group for each public service: where the load balancer finds its tasks, and which are healthy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from obskit.deploy.aws import quiet
from obskit.deploy.resource import Attributes, Fields, Kind, Observed, Ref, Resource, touched
from obskit.deploy.resources import _elb, _entry, _tags

if TYPE_CHECKING:
    from obskit.deploy.aws import Aws
    from obskit.deploy.resource import Place, Stack
    from obskit.deploy.services import FargateService, Public
    from obskit.deploy.spec import StackSpec

#: What AWS fixes at birth: it is part of the name, so that a new one can stand beside the old one.
_FIXED: Final = ("Port", "Protocol", "ProtocolVersion", "VpcId", "TargetType", "IpAddressType")
_CHECKED: Final = (
    "HealthCheckEnabled",
    "HealthCheckProtocol",
    "HealthCheckPort",
    "HealthCheckPath",
    "HealthCheckIntervalSeconds",
    "HealthCheckTimeoutSeconds",
    "HealthyThresholdCount",
    "UnhealthyThresholdCount",
    "Matcher",
)
#: A task gets traffic 30 s after it first answers, and none 45 s after it ceased to.
_INTERVAL_SECONDS: Final = 15
_TIMEOUT_SECONDS: Final = 5
_HEALTHY: Final = 2
_UNHEALTHY: Final = 3
#: What a task that leaves has for its last requests; AWS's own 300 would make every deployment slow.
_DRAIN_SECONDS: Final = 30
_ATTRIBUTES: Final = {
    "deregistration_delay.timeout_seconds": str(_DRAIN_SECONDS),
    "load_balancing.algorithm.type": "round_robin",
    "slow_start.duration_seconds": "0",
    "stickiness.enabled": "false",
}


class TargetGroupKind(Kind):
    """One target group of IP addresses a public service; ECS puts the tasks in.

    Attributes that others refer to: ``arn``, and ``full_name`` (``targetgroup/x/123``, as metrics call it).
    """

    name = "target_group"
    needs = ("vpc",)
    replace_on = _FIXED
    create_first = True

    def wanted(self, spec: StackSpec, place: Place) -> Iterable[Resource]:
        """Yield one for each service behind the load balancer."""
        for service, public in _entry.behind(spec, place):
            yield Resource(kind=self.name, name=service.name, fields=_wanted(service, public), service=service.name)

    def observe(self, aws: Aws, stack: Stack) -> Iterable[Observed]:
        """Yield those whose name begins with the stack's and that bear its tags."""
        rows = aws.pages("elbv2", "describe_target_groups", "TargetGroups")
        likely = [row for row in rows if row["TargetGroupName"].startswith(stack.full(""))]
        for found in _elb.with_tags(aws, likely, "TargetGroupArn"):
            name = _tags.name_of(self.name, found.tags, stack)
            if name is None:
                continue
            arn = found.row["TargetGroupArn"]
            answer = aws.call("elbv2", "describe_target_group_attributes", TargetGroupArn=arn)
            attributes = _elb.read_attributes(answer.get("Attributes", ()), _ATTRIBUTES)
            fields: Fields = {
                **{key: found.row.get(key) for key in (*_FIXED, *_CHECKED)},
                "Attributes": attributes,
            }
            yield Observed(kind=self.name, name=name, fields=fields, attributes=_told(arn), tags=found.tags)

    def create(self, aws: Aws, stack: Stack, resource: Resource) -> Attributes:
        """Create one, or go on with the one that an interrupted run has made.

        Raises:
            DeployError: Somebody else has a target group of that name.
        """
        asked: Any = resource.fields
        name = _elb.short(stack.full(resource.name), *(str(asked[key]) for key in _FIXED))
        answer = quiet(lambda: aws.call("elbv2", "describe_target_groups", Names=[name])) or {}
        there = next(_elb.with_tags(aws, answer.get("TargetGroups", ()), "TargetGroupArn"), None)
        if there and _tags.name_of(self.name, there.tags, stack) != resource.name:
            raise _elb.foreign("target group", name, there.row["TargetGroupArn"])
        if there:
            arn = there.row["TargetGroupArn"]
            _change(aws, arn, resource, frozenset(asked))
        else:
            given = {key: asked[key] for key in (*_FIXED, *_CHECKED)}
            tags = _tags.as_list(resource.tags)
            answer = aws.call("elbv2", "create_target_group", Name=name, Tags=tags, **given)
            arn = answer["TargetGroups"][0]["TargetGroupArn"]
            _change(aws, arn, resource, frozenset({"Attributes"}))
        return _told(arn)

    def change(self, aws: Aws, stack: Stack, resource: Resource, before: Observed, paths: frozenset[str]) -> Attributes:
        """Write the health check or the attributes, whichever differ."""
        _change(aws, before.attributes["arn"], resource, paths)
        return before.attributes

    def retag(self, aws: Aws, stack: Stack, before: Observed, tags: Mapping[str, str]) -> None:
        """Write tags."""
        _elb.write_tags(aws, before.attributes["arn"], tags)

    def delete(self, aws: Aws, stack: Stack, before: Observed) -> None:
        """Delete one. The listener that used it a moment ago is given time to let go of it."""
        arn = before.attributes["arn"]
        quiet(lambda: aws.call("elbv2", "delete_target_group", idempotent=True, settle=True, TargetGroupArn=arn))


def _wanted(service: FargateService, public: Public) -> Fields:
    return {
        "Port": service.port,
        "Protocol": "HTTP",
        "ProtocolVersion": "HTTP1",
        "VpcId": Ref("vpc.main"),
        "TargetType": "ip",
        "IpAddressType": "ipv4",
        "HealthCheckEnabled": True,
        "HealthCheckProtocol": "HTTP",
        "HealthCheckPort": "traffic-port",
        "HealthCheckPath": public.health_path,
        "HealthCheckIntervalSeconds": _INTERVAL_SECONDS,
        "HealthCheckTimeoutSeconds": _TIMEOUT_SECONDS,
        "HealthyThresholdCount": _HEALTHY,
        "UnhealthyThresholdCount": _UNHEALTHY,
        "Matcher": {"HttpCode": "200"},
        "Attributes": _ATTRIBUTES,
    }


def _change(aws: Aws, arn: str, resource: Resource, paths: frozenset[str]) -> None:
    asked: Any = resource.fields
    if touched(paths, *_CHECKED):
        given = {key: asked[key] for key in _CHECKED}
        aws.call("elbv2", "modify_target_group", idempotent=True, TargetGroupArn=arn, **given)
    if touched(paths, "Attributes"):
        attributes = _elb.as_attributes(asked["Attributes"])
        aws.call("elbv2", "modify_target_group_attributes", idempotent=True, TargetGroupArn=arn, Attributes=attributes)


def _told(arn: str) -> Attributes:
    return {"arn": arn, "full_name": arn.rpartition(":")[2]}


KIND = TargetGroupKind()
