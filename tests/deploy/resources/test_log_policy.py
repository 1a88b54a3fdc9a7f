"""The policy by which EventBridge writes into the group of events."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from obskit.deploy.aws import Aws
from obskit.deploy.errors import DeployError
from obskit.deploy.resource import Resource, Stack
from obskit.deploy.resources.log_policy import KIND
from obskit.deploy.spec import StackSpec
from tests.support.kinds import all_seen, delete, made, mended, paths_that_differ
from tests.support.stack import ACCOUNT, PLACE

STREAMS = f"arn:aws:logs:eu-west-1:{ACCOUNT}:log-group:/aws/events/shop:*"


@pytest.fixture
def wanted(spec: StackSpec) -> Resource:
    """Return the wanted policy."""
    (resource,) = KIND.wanted(spec, PLACE)
    return resource


def test_lines_are_written_by_the_stacks_rule_alone(wanted: Resource) -> None:
    """Another rule of the account must not put lines among the evidence."""
    document: Any = wanted.fields["policyDocument"]
    write = document["Statement"]["WriteEvents"]
    assert {one["Resource"] for one in document["Statement"].values()} == {STREAMS}
    assert write["Condition"] == {"ArnEquals": {"aws:SourceArn": f"arn:aws:events:eu-west-1:{ACCOUNT}:rule/shop-ecs"}}
    assert write["Principal"] == {"Service": ("delivery.logs.amazonaws.com", "events.amazonaws.com")}


def test_what_was_created_is_what_was_wanted(aws: Aws, stack: Stack, wanted: Resource) -> None:
    """It bears no tags and is found by its name."""
    assert made(KIND, aws, stack, wanted).tags is None
    assert paths_that_differ(KIND, aws, stack, wanted) == frozenset()


@pytest.mark.parametrize(
    ("path", "hand"),
    [
        ("WriteEvents.Condition", {"Condition": None}),
        ("WriteEvents.Principal", {"Principal": "*"}),
        ("WriteEvents.Resource", {"Resource": ["*"]}),
    ],
)
def test_a_change_by_hand_is_seen_at_its_path_and_mended(
    path: str, hand: dict[str, Any], aws: Aws, stack: Stack, wanted: Resource
) -> None:
    """Whatever lets more in."""
    made(KIND, aws, stack, wanted)
    (row,) = aws.call("logs", "describe_resource_policies")["resourcePolicies"]
    document = json.loads(row["policyDocument"])
    (write,) = [one for one in document["Statement"] if one["Sid"] == "WriteEvents"]
    write |= hand
    document["Statement"] = [
        {key: value for key, value in one.items() if value is not None} for one in document["Statement"]
    ]
    aws.call("logs", "put_resource_policy", policyName="shop-events", policyDocument=json.dumps(document))
    assert paths_that_differ(KIND, aws, stack, wanted) == {f"policyDocument.Statement.{path}"}
    assert mended(KIND, aws, stack, wanted) == frozenset()


def test_deleting_twice_is_no_error(aws: Aws, stack: Stack, wanted: Resource) -> None:
    """The second finds nothing."""
    made(KIND, aws, stack, wanted)
    delete(KIND, aws, stack, "events")
    assert all_seen(KIND, aws, stack) == {}


def test_another_stacks_policy_is_not_seen(aws: Aws, stack: Stack, spec: StackSpec) -> None:
    """Only the exact name is the stack's."""
    (theirs,) = KIND.wanted(replace(spec, name="shop-2"), PLACE)
    made(KIND, aws, replace(stack, name="shop-2"), theirs)
    assert all_seen(KIND, aws, stack) == {}


def test_somebody_elses_policy_of_that_name_is_not_taken_over(aws: Aws, stack: Stack, wanted: Resource) -> None:
    """It bears no tags; what it speaks of says whose it is. Another service would lose its log without a word."""
    theirs = {"Effect": "Allow", "Principal": {"Service": "es.amazonaws.com"}, "Action": "logs:*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [theirs]})
    aws.call("logs", "put_resource_policy", policyName="shop-events", policyDocument=document)

    assert all_seen(KIND, aws, stack) == {}
    with pytest.raises(DeployError, match="not this stack's"):
        KIND.create(aws, stack, wanted)
    (row,) = aws.call("logs", "describe_resource_policies")["resourcePolicies"]
    assert json.loads(row["policyDocument"])["Statement"] == [theirs]
