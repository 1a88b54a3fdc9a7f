"""The rule that sends ECS's events of this cluster, and of no other, to the queue and to the log group."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from obskit.deploy.aws import Aws, quiet
from obskit.deploy.errors import DeployError
from obskit.deploy.resource import Attributes, Fields, Kind, Observed, Place, Ref, Resource, Stack, Value, touched
from obskit.deploy.resources import _json
from obskit.deploy.resources._json import mapping
from obskit.deploy.resources._names import rule_arn, rule_name
from obskit.deploy.resources._tags import as_dict, as_list, name_of
from obskit.deploy.spec import StackSpec

_NAME: Final = "ecs"
_TYPES: Final = ("ECS Deployment State Change", "ECS Service Action", "ECS Task State Change")
#: What EventBridge does with a target that is not told otherwise.
_RETRIES: Final = {"MaximumRetryAttempts": 185, "MaximumEventAgeInSeconds": 86400}


class EventRuleKind(Kind):
    """A rule on the default bus with its targets."""

    name = "event_rule"
    needs = ("queue", "log_group", "log_policy")

    def wanted(self, spec: StackSpec, place: Place) -> Iterator[Resource]:
        """Yield the rule for ECS's events."""
        dead: Value = {"Arn": Ref("queue.events-dead", "arn")}
        fields: dict[str, Value] = {
            "Description": f"Tasks, services and deployments of {spec.name}",
            "EventPattern": _pattern(spec.name, place),
            "RoleArn": None,
            "ScheduleExpression": None,
            "State": "ENABLED",
            "Targets": {
                "log-group": {"Arn": Ref("log_group.events", "arn"), "DeadLetterConfig": dead},
                "queue": {"Arn": Ref("queue.events", "arn"), "DeadLetterConfig": dead},
            },
        }
        yield Resource(kind=self.name, name=_NAME, fields=fields, after=("log_policy.events",))

    def observe(self, aws: Aws, stack: Stack) -> Iterator[Observed]:
        """Yield the rule of the stack's name."""
        row = _described(aws, stack)
        if row is None:
            return
        tags = quiet(lambda: _tags(aws, stack))
        if tags is None or name_of(self.name, tags, stack) is None:
            return
        targets = quiet(lambda: _targets(aws, stack))
        if targets is not None:
            yield Observed(
                kind=self.name, name=_NAME, fields=_observed(row, targets), attributes=_attributes(stack), tags=tags
            )

    def create(self, aws: Aws, stack: Stack, resource: Resource) -> Attributes:
        """Put the rule with its tags, then its targets.

        Raises:
            DeployError: There is a rule of that name which is not this stack's, or a target was refused.
        """
        if _described(aws, stack) is not None and name_of(self.name, _tags(aws, stack), stack) is None:
            # Putting a rule would overwrite it without a word.
            raise DeployError(
                f"the rule {rule_name(stack.name)} exists and is not this stack's",
                where={"rule": rule_arn(stack.name, stack.place), "stack": stack.name},
                hint="delete it, or give the stack another name",
            )
        _put_rule(aws, stack, resource.fields, resource.tags)
        _put_targets(aws, stack, resource.fields, {})
        return _attributes(stack)

    def change(self, aws: Aws, stack: Stack, resource: Resource, before: Observed, paths: frozenset[str]) -> Attributes:
        """Put the rule and the targets that differ; remove other targets."""
        if touched(paths, "Description", "EventPattern", "RoleArn", "ScheduleExpression", "State"):
            _put_rule(aws, stack, resource.fields, None)
        if touched(paths, "Targets"):
            _put_targets(aws, stack, resource.fields, before.fields)
        return before.attributes

    def retag(self, aws: Aws, stack: Stack, before: Observed, tags: Mapping[str, str]) -> None:
        """Write tags."""
        arn = before.attributes["arn"]
        aws.call("events", "tag_resource", idempotent=True, ResourceARN=arn, Tags=as_list(tags))

    def delete(self, aws: Aws, stack: Stack, before: Observed) -> None:
        """Remove all targets, then the rule: EventBridge refuses to delete one that has targets."""
        targets = quiet(lambda: _targets(aws, stack))
        if targets:
            quiet(lambda: _remove(aws, stack, list(targets)))
        quiet(lambda: aws.call("events", "delete_rule", idempotent=True, Name=rule_name(stack.name)))


def _pattern(stack: str, place: Place) -> dict[str, Value]:
    """Return which events are meant.

    Events of tasks and services name the cluster; those of deployments name the service alone, in
    ``resources``. There all three have an ARN with the cluster's name in it, so it is asked there. (An old
    ARN of a task has no cluster in it, but cannot be tagged either, as the stack's tasks are.)
    """
    arns = [place.arn("ecs", f"{what}/{stack}/") for what in ("service", "task")]
    return {
        "detail-type": _TYPES,
        "resources": tuple({"prefix": arn} for arn in arns),
        "source": ("aws.ecs",),
    }


def _described(aws: Aws, stack: Stack) -> dict[str, Any] | None:
    row: dict[str, Any] | None = quiet(lambda: aws.call("events", "describe_rule", Name=rule_name(stack.name)))
    return row


def _tags(aws: Aws, stack: Stack) -> dict[str, str]:
    answer = aws.call("events", "list_tags_for_resource", ResourceARN=rule_arn(stack.name, stack.place))
    return as_dict(answer.get("Tags"))


def _targets(aws: Aws, stack: Stack) -> dict[str, Value]:
    """Return the targets by id, whatever they hold, without what EventBridge does anyway."""
    found: dict[str, Value] = {}
    for row in aws.pages("events", "list_targets_by_rule", "Targets", Rule=rule_name(stack.name)):
        target = {key: _json.fields(value) for key, value in row.items() if key != "Id"}
        if target.get("RetryPolicy") == _RETRIES:
            del target["RetryPolicy"]
        found[str(row["Id"])] = target
    return found


def _observed(row: Mapping[str, Any], targets: Mapping[str, Value]) -> dict[str, Value]:
    return {
        "Description": row.get("Description", ""),
        "EventPattern": _json.fields(json.loads(row["EventPattern"])) if row.get("EventPattern") else None,
        "RoleArn": row.get("RoleArn"),
        "ScheduleExpression": row.get("ScheduleExpression") or None,
        "State": row.get("State", "ENABLED"),
        "Targets": targets,
    }


def _put_rule(aws: Aws, stack: Stack, fields: Fields, tags: Mapping[str, str] | None) -> None:
    aws.call(
        "events",
        "put_rule",
        idempotent=True,
        Name=rule_name(stack.name),
        Description=fields["Description"],
        EventPattern=_json.compact(fields["EventPattern"]),
        State=fields["State"],
        Tags=None if tags is None else as_list(tags),
    )


def _put_targets(aws: Aws, stack: Stack, fields: Fields, before: Fields) -> None:
    wanted, old = mapping(fields["Targets"]), mapping(before.get("Targets"))
    if surplus := sorted(old.keys() - wanted.keys()):
        _remove(aws, stack, surplus)
    if rows := [{"Id": name, **mapping(target)} for name, target in wanted.items() if target != old.get(name)]:
        answer = aws.call("events", "put_targets", idempotent=True, Rule=rule_name(stack.name), Targets=rows)
        _check(answer, stack)


def _remove(aws: Aws, stack: Stack, ids: list[str]) -> None:
    answer = aws.call("events", "remove_targets", idempotent=True, Rule=rule_name(stack.name), Ids=ids)
    _check(answer, stack)


def _check(answer: Mapping[str, Any], stack: Stack) -> None:
    """Raise what EventBridge says in an answer that is no error."""
    for failed in answer.get("FailedEntries") or ():
        raise DeployError(
            f"EventBridge refused the target {failed.get('TargetId')} of the rule {rule_name(stack.name)}",
            where={"aws": f"{failed.get('ErrorCode')}: {failed.get('ErrorMessage')}"},
            hint="run the same command again to go on from here",
        )


def _attributes(stack: Stack) -> Attributes:
    return {"arn": rule_arn(stack.name, stack.place), "name": rule_name(stack.name)}


KIND = EventRuleKind()
