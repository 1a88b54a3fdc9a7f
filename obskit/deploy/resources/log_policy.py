"""Lets EventBridge write ECS's events into their log group. CloudWatch Logs has ten such policies a region."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from obskit.deploy.aws import Aws, quiet
from obskit.deploy.errors import DeployError
from obskit.deploy.resource import Attributes, Kind, Observed, Place, Resource, Stack, Value
from obskit.deploy.resources import _iam
from obskit.deploy.resources._names import events_group, rule_arn
from obskit.deploy.spec import StackSpec

_NAME: Final = "events"


class LogPolicyKind(Kind):
    """A resource policy of CloudWatch Logs, found by the stack's exact name.

    It bears no tags: one that speaks neither of the stack's group nor of its rule is somebody else's.
    """

    name = "log_policy"
    needs = ("log_group",)

    def wanted(self, spec: StackSpec, place: Place) -> Iterator[Resource]:
        """Yield the policy for the group of events."""
        document = _document(spec.name, place)
        yield Resource(kind=self.name, name=_NAME, fields={"policyDocument": document}, after=("log_group.events",))

    def observe(self, aws: Aws, stack: Stack) -> Iterator[Observed]:
        """Yield the policy of the stack's name."""
        for row in _named(aws, stack):
            if _ours(row, stack):
                fields: dict[str, Value] = {"policyDocument": _iam.read(row["policyDocument"])}
                yield Observed(kind=self.name, name=_NAME, fields=fields, attributes={"name": stack.full(_NAME)})

    def create(self, aws: Aws, stack: Stack, resource: Resource) -> Attributes:
        """Put the policy; putting it twice does no harm.

        Raises:
            DeployError: There is a policy of that name which is not this stack's.
        """
        name = stack.full(resource.name)
        if not all(_ours(row, stack) for row in _named(aws, stack)):
            # Putting it would overwrite theirs without a word.
            raise DeployError(
                f"the resource policy {name} of CloudWatch Logs exists and is not this stack's",
                where={"policy": name, "stack": stack.name},
                hint="look at it by `aws logs describe-resource-policies`; rename it, or give the stack another name",
            )
        document = _iam.written(resource.fields["policyDocument"])
        aws.call("logs", "put_resource_policy", idempotent=True, policyName=name, policyDocument=document)
        return {"name": name}

    def change(self, aws: Aws, stack: Stack, resource: Resource, before: Observed, paths: frozenset[str]) -> Attributes:
        """Put the policy over the old one."""
        return self.create(aws, stack, resource)

    def delete(self, aws: Aws, stack: Stack, before: Observed) -> None:
        """Delete the policy."""
        name = before.attributes["name"]
        quiet(lambda: aws.call("logs", "delete_resource_policy", idempotent=True, policyName=name))


def _named(aws: Aws, stack: Stack) -> list[Mapping[str, Any]]:
    rows = aws.pages("logs", "describe_resource_policies", "resourcePolicies")
    return [row for row in rows if row.get("policyName") == stack.full(_NAME)]


def _ours(row: Mapping[str, Any], stack: Stack) -> bool:
    text = str(row.get("policyDocument", ""))
    return _streams(stack.name, stack.place) in text or rule_arn(stack.name, stack.place) in text


def _streams(stack: str, place: Place) -> str:
    return place.arn("logs", f"log-group:{events_group(stack)}:*")


def _document(stack: str, place: Place) -> dict[str, Value]:
    """Return the policy: streams are made without a word of the rule, lines are written by it alone.

    Source: "CloudWatch Logs resource policies" in EventBridge's user guide.
    """
    streams = _streams(stack, place)
    writers: Value = {"Service": ("delivery.logs.amazonaws.com", "events.amazonaws.com")}
    rule: Value = {"ArnEquals": {"aws:SourceArn": rule_arn(stack, place)}}
    return _iam.policy(
        [
            _iam.allow("CreateStreams", ["logs:CreateLogStream"], streams, Principal=writers),
            _iam.allow("WriteEvents", ["logs:PutLogEvents"], streams, Principal=writers, Condition=rule),
        ]
    )


KIND = LogPolicyKind()
