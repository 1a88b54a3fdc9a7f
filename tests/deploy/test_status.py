"""How a stack is: every state of everything that is asked, in words that say what is so."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from obskit.deploy.aws import Aws
from obskit.deploy.errors import AwsError
from obskit.deploy.release import release
from obskit.deploy.resource import Observed, Stack
from obskit.deploy.status import Row, of_kind, status
from obskit.errors import UsageError
from tests.standins.fargate import exits
from tests.standins.fargate_faults import Injector
from tests.support.stack import PLACE, aws_here
from tests.support.standing import SERVICE, Standing, standing


@pytest.fixture
def shop() -> Iterator[Standing]:
    """Yield a stack that stands."""
    with standing() as found:
        found.fargate.advance(120)
        yield found


def rows(shop: Standing) -> dict[str, Row]:
    """Return the rows by address."""
    return {f"{row.kind}.{row.name}": row for row in status(shop.aws, shop.stack)}


def answering(aws: Aws, service: str, operation: str, answer: dict[str, Any]) -> None:
    """Let a call be answered by a test."""
    http = type("Http", (), {"status_code": 200})()
    meta = aws.client(service).meta
    name = meta.service_model.service_id.hyphenize()
    meta.events.register(f"before-call.{name}.{operation}", lambda **_: (http, answer))


def of(shop: Standing, **changes: Any) -> Row:
    """Return the row of the service where ECS says something else of it."""
    primary = {**shop.row["deployments"][0], **changes.pop("primary", {})}
    answer = {"services": [{**shop.row, "deployments": [primary], **changes}]}
    fresh = aws_here()
    answering(fresh, "ecs", "DescribeServices", answer)
    return next(row for row in status(fresh, shop.stack) if row.kind == "service")


def test_a_stack_that_is_well_is_well_everywhere(shop: Standing) -> None:
    """Each thing is there with its words, and AWS was only read."""
    found = rows(shop)

    assert {address: row.health for address, row in found.items()} == {
        "service.demo-app": "well",
        "load_balancer.main": "well",
        "target_group.demo-app": "well",
        "queue.events": "well",
        "queue.events-dead": "well",
    }
    assert found["service.demo-app"].words == "2 of 2 tasks run shop-demo-app:1"
    assert found["target_group.demo-app"].words == "2 healthy"
    assert found["load_balancer.main"].words.startswith("active, ")
    assert not [call for call in shop.aws.calls if not call.partition(":")[2].startswith(("Describe", "List", "Get"))]


def test_a_stack_that_is_not_there_is_refused_with_those_that_are() -> None:
    """A mistyped name is no sick stack."""
    from tests.standins.fargate import Fargate

    with Fargate().in_process():
        aws = aws_here()
        tags = [{"key": "obskit:stack", "value": "shop"}]
        aws.call("ecs", "create_cluster", clusterName="shop", tags=tags)
        [empty] = status(aws, Stack(name="shop", place=PLACE))
        with pytest.raises(UsageError, match="there is no stack shp in eu-west-1, account 123456789012") as caught:
            status(aws, Stack(name="shp", place=PLACE))

    assert caught.value.where == {"there are": "shop"}
    assert (empty.kind, empty.health, empty.words) == ("cluster", "bad", "has no services yet: obskit deploy apply")


def test_a_wanted_service_that_is_missing_is_bad(shop: Standing) -> None:
    """By the file's names, and without the file by the task definitions that the stack has."""
    named = {row.name: row for row in status(shop.aws, shop.stack, ["demo-app", "worker"])}
    shop.ecs("delete_service", service=SERVICE, force=True)
    shop.fargate.advance(600)
    alone = {row.name: row for row in status(shop.aws, shop.stack) if row.kind == "service"}

    assert (named["worker"].health, named["worker"].words) == ("bad", "is not there: obskit deploy apply")
    assert named["demo-app"].health == "well"
    assert (alone["demo-app"].health, alone["demo-app"].words) == ("bad", "is not there: obskit deploy apply")


def test_a_deployment_on_its_way_is_busy(shop: Standing) -> None:
    """Neither well nor bad; its targets are not all healthy yet."""
    asked = shop.ask(patience_seconds=1, undo=False)
    release(shop.aws, shop.stack, SERVICE, "2", asked)

    row = rows(shop)["service.demo-app"]

    assert row.health == "busy"
    assert "deployment in progress" in row.words


def test_a_deployment_whose_tasks_fail_is_bad(shop: Standing) -> None:
    """Although the tasks before it still serve."""
    shop.breaker(enable=False, rollback=False)
    shop.fargate.images["shop/demo-app:2"] = exits(1)
    release(shop.aws, shop.stack, SERVICE, "2", shop.ask(patience_seconds=400, undo=False))

    row = rows(shop)["service.demo-app"]

    assert row.health == "bad"
    assert "tasks of it failed" in row.words
    assert "unable to consistently start tasks" in row.words


def test_states_of_a_service(shop: Standing) -> None:
    """From what DescribeServices says alone."""
    going = {"rolloutState": "IN_PROGRESS", "failedTasks": 0}
    steady = {"message": "(service demo-app) has reached a steady state."}
    unable = {"message": "(service demo-app) is unable to place a task. password=hunter2"}
    bad = of(shop, primary={"rolloutState": "FAILED", "rolloutStateReason": "tasks failed to start."})
    past = of(shop, primary={"failedTasks": 3})
    short = of(shop, runningCount=1, events=[unable, steady])

    assert (bad.health, bad.words.endswith("deployment failed: tasks failed to start.")) == ("bad", True)
    assert past.health == "well", "what failed before the deployment was completed is over"
    assert of(shop, runningCount=1).health == "busy"
    assert of(shop, runningCount=0, pendingCount=2).words == "0 of 2 tasks run shop-demo-app:1, 2 start"
    assert of(shop, runningCount=0, pendingCount=2).health == "busy"
    assert of(shop, runningCount=0, pendingCount=0).health == "bad"
    assert of(shop, desiredCount=0, runningCount=0).health == "well"
    assert of(shop, primary=going).health == "busy"
    assert of(shop, primary={**going, "failedTasks": 1}).health == "bad"
    assert (short.health, "unable to place" in short.words, "hunter2" in short.words) == ("bad", True, False)
    assert of(shop, runningCount=1, events=[steady, unable]).health == "busy", "that was before it was steady"


@pytest.mark.parametrize(
    ("states", "health", "words"),
    [
        (["healthy"], "well", "1 healthy"),
        (["healthy", "initial"], "busy", "1 healthy, 1 initial"),
        (["draining"], "busy", "1 draining"),
        (["healthy", "unhealthy"], "bad", "1 healthy, 1 unhealthy (codes: [502])"),
        (["unused"], "bad", "1 unused"),
        ([], "bad", "no targets"),
    ],
)
def test_states_of_targets(states: list[str], health: str, words: str) -> None:
    """One that is not healthy is one too many."""
    more = {"unhealthy": {"Description": "codes: [502]"}}
    described = [{"TargetHealth": {"State": state, **more.get(state, {})}} for state in states]
    aws = aws_here()
    answering(aws, "elbv2", "DescribeTargetHealth", {"TargetHealthDescriptions": described})
    one = Observed(kind="target_group", name="app", fields={}, attributes={"arn": "arn:x"})

    [row] = of_kind(aws, "target_group", [one])

    assert (row.health, row.words) == (health, words)


ENDS = datetime(2027, 1, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "operation", "answer", "health", "words"),
    [
        ("load_balancer", "DescribeLoadBalancers", {"State": {"Code": "provisioning"}}, "busy", "provisioning, "),
        ("load_balancer", "DescribeLoadBalancers", {"State": {"Code": "failed"}}, "bad", "failed, "),
        ("load_balancer", "DescribeLoadBalancers", {}, "bad", "unknown, "),
        ("certificate", "DescribeCertificate", {"Status": "ISSUED", "NotAfter": ENDS}, "well",
         "issued, until 2027-01-31"),
        ("certificate", "DescribeCertificate", {"Status": "PENDING_VALIDATION"}, "busy", "pending validation"),
        ("certificate", "DescribeCertificate", {"Status": "FAILED", "FailureReason": "CAA_ERROR"}, "bad",
         "failed (CAA_ERROR)"),
        ("database", "DescribeDBInstances", {"DBInstanceStatus": "available", "Engine": "postgres"}, "well",
         "available, postgres"),
        ("database", "DescribeDBInstances", {"DBInstanceStatus": "modifying"}, "busy", "modifying, "),
        ("database", "DescribeDBInstances", {"DBInstanceStatus": "storage-full"}, "bad", "storage-full, "),
        ("queue", "GetQueueAttributes", {"ApproximateNumberOfMessages": "4"}, "bad",
         "4 messages: EventBridge could not deliver them"),
    ],
)  # fmt: skip
def test_states_of_the_rest(kind: str, operation: str, answer: dict[str, Any], health: str, words: str) -> None:
    """As AWS words them."""
    service = {"load_balancer": "elbv2", "certificate": "acm", "database": "rds", "queue": "sqs"}[kind]
    answers: dict[str, dict[str, Any]] = {
        "load_balancer": {"LoadBalancers": [answer]},
        "certificate": {"Certificate": answer},
        "database": {"DBInstances": [answer]},
        "queue": {"Attributes": answer},
    }
    aws = aws_here()
    answering(aws, service, operation, answers[kind])
    attributes = {"arn": "arn:aws:acm:eu-west-1:1:certificate/x", "id": "x", "url": "https://q"}
    one = Observed(kind=kind, name="events-dead", fields={}, attributes=attributes)

    [row] = of_kind(aws, kind, [one])

    assert (row.health, row.words) == (health, words)


def test_what_aws_refuses_to_tell_is_not_seen_and_the_rest_is(shop: Standing) -> None:
    """Not seen is neither well nor bad."""
    aws = aws_here()
    Injector(aws.session).fail("elbv2:DescribeTargetHealth", "denied")
    found = {row.kind: row for row in status(aws, shop.stack)}

    assert found["target_group"].health == "not seen"
    assert "\n" not in found["target_group"].words
    assert found["load_balancer"].health == "well"


def test_a_throttled_question_is_asked_again(shop: Standing) -> None:
    """Nothing is missed for it."""
    aws = aws_here()
    injector = Injector(aws.session).fail("ecs:DescribeServices", "throttle", times=3)

    assert next(row for row in status(aws, shop.stack)).health == "well"
    assert len(injector.spoiled) == 3


def test_where_the_cluster_cannot_be_asked_nothing_can_be_said(shop: Standing) -> None:
    """That is an error, not a stack without services."""
    aws = aws_here()
    Injector(aws.session).fail("ecs:ListServices", "denied")

    with pytest.raises(AwsError, match="ListServices"):
        status(aws, shop.stack)
