"""The queue of events and the queue of what EventBridge could not deliver."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from obskit.deploy.aws import Aws
from obskit.deploy.errors import DeployError
from obskit.deploy.resource import Resource, Stack
from obskit.deploy.resources.queue import KIND
from obskit.deploy.spec import StackSpec
from tests.support.kinds import all_seen, delete, made, mended, paths_that_differ, ready, seen
from tests.support.stack import ACCOUNT, PLACE

pytestmark = pytest.mark.usefixtures("data_as_aws")


@pytest.fixture
def wanted(spec: StackSpec) -> dict[str, Resource]:
    """Return the wanted queues by name."""
    return {one.name: one for one in KIND.wanted(spec, PLACE)}


@pytest.mark.parametrize("name", ["events", "events-dead"])
def test_the_stacks_rule_alone_may_send(name: str, wanted: dict[str, Resource]) -> None:
    """EventBridge needs it for the second queue as well; both refuse what does not come by TLS."""
    policy: Any = wanted[name].fields["Policy"]
    arn = f"arn:aws:sqs:eu-west-1:{ACCOUNT}:shop-{name}"
    assert policy["Statement"]["Events"] == {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": f"arn:aws:events:eu-west-1:{ACCOUNT}:rule/shop-ecs"}},
    }
    assert policy["Statement"]["DenyWithoutTls"]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_reading_an_event_again_and_again_does_not_move_it_away(wanted: dict[str, Resource]) -> None:
    """The queue of events has no redrive policy, and none is kept that somebody adds."""
    assert wanted["events"].fields.get("RedrivePolicy") is None


def test_what_was_created_is_what_was_wanted(aws: Aws, stack: Stack, wanted: dict[str, Resource]) -> None:
    """For both."""
    for resource in wanted.values():
        made(KIND, aws, stack, resource)
        assert paths_that_differ(KIND, aws, stack, resource) == frozenset()
    assert set(all_seen(KIND, aws, stack)) == {"events", "events-dead"}


def attributes(**given: str) -> Callable[[Aws, str], Any]:
    """Return what sets attributes of a queue by hand."""
    return lambda aws, url: aws.call("sqs", "set_queue_attributes", QueueUrl=url, Attributes=given)


def _open(aws: Aws, url: str) -> None:
    policy = json.loads(
        aws.call("sqs", "get_queue_attributes", QueueUrl=url, AttributeNames=["Policy"])["Attributes"]["Policy"]
    )
    policy["Statement"].append({"Sid": "All", "Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": "*"})
    attributes(Policy=json.dumps(policy))(aws, url)


REDRIVE = json.dumps({"deadLetterTargetArn": f"arn:aws:sqs:eu-west-1:{ACCOUNT}:shop-events-dead", "maxReceiveCount": 3})
DRIFTS: dict[str, tuple[Callable[[Aws, str], Any], set[str]]] = {
    "kept for a shorter time": (attributes(MessageRetentionPeriod="60"), {"MessageRetentionPeriod"}),
    "hidden for longer": (attributes(VisibilityTimeout="600"), {"VisibilityTimeout"}),
    "delivered later": (attributes(DelaySeconds="60"), {"DelaySeconds"}),
    "not encrypted": (attributes(SqsManagedSseEnabled="false"), {"SqsManagedSseEnabled"}),
    "encrypted with somebody's key": (attributes(KmsMasterKeyId="alias/mine"), {"KmsMasterKeyId"}),
    "a redrive policy": (attributes(RedrivePolicy=REDRIVE), {"RedrivePolicy"}),
    "open to all": (_open, {"Policy.Statement.All"}),
    "no policy": (attributes(Policy=""), {"Policy"}),
}


@pytest.mark.parametrize("drift", DRIFTS)
def test_a_change_by_hand_is_seen_at_its_path_and_mended(
    drift: str, aws: Aws, stack: Stack, wanted: dict[str, Resource]
) -> None:
    """What loses, hides, moves or lets in messages is seen."""
    act, paths = DRIFTS[drift]
    made(KIND, aws, stack, wanted["events-dead"])
    url = made(KIND, aws, stack, wanted["events"]).attributes["url"]
    act(aws, url)
    assert paths == paths_that_differ(KIND, aws, stack, wanted["events"])
    assert mended(KIND, aws, stack, wanted["events"]) == frozenset()


def test_a_queue_of_somebody_else_is_not_touched(aws: Aws, stack: Stack, wanted: dict[str, Resource]) -> None:
    """Its messages are somebody's."""
    aws.call("sqs", "create_queue", QueueName="shop-events")
    with pytest.raises(DeployError, match="not this stack's"):
        KIND.create(aws, stack, ready(wanted["events"], stack))
    assert all_seen(KIND, aws, stack) == {}


def test_creating_what_is_there_already_brings_it_to_what_is_wanted(
    aws: Aws, stack: Stack, wanted: dict[str, Resource]
) -> None:
    """SQS refuses to create one again with other attributes."""
    url = made(KIND, aws, stack, wanted["events"]).attributes["url"]
    attributes(VisibilityTimeout="600")(aws, url)
    made(KIND, aws, stack, wanted["events"])
    assert paths_that_differ(KIND, aws, stack, wanted["events"]) == frozenset()


def test_deleting_twice_is_no_error(aws: Aws, stack: Stack, wanted: dict[str, Resource]) -> None:
    """The second finds nothing."""
    made(KIND, aws, stack, wanted["events"])
    delete(KIND, aws, stack, "events")
    assert all_seen(KIND, aws, stack) == {}


def test_another_stacks_queues_are_not_seen(aws: Aws, stack: Stack, wanted: dict[str, Resource]) -> None:
    """Names alone do not make one ours."""
    made(KIND, aws, replace(stack, name="shop2"), wanted["events"])
    aws.call("sqs", "create_queue", QueueName="shop-events", tags={"obskit:stack": "other"})
    assert all_seen(KIND, aws, stack) == {}


def test_new_tags_are_written(aws: Aws, stack: Stack, wanted: dict[str, Resource]) -> None:
    """`retag` leaves other tags alone."""
    before = made(KIND, aws, stack, wanted["events"])
    KIND.retag(aws, stack, before, {"owner": "somebody"})
    assert seen(KIND, aws, stack, "events").tags == {**(before.tags or {}), "owner": "somebody"}
