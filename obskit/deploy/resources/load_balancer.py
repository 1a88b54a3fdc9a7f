"""The load balancer: the one way in from the internet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from obskit.deploy.aws import quiet
from obskit.deploy.errors import DeployError
from obskit.deploy.resource import Attributes, Fields, Kind, Observed, Ref, Resource, touched
from obskit.deploy.resources import _elb, _tags, subnet
from obskit.deploy.resources._ec2 import by_name
from obskit.deploy.resources._network import subnet_names

if TYPE_CHECKING:
    from obskit.deploy.aws import Aws
    from obskit.deploy.resource import Place, Stack
    from obskit.deploy.spec import StackSpec

#: Below Node's and above most browsers' keep-alive; AWS's own default, written down.
_IDLE_SECONDS: Final = 60
_LOGS: Final = "access_logs.s3.enabled"
_LOGS_BUCKET: Final = "access_logs.s3.bucket"
PROTECTED: Final = "deletion_protection.enabled"
_COMPARED: Final = (
    _LOGS,
    PROTECTED,
    "idle_timeout.timeout_seconds",
    "routing.http.desync_mitigation_mode",
    "routing.http.drop_invalid_header_fields.enabled",
    "routing.http2.enabled",
)


class LoadBalancerKind(Kind):
    """One application load balancer in the public subnets.

    Attributes that others refer to: ``arn``, ``dns_name``, ``zone_id`` (for aliases) and ``full_name``
    (``app/shop-main/123``, as metrics call it). The field ``Subnets`` is name -> id.
    """

    name = "load_balancer"
    needs = ("subnet", "security_group", "internet_gateway", "bucket")
    replace_on = ("Scheme", "Type")
    patience_seconds = 900.0

    def wanted(self, spec: StackSpec, place: Place) -> Iterable[Resource]:
        """Yield the load balancer; an internet gateway has to be there before."""
        fields: Fields = {
            "Type": "application",
            "Scheme": "internet-facing",
            "IpAddressType": "ipv4",
            "Subnets": {name: Ref(f"subnet.{name}") for name in subnet_names(spec, place, "public")},
            "SecurityGroups": (Ref("security_group.alb"),),
            "Attributes": _attributes(spec),
        }
        yield Resource(kind=self.name, name="main", fields=fields, after=("internet_gateway.main",))

    def observe(self, aws: Aws, stack: Stack) -> Iterable[Observed]:
        """Yield the load balancer of the stack's name, if it bears the stack's tags."""
        found = _elb.balancer(aws, stack)
        if found is None:
            return
        row = found.row
        arn = row["LoadBalancerArn"]
        answer = aws.call("elbv2", "describe_load_balancer_attributes", LoadBalancerArn=arn)
        fields: Fields = {
            "Type": row.get("Type"),
            "Scheme": row.get("Scheme"),
            "IpAddressType": row.get("IpAddressType", "ipv4"),
            "Subnets": by_name(
                (zone["SubnetId"] for zone in row.get("AvailabilityZones", ())), subnet.KIND.names(aws, stack)
            ),
            "SecurityGroups": tuple(sorted(row.get("SecurityGroups", ()))),
            "Attributes": _read(answer.get("Attributes", ())),
        }
        name = _tags.name_of(self.name, found.tags, stack) or "main"
        yield Observed(kind=self.name, name=name, fields=fields, attributes=_told(row), tags=found.tags)

    def create(self, aws: Aws, stack: Stack, resource: Resource) -> Attributes:
        """Create it, or go on with the one that an interrupted run has made.

        Raises:
            DeployError: Somebody else has a load balancer of that name.
        """
        asked: Any = resource.fields
        name = _elb.short(stack.full(resource.name))
        there = _elb.named(aws, name)
        if there and _tags.name_of(self.name, there.tags, stack) is None:
            raise _elb.foreign("load balancer", name, there.row["LoadBalancerArn"])
        if there:
            row = there.row
            _change(aws, row["LoadBalancerArn"], resource, frozenset(asked))
        else:
            answer = aws.call(
                "elbv2",
                "create_load_balancer",
                Name=name,
                Type=asked["Type"],
                Scheme=asked["Scheme"],
                IpAddressType=asked["IpAddressType"],
                Subnets=sorted(asked["Subnets"].values()),
                SecurityGroups=list(asked["SecurityGroups"]),
                Tags=_tags.as_list(resource.tags),
            )
            row = answer["LoadBalancers"][0]
            _change(aws, row["LoadBalancerArn"], resource, frozenset({"Attributes"}))
        return _told(row)

    def change(self, aws: Aws, stack: Stack, resource: Resource, before: Observed, paths: frozenset[str]) -> Attributes:
        """Write what differs."""
        _change(aws, before.attributes["arn"], resource, paths)
        return before.attributes

    def retag(self, aws: Aws, stack: Stack, before: Observed, tags: Mapping[str, str]) -> None:
        """Write tags."""
        _elb.write_tags(aws, before.attributes["arn"], tags)

    def delete(self, aws: Aws, stack: Stack, before: Observed) -> None:
        """Delete it, with its listeners.

        Raises:
            DeployError: It is protected.
        """
        attributes: Any = before.fields["Attributes"]
        if attributes.get(PROTECTED) == "true":
            where = {"load balancer": before.attributes["arn"]}
            hint = "set entry.protected to false, apply, then try again"
            raise DeployError("the load balancer is protected from deletion", where=where, hint=hint)
        arn = before.attributes["arn"]
        quiet(lambda: aws.call("elbv2", "delete_load_balancer", idempotent=True, settle=True, LoadBalancerArn=arn))

    def waiting(self, aws: Aws, stack: Stack, attributes: Attributes) -> str:
        """Return that it is still being provisioned.

        Raises:
            DeployError: AWS could not set it up.
        """
        answer = aws.call("elbv2", "describe_load_balancers", LoadBalancerArns=[attributes["arn"]])
        state = answer["LoadBalancers"][0].get("State", {})
        if state.get("Code") == "failed":
            where = {"reason": str(state.get("Reason", "")), "arn": attributes["arn"]}
            raise DeployError("AWS could not set up the load balancer", where=where, hint="delete it and apply again")
        return "the load balancer is being provisioned" if state.get("Code") == "provisioning" else ""

    def leaving(self, aws: Aws, stack: Stack, before: Observed) -> str:
        """Return that it, or one of the network interfaces that hold its subnets and groups, is still there."""
        arn = before.attributes["arn"]
        if quiet(lambda: aws.call("elbv2", "describe_load_balancers", LoadBalancerArns=[arn])):
            return "the load balancer is still there"
        described = [{"Name": "description", "Values": [f"ELB {before.attributes['full_name']}"]}]
        left = list(aws.pages("ec2", "describe_network_interfaces", "NetworkInterfaces", Filters=described))
        return f"{len(left)} network interfaces of the load balancer are still there" if left else ""


def _attributes(spec: StackSpec) -> Fields:
    logs: Fields = (
        {_LOGS: "true", _LOGS_BUCKET: Ref("bucket.logs", "name")} if spec.entry.access_logs else {_LOGS: "false"}
    )
    return {
        **logs,
        PROTECTED: "true" if spec.entry.protected else "false",
        "idle_timeout.timeout_seconds": str(_IDLE_SECONDS),
        "routing.http.desync_mitigation_mode": "defensive",
        "routing.http.drop_invalid_header_fields.enabled": "true",
        "routing.http2.enabled": "true",
    }


def _read(rows: Iterable[Mapping[str, Any]]) -> Fields:
    """Return the attributes; the bucket only while logs are written, since AWS remembers it."""
    every = list(rows)
    found = _elb.read_attributes(every, _COMPARED)
    return found | _elb.read_attributes(every, (_LOGS_BUCKET,) if found.get(_LOGS) == "true" else ())


def _change(aws: Aws, arn: str, resource: Resource, paths: frozenset[str]) -> None:
    asked: Any = resource.fields
    if touched(paths, "Subnets"):
        subnets = sorted(asked["Subnets"].values())
        aws.call("elbv2", "set_subnets", idempotent=True, LoadBalancerArn=arn, Subnets=subnets)
    if touched(paths, "SecurityGroups"):
        groups = list(asked["SecurityGroups"])
        aws.call("elbv2", "set_security_groups", idempotent=True, LoadBalancerArn=arn, SecurityGroups=groups)
    if touched(paths, "IpAddressType"):
        family = asked["IpAddressType"]
        aws.call("elbv2", "set_ip_address_type", idempotent=True, LoadBalancerArn=arn, IpAddressType=family)
    if touched(paths, "Attributes"):
        # It tries to write to the bucket for access logs, whose policy may be a second old.
        aws.call(
            "elbv2",
            "modify_load_balancer_attributes",
            idempotent=True,
            settle=True,
            LoadBalancerArn=arn,
            Attributes=_elb.as_attributes(asked["Attributes"]),
        )


def _told(row: Mapping[str, Any]) -> Attributes:
    arn = str(row["LoadBalancerArn"])
    return {
        "arn": arn,
        "dns_name": _elb.dns_name(row),
        "zone_id": str(row["CanonicalHostedZoneId"]),
        "full_name": arn.partition(":loadbalancer/")[2],
    }


KIND = LoadBalancerKind()
