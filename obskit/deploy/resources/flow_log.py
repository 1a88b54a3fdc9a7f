"""The VPC's flow log: rejected connections, in a log group (CKV2_AWS_11)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from obskit.deploy.aws import Aws, quiet
from obskit.deploy.errors import AwsError, DeployError
from obskit.deploy.resource import Attributes, Fields, Observed, Place, Ref, Resource, Stack
from obskit.deploy.resources._ec2 import Ec2Kind, unsuccessful
from obskit.deploy.spec import StackSpec

_CALL = "ec2:CreateFlowLogs"
#: What EC2 says while IAM has not yet heard of the role everywhere.
_SETTLING = ("Access", "InvalidParameter")


class FlowLogKind(Ec2Kind):
    """What EC2 writes down of the VPC's connections. Nothing of it can be changed."""

    name = "flow_log"
    needs = ("vpc", "role", "log_group")
    type = "vpc-flow-log"
    listing = ("describe_flow_logs", "FlowLogs", "FlowLogId")
    filter_argument = "Filter"
    replace_on = ("ResourceId", "TrafficType", "LogDestinationType", "LogGroupName", "DeliverLogsPermissionArn")

    def wanted(self, spec: StackSpec, place: Place) -> Iterable[Resource]:
        """Yield the one log, if the network wants it."""
        if spec.network.flow_logs:
            fields: Fields = {
                "ResourceId": Ref("vpc.main"),
                "TrafficType": "REJECT",
                "LogDestinationType": "cloud-watch-logs",
                "LogGroupName": Ref("log_group.flow-logs", "name"),
                "DeliverLogsPermissionArn": Ref("role.flow-logs", "arn"),
            }
            yield Resource(kind=self.name, name="main", fields=fields)

    def observe(self, aws: Aws, stack: Stack) -> Iterable[Observed]:
        """Yield it."""
        for name, tags, row in self.rows(aws, stack):
            fields = {field: row.get(field) for field in self.replace_on}
            yield self.seen(name, tags, fields, {"id": str(row["FlowLogId"])})

    def create(self, aws: Aws, stack: Stack, resource: Resource) -> Attributes:
        """Create it.

        Raises:
            DeployError: There is one that writes the same to the same place and is not the stack's.
        """
        asked: dict[str, Any] = {field: resource.fields[field] for field in self.replace_on if field != "ResourceId"}
        asked |= {"ResourceType": "VPC", "ResourceIds": [resource.fields["ResourceId"]]}
        began = aws.monotonic()
        while True:
            try:
                answer = aws.call("ec2", "create_flow_logs", TagSpecifications=self.birth(stack, resource), **asked)
                unsuccessful(answer, _CALL)
            except AwsError as error:
                if error.code == "FlowLogAlreadyExists":
                    raise _taken(asked) from error
                if not error.code.startswith(_SETTLING) or aws.monotonic() - began > aws.settle_seconds:
                    raise
                aws.sleep(5.0)
                continue
            return {"id": str(answer["FlowLogIds"][0])}

    def delete(self, aws: Aws, stack: Stack, before: Observed) -> None:
        """Delete it; what it wrote stays in the log group."""
        identities = [before.attributes["id"]]
        answer = quiet(lambda: aws.call("ec2", "delete_flow_logs", idempotent=True, FlowLogIds=identities))
        unsuccessful(answer or {}, "ec2:DeleteFlowLogs")


def _taken(asked: dict[str, Any]) -> DeployError:
    where = {"vpc": str(asked["ResourceIds"][0]), "log group": str(asked["LogGroupName"])}
    return DeployError(
        "a flow log that is not the stack's is in the way", where=where, hint="delete it, then apply again"
    )


KIND = FlowLogKind()
