"""The rule that sends ECS's events of this cluster to the queue and to the log group."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from obskit.deploy.aws import Aws
from obskit.deploy.errors import DeployError
from obskit.deploy.resource import Resource, Stack
from obskit.deploy.resources import log_group, log_policy, queue
from obskit.deploy.resources.event_rule import KIND
from obskit.deploy.spec import StackSpec
from tests.support.kinds import (
    Known,
    all_seen,
    delete,
    made,
    mended,
    paths_that_differ,
    ready,
    seen,
)
from tests.support.stack import ACCOUNT, PLACE

SERVICE = f"arn:aws:ecs:eu-west-1:{ACCOUNT}:service"
TASK = f"arn:aws:ecs:eu-west-1:{ACCOUNT}:task"


@pytest.fixture
def wanted(spec: StackSpec) -> Resource:
    """Return the wanted rule."""
    (resource,) = KIND.wanted(spec, PLACE)
    return resource


@pytest.fixture
def known(aws: Aws, stack: Stack, spec: StackSpec) -> Known:
    """Create the queues and the log group, and return what is known of them."""
    known: dict[str, Any] = {}
    for resource in (
        *queue.KIND.wanted(spec, PLACE),
        *log_group.groups(spec, ()),
        *log_policy.KIND.wanted(spec, PLACE),
    ):
        kind = {one.name: one for one in (queue.KIND, log_group.KIND, log_policy.KIND)}[resource.kind]
        known[resource.address] = kind.create(aws, stack, ready(resource, stack))
    return known


def test_what_was_created_is_what_was_wanted(aws: Aws, stack: Stack, wanted: Resource, known: Known) -> None:
    """With both targets, each with the queue for what could not be delivered."""
    made(KIND, aws, stack, wanted, known)
    assert paths_that_differ(KIND, aws, stack, wanted, known) == frozenset()
    rows = aws.call("events", "list_targets_by_rule", Rule="shop-ecs")["Targets"]
    dead = {"Arn": f"arn:aws:sqs:eu-west-1:{ACCOUNT}:shop-events-dead"}
    assert {row["Id"]: row["DeadLetterConfig"] for row in rows} == {"queue": dead, "log-group": dead}


EVENTS = {
    "a task of the cluster": ("ECS Task State Change", f"{TASK}/shop/0123", True),
    "a service of the cluster": ("ECS Service Action", f"{SERVICE}/shop/demo-app", True),
    "a deployment in the cluster": ("ECS Deployment State Change", f"{SERVICE}/shop/demo-app", True),
    "a task of another cluster": ("ECS Task State Change", f"{TASK}/other/0123", False),
    "a deployment in a cluster that begins alike": ("ECS Deployment State Change", f"{SERVICE}/shop2/demo-app", False),
    "another sort of event": ("ECS Container Instance State Change", f"{TASK}/shop/0123", False),
}


@pytest.mark.parametrize("event", EVENTS)
def test_events_of_this_cluster_and_no_other_arrive(
    event: str, aws: Aws, stack: Stack, wanted: Resource, known: Known
) -> None:
    """Those of deployments name no cluster but in the service's ARN. They arrive in queue and group."""
    made(KIND, aws, stack, wanted, known)
    sort, arn, arrives = EVENTS[event]
    entry = {"Source": "aws.ecs", "DetailType": sort, "Resources": [arn], "Detail": json.dumps({"version": 1})}
    aws.call("events", "put_events", Entries=[entry])
    got = aws.call("sqs", "receive_message", QueueUrl=known["queue.events"]["url"]).get("Messages", [])
    assert [json.loads(one["Body"])["resources"] for one in got] == ([[arn]] if arrives else [])
    lines = aws.call("logs", "filter_log_events", logGroupName="/aws/events/shop")["events"]
    assert len(lines) == arrives


def _pattern(aws: Aws, change: Callable[[dict[str, Any]], Any]) -> None:
    pattern = json.loads(aws.call("events", "describe_rule", Name="shop-ecs")["EventPattern"])
    change(pattern)
    words = "Tasks, services and deployments of shop"
    aws.call("events", "put_rule", Name="shop-ecs", EventPattern=json.dumps(pattern), Description=words)


def _target(aws: Aws, **given: Any) -> None:
    rows = {row["Id"]: row for row in aws.call("events", "list_targets_by_rule", Rule="shop-ecs")["Targets"]}
    row = {key: value for key, value in {**rows["queue"], **given}.items() if value is not None}
    aws.call("events", "put_targets", Rule="shop-ecs", Targets=[row])


DRIFTS: dict[str, tuple[Callable[[Aws], Any], set[str]]] = {
    "switched off": (lambda aws: aws.call("events", "disable_rule", Name="shop-ecs"), {"State"}),
    "one sort of event less": (
        lambda aws: _pattern(aws, lambda pattern: pattern["detail-type"].pop()),
        {"EventPattern.detail-type"},
    ),
    "only stopped tasks": (
        lambda aws: _pattern(aws, lambda pattern: pattern.update(detail={"lastStatus": ["STOPPED"]})),
        {"EventPattern.detail"},
    ),
    "the same in another order": (
        lambda aws: _pattern(aws, lambda pattern: [one.reverse() for one in pattern.values()]),
        set(),
    ),
    "a target went": (
        lambda aws: aws.call("events", "remove_targets", Rule="shop-ecs", Ids=["queue"]),
        {"Targets.queue"},
    ),
    "a target more": (
        lambda aws: aws.call(
            "events",
            "put_targets",
            Rule="shop-ecs",
            Targets=[{"Id": "rogue", "Arn": f"arn:aws:sqs:eu-west-1:{ACCOUNT}:theirs"}],
        ),
        {"Targets.rogue"},
    ),
    "no queue for what cannot be delivered": (
        lambda aws: _target(aws, DeadLetterConfig=None),
        {"Targets.queue.DeadLetterConfig"},
    ),
    "a part of the event alone": (lambda aws: _target(aws, InputPath="$.detail"), {"Targets.queue.InputPath"}),
    "AWS's own retries, written down": (
        lambda aws: _target(aws, RetryPolicy={"MaximumRetryAttempts": 185, "MaximumEventAgeInSeconds": 86400}),
        set(),
    ),
}


@pytest.mark.parametrize("drift", DRIFTS)
def test_a_change_by_hand_is_seen_at_its_path_and_mended(
    drift: str, aws: Aws, stack: Stack, wanted: Resource, known: Known
) -> None:
    """What loses or leaks events is seen."""
    act, paths = DRIFTS[drift]
    made(KIND, aws, stack, wanted, known)
    act(aws)
    assert paths == paths_that_differ(KIND, aws, stack, wanted, known)
    assert mended(KIND, aws, stack, wanted, known) == frozenset()


def test_a_rule_of_somebody_else_is_not_overwritten(aws: Aws, stack: Stack, wanted: Resource, known: Known) -> None:
    """EventBridge itself would do it without a word."""
    aws.call("events", "put_rule", Name="shop-ecs", EventPattern='{"source":["mine"]}')
    with pytest.raises(DeployError, match="not this stack's"):
        KIND.create(aws, stack, ready(wanted, stack, known))
    assert all_seen(KIND, aws, stack) == {}


def test_an_interrupted_creation_goes_on(aws: Aws, stack: Stack, wanted: Resource, known: Known) -> None:
    """The rule may be there without its targets."""
    made(KIND, aws, stack, wanted, known)
    aws.call("events", "remove_targets", Rule="shop-ecs", Ids=["queue", "log-group"])
    made(KIND, aws, stack, wanted, known)
    assert paths_that_differ(KIND, aws, stack, wanted, known) == frozenset()


def test_deleting_takes_all_targets_along(aws: Aws, stack: Stack, wanted: Resource, known: Known) -> None:
    """EventBridge refuses to delete a rule with targets; that there is none any more is no error."""
    made(KIND, aws, stack, wanted, known)
    DRIFTS["a target more"][0](aws)
    delete(KIND, aws, stack, "ecs")
    assert all_seen(KIND, aws, stack) == {}


def test_another_stacks_rule_is_not_seen(aws: Aws, stack: Stack, wanted: Resource, known: Known) -> None:
    """It has another name."""
    made(KIND, aws, replace(stack, name="shop2"), wanted, known)
    assert all_seen(KIND, aws, stack) == {}


def test_new_tags_are_written(aws: Aws, stack: Stack, wanted: Resource, known: Known) -> None:
    """`retag` leaves other tags alone."""
    before = made(KIND, aws, stack, wanted, known)
    KIND.retag(aws, stack, before, {"owner": "somebody"})
    assert seen(KIND, aws, stack, "ecs").tags == {**(before.tags or {}), "owner": "somebody"}
