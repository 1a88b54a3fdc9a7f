"""Security groups: one for the load balancer, the database, the endpoints and each service.

What they let through is `security_group_rules`, a kind of its own because groups refer to each other.
"""

from __future__ import annotations

from collections.abc import Iterable

from obskit.deploy.aws import Aws, quiet
from obskit.deploy.errors import AwsError, DeployError
from obskit.deploy.resource import Attributes, Fields, Observed, Place, Ref, Resource, Stack
from obskit.deploy.resources._ec2 import Ec2Kind, heard
from obskit.deploy.resources._rules import DIRECTIONS, PERMISSIONS, flat_rules, reconcile, revoke
from obskit.deploy.services import services
from obskit.deploy.spec import StackSpec

#: How EC2's filters call a rule, by direction.
_FILTERS = {"ingress": "ip-permission.group-id", "egress": "egress.ip-permission.group-id"}


class SecurityGroupKind(Ec2Kind):
    """Who belongs together in the eyes of the firewall. It begins closed, both ways."""

    name = "security_group"
    needs = ("vpc",)
    type = "security-group"
    listing = ("describe_security_groups", "SecurityGroups", "GroupId")
    replace_on = ("VpcId", "GroupName", "Description")

    def wanted(self, spec: StackSpec, place: Place) -> Iterable[Resource]:
        """Yield the groups. A description cannot be changed, so it says nothing that might."""
        shared = ["alb"]
        shared += ["database"] if spec.database else []
        shared += ["endpoints"] if spec.network.endpoints else []
        named = [(name, "") for name in shared]
        named += [(service.name, service.name) for service in services(spec, place)]
        for name, service in named:
            fields: Fields = {
                "VpcId": Ref("vpc.main"),
                "GroupName": spec.full(name),
                "Description": f"{name} of stack {spec.name}",
            }
            yield Resource(kind=self.name, name=name, fields=fields, service=service)

    def observe(self, aws: Aws, stack: Stack) -> Iterable[Observed]:
        """Yield all groups."""
        for name, tags, row in self.rows(aws, stack):
            fields = {field: row.get(field) for field in self.replace_on}
            yield self.seen(name, tags, fields, {"id": str(row["GroupId"])})

    def create(self, aws: Aws, stack: Stack, resource: Resource) -> Attributes:
        """Create one and close it: EC2 makes groups that let everything out.

        Raises:
            DeployError: Somebody else has a group of that name in the VPC.
        """
        asked = {field: resource.fields[field] for field in self.replace_on}
        tags = self.birth(stack, resource)
        try:
            answer = heard(aws, "create_security_group", idempotent=False, TagSpecifications=tags, **asked)
        except AwsError as error:
            if error.code != "InvalidGroup.Duplicate":
                raise
            where = {"name": str(asked["GroupName"]), "vpc": str(asked["VpcId"])}
            hint = "delete that group, or give the stack another name"
            raise DeployError(
                "a security group that is not the stack's bears its name", where=where, hint=hint
            ) from error
        identity = str(answer["GroupId"])
        reconcile(aws, heard(aws, "describe_security_groups", GroupIds=[identity])["SecurityGroups"][0])
        return {"id": identity}

    def delete(self, aws: Aws, stack: Stack, before: Observed) -> None:
        """Delete one, once the network interfaces that bear it are gone. The stack's rules about it go before."""
        identity = before.attributes["id"]
        ours = self.names(aws, stack)
        for direction in DIRECTIONS:
            asked = [{"Name": _FILTERS[direction], "Values": [identity]}]
            for row in aws.pages("ec2", "describe_security_groups", "SecurityGroups", Filters=asked):
                about = [
                    flat for flat in flat_rules(row.get(PERMISSIONS[direction])) if flat.get("GroupId") == identity
                ]
                if row["GroupId"] in ours:
                    revoke(aws, direction, str(row["GroupId"]), about)
        quiet(lambda: aws.call("ec2", "delete_security_group", idempotent=True, settle=True, GroupId=identity))


KIND = SecurityGroupKind()
