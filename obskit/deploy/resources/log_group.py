"""The stack's log groups in CloudWatch: of each service, of ECS's events, of Container Insights, of flow logs.

Lines of services and of events are evidence that nobody else has: their groups are kept like data. Numbers
of Container Insights and flow logs go with what they are about.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from obskit.deploy.aws import Aws, quiet
from obskit.deploy.errors import AwsError, DeployError
from obskit.deploy.resource import STACK_TAG, Attributes, Fields, Kind, Observed, Place, Resource, Stack, touched
from obskit.deploy.resources import cluster
from obskit.deploy.resources._names import events_group, flow_group, insights_group, service_group
from obskit.deploy.resources._tags import name_of
from obskit.deploy.services import FargateService, services
from obskit.deploy.spec import StackSpec

_CLASS: Final = "STANDARD"  # the other class has neither metric filters nor live tail
_INSIGHTS: Final = "insights"
_FLOWS: Final = "flow-logs"
_NO_EVIDENCE: Final = (_INSIGHTS, _FLOWS)


class LogGroupKind(Kind):
    """A log group: how long it keeps lines, and in which class."""

    name = "log_group"
    replace_on = ("logGroupClass",)
    goes_freely = True  # its name and ARN stay the same

    def wanted(self, spec: StackSpec, place: Place) -> Iterable[Resource]:
        """Yield the groups of all services and of the stack."""
        return groups(spec, services(spec, place))

    def observe(self, aws: Aws, stack: Stack) -> Iterator[Observed]:
        """Yield the groups that begin as the stack's do and bear its tag.

        Container Insights makes its group itself where there is none, and again when it has one more line
        after that was deleted, some minutes after the cluster. One without tags is the stack's while the stack
        has its cluster; after that, it is nobody's: the next ``apply`` takes it over, ``destroy`` leaves it.
        """
        prefixes = (service_group(stack.name, ""), events_group(stack.name), insights_group(stack.name))
        for prefix in prefixes:
            for row in list(aws.pages("logs", "describe_log_groups", "logGroups", logGroupNamePrefix=prefix)):
                group = str(row["logGroupName"])
                tags = _tags(aws, stack, group)
                if tags is None:
                    continue
                name = name_of(self.name, tags, stack)
                if group == insights_group(stack.name) and STACK_TAG not in tags and _has_cluster(aws, stack):
                    name = _INSIGHTS
                if name:
                    yield Observed(
                        kind=self.name,
                        name=name,
                        fields=_observed(row),
                        attributes=_attributes(stack, group),
                        tags=tags,
                        keeps_data=name not in _NO_EVIDENCE,
                    )

    def create(self, aws: Aws, stack: Stack, resource: Resource) -> Attributes:
        """Create a group with its tags, then its retention.

        Raises:
            DeployError: There is a group of that name which is not this stack's.
        """
        fields, group = resource.fields, str(resource.fields["logGroupName"])
        try:
            aws.call(
                "logs",
                "create_log_group",
                logGroupName=group,
                logGroupClass=fields["logGroupClass"],
                tags=dict(resource.tags),
            )
        except AwsError as error:
            if error.code != "ResourceAlreadyExistsException":
                raise
            self._take(aws, stack, resource, group)
        _keep(aws, group, fields)
        return _attributes(stack, group)

    def _take(self, aws: Aws, stack: Stack, resource: Resource, group: str) -> None:
        """Go on with a group that exists.

        Raises:
            DeployError: It is not this stack's.
        """
        tags = _tags(aws, stack, group) or {}
        if STACK_TAG not in tags and resource.name == _INSIGHTS:
            _tag(aws, stack, group, resource.tags)
        elif name_of(self.name, tags, stack) is None:
            raise DeployError(
                f"the log group {group} exists and is not this stack's",
                where={"group": group, "stack": stack.name},
                hint="delete it, or give the stack another name",
            )

    def foreseen(self, resource: Resource) -> Attributes:
        """Return its name."""
        return {"name": str(resource.fields["logGroupName"])}

    def change(self, aws: Aws, stack: Stack, resource: Resource, before: Observed, paths: frozenset[str]) -> Attributes:
        """Mend retention and key."""
        group = before.attributes["name"]
        if touched(paths, "retentionInDays"):
            _keep(aws, group, resource.fields)
        if touched(paths, "kmsKeyId"):
            aws.call("logs", "disassociate_kms_key", idempotent=True, logGroupName=group)
        return before.attributes

    def retag(self, aws: Aws, stack: Stack, before: Observed, tags: Mapping[str, str]) -> None:
        """Write tags."""
        _tag(aws, stack, before.attributes["name"], tags)

    def delete(self, aws: Aws, stack: Stack, before: Observed) -> None:
        """Delete a group with its lines."""
        group = before.attributes["name"]
        quiet(lambda: aws.call("logs", "delete_log_group", idempotent=True, logGroupName=group))


def groups(spec: StackSpec, found: Iterable[FargateService]) -> Iterator[Resource]:
    """Yield the log groups of a stack.

    Args:
        spec: The stack.
        found: Its services.
    """
    days = spec.telemetry.log_days
    for service in found:
        yield _group(service.name, service_group(spec.name, service.name), days, service=service.name)
    yield _group("events", events_group(spec.name), days)
    if spec.telemetry.insights != "disabled":
        yield _group(_INSIGHTS, insights_group(spec.name), days)
    if spec.network.flow_logs:
        yield _group(_FLOWS, flow_group(spec.name), days)


def _group(name: str, group: str, days: int, service: str = "") -> Resource:
    fields: Fields = {"kmsKeyId": None, "logGroupClass": _CLASS, "logGroupName": group, "retentionInDays": days}
    return Resource(kind=LogGroupKind.name, name=name, fields=fields, service=service)


def _observed(row: Mapping[str, Any]) -> Fields:
    days = row.get("retentionInDays")
    return {
        "kmsKeyId": row.get("kmsKeyId"),
        "logGroupClass": row.get("logGroupClass", _CLASS),
        "logGroupName": row["logGroupName"],
        "retentionInDays": None if days is None else int(days),
    }


def _attributes(stack: Stack, group: str) -> Attributes:
    return {"arn": _arn(stack, group), "name": group}


def _arn(stack: Stack, group: str) -> str:
    """Return the ARN without the ``:*`` that describing adds to it."""
    return stack.place.arn("logs", f"log-group:{group}")


def _has_cluster(aws: Aws, stack: Stack) -> bool:
    return any(True for _ in cluster.KIND.observe(aws, stack))


def _tags(aws: Aws, stack: Stack, group: str) -> dict[str, str] | None:
    """Return a group's tags; None where it has just been deleted."""
    answer = quiet(lambda: aws.call("logs", "list_tags_for_resource", resourceArn=_arn(stack, group)))
    return None if answer is None else dict(answer.get("tags") or {})


def _tag(aws: Aws, stack: Stack, group: str, tags: Mapping[str, str]) -> None:
    aws.call("logs", "tag_resource", idempotent=True, resourceArn=_arn(stack, group), tags=dict(tags))


def _keep(aws: Aws, group: str, fields: Fields) -> None:
    days = fields["retentionInDays"]
    aws.call("logs", "put_retention_policy", idempotent=True, logGroupName=group, retentionInDays=days)


KIND = LogGroupKind()
