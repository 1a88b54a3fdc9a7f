"""VPC endpoints: AWS's services without a way over the internet."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

from obskit.deploy.aws import Aws, quiet
from obskit.deploy.errors import DeployError
from obskit.deploy.resource import Attributes, Fields, Observed, Place, Ref, Resource, Stack
from obskit.deploy.resources import route_table, security_group, subnet
from obskit.deploy.resources._ec2 import Ec2Kind, by_name, heard, unsuccessful
from obskit.deploy.resources._network import subnet_names
from obskit.deploy.spec import StackSpec

_HEALTHY: Final = ("pending", "pendingacceptance", "available")
#: What lets everybody do everything, which is what AWS writes where no policy is given.
_OPEN: Final = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
#: Field -> what ModifyVpcEndpoint calls its members.
_MEMBERS: Final = ("SubnetIds", "SecurityGroupIds", "RouteTableIds")


def endpoint_services(spec: StackSpec) -> dict[str, str]:
    """Return name -> AWS's service of every interface endpoint that the stack needs.

    Images come by ``ecr``; Prometheus' discovery asks ECS for tasks and EC2 for their network interfaces.
    ``ecs execute-command``, which would need ``ssmmessages``, is switched off.
    """
    found = ["ecr.api", "ecr.dkr", "logs", "secretsmanager"]
    found += ["ecs", "ec2"] if spec.telemetry.discovery == "ecs" else []
    found += ["aps-workspaces"] if spec.telemetry.workspace else []
    return {one.replace(".", "-"): one for one in found}


class VpcEndpointKind(Ec2Kind):
    """One of AWS's services as seen from the VPC. ``State`` is a field where it has failed: then it is replaced."""

    name = "vpc_endpoint"
    needs = ("vpc", "subnet", "security_group", "route_table")
    type = "vpc-endpoint"
    listing = ("describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId")
    leaving_states = ("deleting", "deleted")
    replace_on = ("VpcId", "ServiceName", "VpcEndpointType", "State")

    def wanted(self, spec: StackSpec, place: Place) -> Iterable[Resource]:
        """Yield a gateway to S3 and an interface for each other service, if the network uses endpoints."""
        if not spec.network.endpoints:
            return
        names = subnet_names(spec, place, "private")
        yield self._endpoint(place, "s3", "s3", "Gateway", {"RouteTableIds": _refs("route_table", names)})
        for name, service in endpoint_services(spec).items():
            fields: Fields = {
                "PrivateDnsEnabled": True,
                "SubnetIds": _refs("subnet", names),
                "SecurityGroupIds": _refs("security_group", ("endpoints",)),
            }
            yield self._endpoint(place, name, service, "Interface", fields)

    def _endpoint(self, place: Place, name: str, service: str, form: str, fields: Fields) -> Resource:
        whole = {
            "VpcId": Ref("vpc.main"),
            "ServiceName": f"com.amazonaws.{place.region}.{service}",
            "VpcEndpointType": form,
            **fields,
        }
        return Resource(kind=self.name, name=name, fields=whole)

    def observe(self, aws: Aws, stack: Stack) -> Iterable[Observed]:
        """Yield all endpoints."""
        found = list(self.rows(aws, stack))
        if not found:
            return
        names = {
            "SubnetIds": subnet.KIND.names(aws, stack),
            "SecurityGroupIds": security_group.KIND.names(aws, stack),
            "RouteTableIds": route_table.KIND.names(aws, stack),
        }
        for name, tags, row in found:
            members = {field: by_name(_members(row)[field], names[field]) for field in _MEMBERS}
            interface = row.get("VpcEndpointType") == "Interface"
            fields: Fields = {
                "VpcId": row.get("VpcId"),
                "ServiceName": row.get("ServiceName"),
                "VpcEndpointType": row.get("VpcEndpointType"),
                "PrivateDnsEnabled": bool(row.get("PrivateDnsEnabled")) if interface else None,
                "PolicyDocument": _policy(row.get("PolicyDocument")),
                "State": None if str(row.get("State", "")).lower() in _HEALTHY else row.get("State"),
                **{field: ids for field, ids in members.items() if ids or (field == "RouteTableIds") != interface},
            }
            yield self.seen(name, tags, fields, self._attributes(aws, str(row["VpcEndpointId"]), fields))

    def create(self, aws: Aws, stack: Stack, resource: Resource) -> Attributes:
        """Create one."""
        asked = {
            field: sorted(cast("Mapping[str, str]", value).values()) if field in _MEMBERS else value
            for field, value in resource.fields.items()
        }
        tags = self.birth(stack, resource)
        answer = heard(aws, "create_vpc_endpoint", idempotent=False, TagSpecifications=tags, **asked)
        return self._attributes(aws, str(answer["VpcEndpoint"]["VpcEndpointId"]), resource.fields)

    def change(self, aws: Aws, stack: Stack, resource: Resource, before: Observed, paths: frozenset[str]) -> Attributes:
        """Give and take subnets, groups and route tables; open its policy; switch its private DNS names on."""
        asked: dict[str, Any] = {}
        for field in _MEMBERS:
            want = set(cast("Mapping[str, str]", resource.fields.get(field) or {}).values())
            there = set(cast("Mapping[str, str]", before.fields.get(field) or {}).values())
            asked[f"Add{field}"] = sorted(want - there) or None
            asked[f"Remove{field}"] = sorted(there - want) or None
        if "PrivateDnsEnabled" in paths:
            asked["PrivateDnsEnabled"] = resource.fields.get("PrivateDnsEnabled")
        if "PolicyDocument" in paths:
            asked["PolicyDocument"] = json.dumps({"Version": "2008-10-17", "Statement": [_OPEN]})
        aws.call("ec2", "modify_vpc_endpoint", idempotent=True, VpcEndpointId=before.attributes["id"], **asked)
        return before.attributes

    def delete(self, aws: Aws, stack: Stack, before: Observed) -> None:
        """Begin to delete one."""
        asked: dict[str, Any] = {"VpcEndpointIds": [before.attributes["id"]]}
        answer = quiet(lambda: aws.call("ec2", "delete_vpc_endpoints", idempotent=True, **asked))
        unsuccessful(answer or {}, "ec2:DeleteVpcEndpoints")

    def waiting(self, aws: Aws, stack: Stack, attributes: Attributes) -> str:
        """Return whether it is still being made.

        Raises:
            DeployError: AWS could not make it.
        """
        row = self.row(aws, attributes["id"]) or {}
        state = str(row.get("State", "not heard of"))
        if state.lower() in ("failed", "rejected", "expired"):
            said = str((row.get("LastError") or {}).get("Message", ""))
            hint = "apply again: a failed endpoint is replaced"
            raise DeployError(f"VPC endpoint {attributes['id']} is {state}", where={"aws": said}, hint=hint)
        return "" if state.lower() == "available" else f"the endpoint is {state}"

    def leaving(self, aws: Aws, stack: Stack, before: Observed) -> str:
        """Return whether it is still being deleted: until then its network interfaces hold subnets and group."""
        row = self.row(aws, before.attributes["id"]) or {}
        state = str(row.get("State", "deleted"))
        return "" if state.lower() == "deleted" else f"the endpoint is {state}"

    def _attributes(self, aws: Aws, identity: str, fields: Fields) -> Attributes:
        """Return the id and, of a gateway, the prefix list of the addresses that it leads to."""
        if fields.get("VpcEndpointType") != "Gateway":
            return {"id": identity}
        asked: Any = [{"Name": "prefix-list-name", "Values": [fields.get("ServiceName")]}]
        found = next(aws.pages("ec2", "describe_prefix_lists", "PrefixLists", Filters=asked), None)
        return {"id": identity, **({"prefix_list": str(found["PrefixListId"])} if found else {})}


def _refs(kind: str, names: Iterable[str]) -> Fields:
    return {name: Ref(f"{kind}.{name}") for name in names}


def _members(row: Mapping[str, Any]) -> dict[str, list[str]]:
    return {
        "SubnetIds": list(row.get("SubnetIds") or ()),
        "SecurityGroupIds": [str(group["GroupId"]) for group in row.get("Groups") or ()],
        "RouteTableIds": list(row.get("RouteTableIds") or ()),
    }


def _policy(text: str | None) -> str | None:
    """Return a policy, one way to write it; None when it lets everybody do everything."""
    if not text:
        return None
    policy = json.loads(text)
    statements = policy.get("Statement")
    if [{k: v for k, v in one.items() if k != "Sid"} for one in statements or ()] == [_OPEN]:
        return None
    return json.dumps(policy, sort_keys=True)


KIND = VpcEndpointKind()
