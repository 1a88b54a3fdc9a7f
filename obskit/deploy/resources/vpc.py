"""The VPC: its own DNS names, and a default security group that lets nothing through (CKV2_AWS_12)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from obskit.deploy.aws import Aws, quiet
from obskit.deploy.resource import Attributes, Fields, Observed, Place, Resource, Stack, touched
from obskit.deploy.resources._ec2 import Ec2Kind, detach, heard
from obskit.deploy.resources._network import blocks
from obskit.deploy.resources._rules import DIRECTIONS, keyed, reconcile
from obskit.deploy.spec import StackSpec

#: Field -> what DescribeVpcAttribute calls it. EC2 changes one of them a call.
_SWITCHES = {"EnableDnsSupport": "enableDnsSupport", "EnableDnsHostnames": "enableDnsHostnames"}


class VpcKind(Ec2Kind):
    """The network that everything stands in."""

    name = "vpc"
    type = "vpc"
    listing = ("describe_vpcs", "Vpcs", "VpcId")
    replace_on = ("CidrBlock",)

    def wanted(self, spec: StackSpec, place: Place) -> Iterable[Resource]:
        """Yield the one VPC."""
        blocks(spec, "public")  # a CIDR that cannot be cut is refused before anything stands in it
        fields: Fields = {
            "CidrBlock": spec.network.cidr,
            "EnableDnsSupport": True,
            "EnableDnsHostnames": True,
            "DefaultGroup": {"Ingress": {}, "Egress": {}},
        }
        yield Resource(kind=self.name, name="main", fields=fields)

    def observe(self, aws: Aws, stack: Stack) -> Iterable[Observed]:
        """Yield it, with the rules of its default security group."""
        for name, tags, row in self.rows(aws, stack):
            identity = str(row["VpcId"])
            switches = {field: self._switch(aws, identity, field) for field in _SWITCHES}
            group = self._default_group(aws, identity) or {}
            names = {str(group.get("GroupId")): "default"}
            closed = {way.capitalize(): keyed(group, way, names) for way in DIRECTIONS}
            fields = {"CidrBlock": row["CidrBlock"], **switches, "DefaultGroup": closed}
            yield self.seen(name, tags, fields, {"id": identity, "cidr": str(row["CidrBlock"])})

    def create(self, aws: Aws, stack: Stack, resource: Resource) -> Attributes:
        """Create it, switch DNS names on, and close its default security group."""
        cidr = resource.fields["CidrBlock"]
        answer = aws.call("ec2", "create_vpc", CidrBlock=cidr, TagSpecifications=self.birth(stack, resource))
        identity = str(answer["Vpc"]["VpcId"])
        self._mend(aws, identity, frozenset(resource.fields))
        return {"id": identity, "cidr": str(cidr)}

    def change(self, aws: Aws, stack: Stack, resource: Resource, before: Observed, paths: frozenset[str]) -> Attributes:
        """Switch DNS names on, close the default security group."""
        self._mend(aws, before.attributes["id"], paths)
        return before.attributes

    def delete(self, aws: Aws, stack: Stack, before: Observed) -> None:
        """Delete it, with what AWS made along with it. A gateway that is to stay is taken off it."""
        identity = before.attributes["id"]
        attached = [{"Name": "attachment.vpc-id", "Values": [identity]}]
        for gateway in aws.pages("ec2", "describe_internet_gateways", "InternetGateways", Filters=attached):
            detach(aws, str(gateway["InternetGatewayId"]), identity)
        quiet(lambda: aws.call("ec2", "delete_vpc", idempotent=True, settle=True, VpcId=identity))

    def waiting(self, aws: Aws, stack: Stack, attributes: Attributes) -> str:
        """Return whether EC2 has still to make it available."""
        row = self.row(aws, attributes["id"])
        state = str(row.get("State", "")) if row else "not heard of"
        return "" if state == "available" else f"the VPC is {state}"

    def _switch(self, aws: Aws, identity: str, field: str) -> bool:
        answer = aws.call("ec2", "describe_vpc_attribute", VpcId=identity, Attribute=_SWITCHES[field])
        return bool((answer.get(field) or {}).get("Value"))

    def _default_group(self, aws: Aws, identity: str) -> dict[str, Any] | None:
        asked = [{"Name": "vpc-id", "Values": [identity]}, {"Name": "group-name", "Values": ["default"]}]
        return next(aws.pages("ec2", "describe_security_groups", "SecurityGroups", Filters=asked), None)

    def _mend(self, aws: Aws, identity: str, paths: frozenset[str]) -> None:
        for field in (field for field in _SWITCHES if touched(paths, field)):
            heard(aws, "modify_vpc_attribute", VpcId=identity, **_on(field))
        if not touched(paths, "DefaultGroup"):
            return

        found: list[dict[str, Any]] = []

        def unheard() -> str:
            group = self._default_group(aws, identity)
            found.extend([group] if group else [])
            return "" if found else "its default security group is not heard of"

        aws.until(unheard, patience_seconds=aws.settle_seconds, what=f"{self.name} {identity}")
        reconcile(aws, found[0])


def _on(field: str) -> dict[str, Any]:
    return {field: {"Value": True}}


KIND = VpcKind()
