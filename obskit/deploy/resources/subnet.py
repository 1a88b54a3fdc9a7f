"""Subnets: a public one for the load balancer and the NAT gateway in each zone, a private one for the rest.

No subnet hands out public addresses (CKV_AWS_130): the load balancer and the NAT gateway bring their own.
"""

from __future__ import annotations

from collections.abc import Iterable

from obskit.deploy.aws import Aws, quiet
from obskit.deploy.resource import Attributes, Fields, Observed, Place, Ref, Resource, Stack
from obskit.deploy.resources._ec2 import Ec2Kind, heard
from obskit.deploy.resources._network import SIDES, blocks, zones
from obskit.deploy.spec import StackSpec


class SubnetKind(Ec2Kind):
    """A part of the VPC in one zone.

    It needs the internet gateway for the way back only: a gateway cannot be detached while something in a
    subnet has a public address.
    """

    name = "subnet"
    needs = ("vpc", "internet_gateway")
    type = "subnet"
    listing = ("describe_subnets", "Subnets", "SubnetId")
    replace_on = ("VpcId", "CidrBlock")

    def wanted(self, spec: StackSpec, place: Place) -> Iterable[Resource]:
        """Yield a public and a private subnet for each zone.

        What stands in a public subnet needs the internet gateway, so the public subnets come after it.
        """
        for side in SIDES:
            after = ("internet_gateway.main",) if side == "public" else ()
            for number, (zone, block) in enumerate(zip(zones(spec, place), blocks(spec, side), strict=False), 1):
                fields: Fields = {
                    "VpcId": Ref("vpc.main"),
                    "CidrBlock": block,
                    "AvailabilityZone": zone,
                    "MapPublicIpOnLaunch": False,
                }
                # One that is there stays where it is, whatever zones AWS lists by then.
                own = ("AvailabilityZone",)
                yield Resource(kind=self.name, name=f"{side}-{number}", fields=fields, after=after, left_to_others=own)

    def observe(self, aws: Aws, stack: Stack) -> Iterable[Observed]:
        """Yield all subnets."""
        for name, tags, row in self.rows(aws, stack):
            fields = {
                "VpcId": row.get("VpcId"),
                "CidrBlock": row.get("CidrBlock"),
                "AvailabilityZone": row.get("AvailabilityZone"),
                "MapPublicIpOnLaunch": bool(row.get("MapPublicIpOnLaunch")),
            }
            attributes = {"id": str(row["SubnetId"]), "zone": str(row.get("AvailabilityZone", ""))}
            yield self.seen(name, tags, fields, attributes)

    def create(self, aws: Aws, stack: Stack, resource: Resource) -> Attributes:
        """Create one; EC2 makes subnets that hand out no public addresses."""
        asked = {name: resource.fields[name] for name in (*self.replace_on, "AvailabilityZone")}
        tags = self.birth(stack, resource)
        answer = heard(aws, "create_subnet", idempotent=False, TagSpecifications=tags, **asked)
        return {"id": str(answer["Subnet"]["SubnetId"]), "zone": str(resource.fields["AvailabilityZone"])}

    def change(self, aws: Aws, stack: Stack, resource: Resource, before: Observed, paths: frozenset[str]) -> Attributes:
        """Stop it from handing out public addresses."""
        wanted = {"Value": resource.fields["MapPublicIpOnLaunch"]}
        identity = before.attributes["id"]
        aws.call("ec2", "modify_subnet_attribute", idempotent=True, SubnetId=identity, MapPublicIpOnLaunch=wanted)
        return before.attributes

    def delete(self, aws: Aws, stack: Stack, before: Observed) -> None:
        """Delete one, once the network interfaces in it are gone."""
        asked = before.attributes["id"]
        quiet(lambda: aws.call("ec2", "delete_subnet", idempotent=True, settle=True, SubnetId=asked))

    def waiting(self, aws: Aws, stack: Stack, attributes: Attributes) -> str:
        """Return whether EC2 has still to make it available."""
        row = self.row(aws, attributes["id"])
        state = str(row.get("State", "available")) if row else "not heard of"
        return "" if state == "available" else f"the subnet is {state}"


KIND = SubnetKind()
