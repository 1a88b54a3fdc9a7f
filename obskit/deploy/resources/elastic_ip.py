"""The fixed public addresses of the NAT gateways."""

from __future__ import annotations

from collections.abc import Iterable

from obskit.deploy.aws import Aws, quiet
from obskit.deploy.errors import AwsError
from obskit.deploy.resource import Attributes, Observed, Place, Resource, Stack
from obskit.deploy.resources._ec2 import Ec2Kind
from obskit.deploy.resources._network import nat_names
from obskit.deploy.spec import StackSpec

#: What EC2 says while something bears the address; the second one where that is a NAT gateway.
_HELD = ("InvalidIPAddress.InUse", "AuthFailure")


class ElasticIpKind(Ec2Kind):
    """A public address."""

    name = "elastic_ip"
    type = "elastic-ip"
    listing = ("describe_addresses", "Addresses", "AllocationId")
    replace_on = ("Domain",)

    def wanted(self, spec: StackSpec, place: Place) -> Iterable[Resource]:
        """Yield one for each NAT gateway."""
        for name in nat_names(spec, place):
            yield Resource(kind=self.name, name=name, fields={"Domain": "vpc"})

    def observe(self, aws: Aws, stack: Stack) -> Iterable[Observed]:
        """Yield all addresses."""
        for name, tags, row in self.rows(aws, stack):
            attributes = {"id": str(row["AllocationId"]), "ip": str(row.get("PublicIp", ""))}
            yield self.seen(name, tags, {"Domain": row.get("Domain")}, attributes)

    def create(self, aws: Aws, stack: Stack, resource: Resource) -> Attributes:
        """Allocate one."""
        answer = aws.call("ec2", "allocate_address", Domain="vpc", TagSpecifications=self.birth(stack, resource))
        return {"id": str(answer["AllocationId"]), "ip": str(answer["PublicIp"])}

    def delete(self, aws: Aws, stack: Stack, before: Observed) -> None:
        """Release one, once the NAT gateway that bears it is gone."""
        identity = before.attributes["id"]

        def held() -> str:
            try:
                quiet(lambda: aws.call("ec2", "release_address", idempotent=True, AllocationId=identity))
            except AwsError as error:
                if error.code not in _HELD:
                    raise
                return error.message or error.code
            return ""

        aws.until(held, patience_seconds=self.patience_seconds, what=before.address)


KIND = ElasticIpKind()
