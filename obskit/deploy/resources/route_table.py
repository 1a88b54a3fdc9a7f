"""Route tables: one for all public subnets, one for each private one so that each can have its own NAT gateway."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from obskit.deploy.aws import Aws, quiet
from obskit.deploy.resource import Attributes, Fields, Observed, Place, Ref, Resource, Stack, Value
from obskit.deploy.resources import subnet
from obskit.deploy.resources._ec2 import Ec2Kind, by_name, heard
from obskit.deploy.resources._network import nat_names, subnet_names
from obskit.deploy.spec import StackSpec

_EVERYWHERE: Final = "0.0.0.0/0"
#: What a route can lead to, as EC2 answers; the first that is there is its target.
_TARGETS: Final = (
    "GatewayId",
    "NatGatewayId",
    "TransitGatewayId",
    "VpcPeeringConnectionId",
    "NetworkInterfaceId",
    "InstanceId",
    "EgressOnlyInternetGatewayId",
    "LocalGatewayId",
    "CarrierGatewayId",
    "CoreNetworkArn",
)
_DESTINATIONS: Final = ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId")


class RouteTableKind(Ec2Kind):
    """Where packets of its subnets go.

    ``Routes`` is destination -> id of the target, without the VPC's own route and those of gateway
    endpoints, which come and go with the endpoint; ``Subnets`` is name -> id.
    """

    name = "route_table"
    needs = ("vpc", "subnet", "internet_gateway", "nat_gateway")
    type = "route-table"
    listing = ("describe_route_tables", "RouteTables", "RouteTableId")
    replace_on = ("VpcId",)

    def wanted(self, spec: StackSpec, place: Place) -> Iterable[Resource]:
        """Yield ``public`` and ``private-1``, ``private-2``, …."""
        out = {_EVERYWHERE: Ref("internet_gateway.main")}
        yield self._table("public", out, subnet_names(spec, place, "public"))
        gateways = nat_names(spec, place)
        for number, name in enumerate(subnet_names(spec, place, "private")):
            nat = gateways[min(number, len(gateways) - 1)] if gateways else ""
            yield self._table(name, {_EVERYWHERE: Ref(f"nat_gateway.{nat}")} if nat else {}, (name,))

    def _table(self, name: str, routes: Mapping[str, Value], subnets: tuple[str, ...]) -> Resource:
        members: Fields = {one: Ref(f"subnet.{one}") for one in subnets}
        fields: Fields = {"VpcId": Ref("vpc.main"), "Routes": routes, "Subnets": members}
        return Resource(kind=self.name, name=name, fields=fields)

    def observe(self, aws: Aws, stack: Stack) -> Iterable[Observed]:
        """Yield all tables, with their routes and subnets."""
        names = subnet.KIND.names(aws, stack)
        for name, tags, row in self.rows(aws, stack):
            fields = {
                "VpcId": row.get("VpcId"),
                "Routes": _routes(row),
                "Subnets": by_name(_associations(row), names),
            }
            yield self.seen(name, tags, fields, {"id": str(row["RouteTableId"])})

    def create(self, aws: Aws, stack: Stack, resource: Resource) -> Attributes:
        """Create one, then its routes, then give it its subnets."""
        vpc = resource.fields["VpcId"]
        tags = self.birth(stack, resource)
        answer = heard(aws, "create_route_table", idempotent=False, VpcId=vpc, TagSpecifications=tags)
        identity = str(answer["RouteTable"]["RouteTableId"])
        self._mend(aws, identity, resource, heard(aws, "describe_route_tables", RouteTableIds=[identity]))
        return {"id": identity}

    def change(self, aws: Aws, stack: Stack, resource: Resource, before: Observed, paths: frozenset[str]) -> Attributes:
        """Write and remove routes, give and take subnets."""
        identity = before.attributes["id"]
        self._mend(aws, identity, resource, aws.call("ec2", "describe_route_tables", RouteTableIds=[identity]))
        return before.attributes

    def delete(self, aws: Aws, stack: Stack, before: Observed) -> None:
        """Take its subnets from one and delete it."""
        identity = before.attributes["id"]
        for association in _associations(self.row(aws, identity) or {}).values():
            _release(aws, association)
        quiet(lambda: aws.call("ec2", "delete_route_table", idempotent=True, settle=True, RouteTableId=identity))

    def _mend(self, aws: Aws, identity: str, resource: Resource, answer: Mapping[str, Any]) -> None:
        row: dict[str, Any] = next(iter(answer.get("RouteTables") or ()), {})
        _mend_routes(aws, identity, resource.fields.get("Routes") or {}, _routes(row))
        wanted, there = resource.fields.get("Subnets") or {}, _associations(row)
        subnets = {str(one) for one in wanted.values()} if isinstance(wanted, Mapping) else set()
        for one in sorted(subnets - there.keys()):
            _associate(aws, identity, one)
        for one in sorted(there.keys() - subnets):
            _release(aws, there[one])


def _routes(row: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for route in row.get("Routes") or ():
        target = next((str(route[name]) for name in _TARGETS if route.get(name)), "")
        destination = next((str(route[name]) for name in _DESTINATIONS if route.get(name)), "")
        if destination and target != "local" and not target.startswith("vpce-"):
            found[destination] = target
    return found


def _associations(row: Mapping[str, Any]) -> dict[str, str]:
    """Return id of a subnet -> id of its association."""
    return {
        str(one["SubnetId"]): str(one["RouteTableAssociationId"])
        for one in row.get("Associations") or ()
        if one.get("SubnetId") and (one.get("AssociationState") or {}).get("State") != "disassociated"
    }


def _mend_routes(aws: Aws, identity: str, wanted: Value, there: Mapping[str, str]) -> None:
    routes = wanted if isinstance(wanted, Mapping) else {}
    for destination, target in routes.items():
        if there.get(destination) == target:
            continue
        method = "replace_route" if destination in there else "create_route"
        argument = "NatGatewayId" if str(target).startswith("nat-") else "GatewayId"
        asked: dict[str, Any] = {"DestinationCidrBlock": destination, argument: target}
        heard(aws, method, RouteTableId=identity, **asked)
    for destination in there.keys() - routes.keys():
        _delete_route(aws, identity, destination)


def _delete_route(aws: Aws, identity: str, destination: str) -> None:
    argument = "DestinationCidrBlock"
    if ":" in destination:
        argument = "DestinationIpv6CidrBlock"
    elif destination.startswith("pl-"):
        argument = "DestinationPrefixListId"
    asked: dict[str, Any] = {argument: destination}
    quiet(lambda: aws.call("ec2", "delete_route", idempotent=True, RouteTableId=identity, **asked))


def _associate(aws: Aws, identity: str, subnet_id: str) -> None:
    """Give a subnet to a table, whichever it had before."""
    asked = [{"Name": "association.subnet-id", "Values": [subnet_id]}]
    for row in aws.pages("ec2", "describe_route_tables", "RouteTables", Filters=asked):
        association = _associations(row).get(subnet_id)
        if association:
            aws.call("ec2", "replace_route_table_association", AssociationId=association, RouteTableId=identity)
            return
    heard(aws, "associate_route_table", RouteTableId=identity, SubnetId=subnet_id)


def _release(aws: Aws, association: str) -> None:
    quiet(lambda: aws.call("ec2", "disassociate_route_table", idempotent=True, AssociationId=association))


KIND = RouteTableKind()
