"""The internet gateway, attached to the VPC."""

from __future__ import annotations

from collections.abc import Iterable

from obskit.deploy.aws import Aws, quiet
from obskit.deploy.resource import Attributes, Observed, Place, Ref, Resource, Stack
from obskit.deploy.resources._ec2 import Ec2Kind, detach, heard
from obskit.deploy.spec import StackSpec


class InternetGatewayKind(Ec2Kind):
    """The way of the public subnets to the internet and back."""

    name = "internet_gateway"
    needs = ("vpc",)
    type = "internet-gateway"
    listing = ("describe_internet_gateways", "InternetGateways", "InternetGatewayId")

    def wanted(self, spec: StackSpec, place: Place) -> Iterable[Resource]:
        """Yield the one gateway."""
        yield Resource(kind=self.name, name="main", fields={"VpcId": Ref("vpc.main")})

    def observe(self, aws: Aws, stack: Stack) -> Iterable[Observed]:
        """Yield it; ``VpcId`` is absent while it is attached to nothing."""
        for name, tags, row in self.rows(aws, stack):
            # A gateway is attached to one VPC at the most.
            vpcs = [one.get("VpcId") for one in row.get("Attachments") or () if one.get("State") != "detached"]
            yield self.seen(name, tags, {"VpcId": vpcs[0] if vpcs else None}, {"id": str(row["InternetGatewayId"])})

    def create(self, aws: Aws, stack: Stack, resource: Resource) -> Attributes:
        """Create and attach it."""
        answer = aws.call("ec2", "create_internet_gateway", TagSpecifications=self.birth(stack, resource))
        identity = str(answer["InternetGateway"]["InternetGatewayId"])
        self._attach(aws, identity, str(resource.fields["VpcId"]))
        return {"id": identity}

    def change(self, aws: Aws, stack: Stack, resource: Resource, before: Observed, paths: frozenset[str]) -> Attributes:
        """Attach it to the VPC that it belongs to."""
        self._detach(aws, before)
        self._attach(aws, before.attributes["id"], str(resource.fields["VpcId"]))
        return before.attributes

    def delete(self, aws: Aws, stack: Stack, before: Observed) -> None:
        """Detach and delete it."""
        self._detach(aws, before)
        identity = before.attributes["id"]
        quiet(
            lambda: aws.call("ec2", "delete_internet_gateway", idempotent=True, settle=True, InternetGatewayId=identity)
        )

    def _attach(self, aws: Aws, identity: str, vpc: str) -> None:
        heard(aws, "attach_internet_gateway", idempotent=False, InternetGatewayId=identity, VpcId=vpc)

    def _detach(self, aws: Aws, before: Observed) -> None:
        if before.fields.get("VpcId"):
            detach(aws, before.attributes["id"], str(before.fields["VpcId"]))


KIND = InternetGatewayKind()
