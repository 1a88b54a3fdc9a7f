"""NAT gateways: the way of the private subnets to the internet, and no way back."""

from __future__ import annotations

from collections.abc import Iterable

from obskit.deploy.aws import Aws, quiet
from obskit.deploy.errors import DeployError
from obskit.deploy.resource import Attributes, Observed, Place, Ref, Resource, Stack
from obskit.deploy.resources._ec2 import Ec2Kind, heard
from obskit.deploy.resources._network import nat_names
from obskit.deploy.spec import StackSpec

_HEALTHY = ("pending", "available")


class NatGatewayKind(Ec2Kind):
    """A gateway in a public subnet. ``State`` is a field where it has failed: then it is replaced."""

    name = "nat_gateway"
    needs = ("subnet", "elastic_ip", "internet_gateway")
    type = "natgateway"
    listing = ("describe_nat_gateways", "NatGateways", "NatGatewayId")
    filter_argument = "Filter"
    leaving_states = ("deleting", "deleted")
    replace_on = ("SubnetId", "AllocationId", "State")

    def wanted(self, spec: StackSpec, place: Place) -> Iterable[Resource]:
        """Yield none, one, or one a zone."""
        for number, name in enumerate(nat_names(spec, place), 1):
            fields = {"SubnetId": Ref(f"subnet.public-{number}"), "AllocationId": Ref(f"elastic_ip.{name}")}
            yield Resource(kind=self.name, name=name, fields=fields, after=("internet_gateway.main",))

    def observe(self, aws: Aws, stack: Stack) -> Iterable[Observed]:
        """Yield all gateways."""
        for name, tags, row in self.rows(aws, stack):
            addresses = [one.get("AllocationId") for one in row.get("NatGatewayAddresses") or ()]
            fields = {
                "SubnetId": row.get("SubnetId"),
                "AllocationId": addresses[0] if addresses else None,
                "State": None if row.get("State") in _HEALTHY else row.get("State"),
            }
            yield self.seen(name, tags, fields, {"id": str(row["NatGatewayId"])})

    def create(self, aws: Aws, stack: Stack, resource: Resource) -> Attributes:
        """Create one, once a former one has let go of its address: EC2 lets it fail before."""
        asked = {name: resource.fields[name] for name in ("SubnetId", "AllocationId")}
        address = str(asked["AllocationId"])
        aws.until(lambda: _held(aws, address), patience_seconds=self.patience_seconds, what="ec2:CreateNatGateway")
        tags = self.birth(stack, resource)
        answer = heard(aws, "create_nat_gateway", idempotent=False, TagSpecifications=tags, **asked)
        return {"id": str(answer["NatGateway"]["NatGatewayId"])}

    def delete(self, aws: Aws, stack: Stack, before: Observed) -> None:
        """Begin to delete one."""
        quiet(lambda: aws.call("ec2", "delete_nat_gateway", idempotent=True, NatGatewayId=before.attributes["id"]))

    def waiting(self, aws: Aws, stack: Stack, attributes: Attributes) -> str:
        """Return whether it is still being made.

        Raises:
            DeployError: EC2 could not make it.
        """
        row = self.row(aws, attributes["id"]) or {}
        state = str(row.get("State", "not heard of"))
        if state == "failed":
            said = f"{row.get('FailureCode', '')} {row.get('FailureMessage', '')}".strip()
            hint = "apply again: a failed NAT gateway is replaced"
            raise DeployError(f"NAT gateway {attributes['id']} failed", where={"aws": said}, hint=hint)
        return "" if state == "available" else f"the NAT gateway is {state}"

    def leaving(self, aws: Aws, stack: Stack, before: Observed) -> str:
        """Return whether it is still being deleted: until then it holds its address and its subnet."""
        row = self.row(aws, before.attributes["id"]) or {}
        state = str(row.get("State", "deleted"))
        return "" if state == "deleted" else f"the NAT gateway is {state}"


def _held(aws: Aws, address: str) -> str:
    """Return which gateway that is just being deleted still has an address; "" when none has."""
    going = [{"Name": "state", "Values": ["deleting"]}]
    for row in aws.pages("ec2", "describe_nat_gateways", "NatGateways", Filter=going):
        if any(one.get("AllocationId") == address for one in row.get("NatGatewayAddresses") or ()):
            return f"{row['NatGatewayId']} is being deleted and still has the address"
    return ""


KIND = NatGatewayKind()
