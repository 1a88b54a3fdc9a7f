"""What ECS said: taken in from three places, each thing once, in order, without secrets, and kept as a file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from obskit.deploy.ecs_history import EcsHistory, in_order
from obskit.deploy.release import Release, release
from obskit.deploy.resource import Stack
from obskit.deploy.resources import kinds
from obskit.model import Event
from obskit.sources.events_file import read_events
from tests.standins.fargate import exits
from tests.standins.fargate_faults import Injector
from tests.support.stack import PLACE, aws_here
from tests.support.standing import SERVICE, Standing, standing

SINCE = datetime(2026, 3, 1, 12, tzinfo=UTC)
TASK = "arn:aws:ecs:eu-west-1:123456789012:task/shop/0123456789abcdef"


@pytest.fixture
def failed() -> Iterator[tuple[Standing, Release]]:
    """Yield a stack on which a release was rolled back while EventBridge delivered twice and out of order."""
    with standing(duplicate_events=True, shuffle_events=True) as shop:
        shop.fargate.images["shop/demo-app:2"] = exits(3)
        yield shop, release(shop.aws, shop.stack, SERVICE, "2", shop.ask())


def said(detail_type: str = "ECS Task State Change", at: float = 60, **detail: Any) -> str:
    """Return an EventBridge event as a log line has it: of a stopped task, unless told otherwise."""
    moment = (SINCE + timedelta(seconds=at)).isoformat()
    task = {
        "taskArn": TASK,
        "group": "service:app",
        "lastStatus": "STOPPED",
        "stoppingAt": moment,
        "version": 5,
        "stoppedReason": "Essential container in task exited",
        "containers": [{"name": "app", "exitCode": 1}],
    }
    body = {
        "id": f"id-{at}",
        "source": "aws.ecs",
        "detail-type": detail_type,
        "time": moment,
        "resources": ["arn:aws:ecs:eu-west-1:123456789012:service/shop/app"],
        "detail": (task if "Task" in detail_type else {}) | detail,
    }
    return json.dumps(body)


def history(service: str = "app") -> EcsHistory:
    """Return a history that is still empty."""
    return EcsHistory(service=service, since=SINCE)


# --------------------------------------------------------------------------- three places, one truth


def test_log_group_queue_and_api_tell_of_each_stop_once(failed: tuple[Standing, Release], tmp_path: Path) -> None:
    """All three together say no more than the API alone, in order, and so does the file."""
    shop, done = failed
    every = EcsHistory(service=SERVICE, since=done.history.since)
    every.ask_log_group(shop.aws, shop.stack)
    every.ask_queue(shop.aws, shop.stack)
    every.ask_api(shop.aws, shop.stack)
    alone = EcsHistory(service=SERVICE, since=done.history.since)
    alone.ask_api(shop.aws, shop.stack)

    assert {(e.task, e.time, e.detail("exit_code")) for e in every.stops} == {
        (e.task, e.time, e.detail("exit_code")) for e in alone.stops
    }
    assert len({e.task for e in every.stops}) == len(every.stops) >= 3
    seconds = [e.time.replace(microsecond=0) for e in every.events]
    assert seconds == sorted(seconds)
    path = tmp_path / "events.jsonl"
    lines = every.archive(path)
    text = path.read_text(encoding="utf-8").splitlines()
    assert len(text) == len(set(text)) == lines
    assert {(e.task, e.kind, e.code) for e in read_events(path) if e.task} == {
        (e.task, e.kind, e.code) for e in every.events if e.task
    }


def test_the_file_of_a_failed_release_holds_what_was_known(failed: tuple[Standing, Release], tmp_path: Path) -> None:
    """Stops, messages, and the deployment with its failure: it is triaged as the release was."""
    _, done = failed
    assert done.followed is not None
    path = tmp_path / "events.jsonl"
    done.history.archive(path)
    read = [event for event in read_events(path) if event.time >= done.history.since]

    assert sorted((e.time, e.kind, e.code, e.task) for e in read) == sorted(
        (e.time, e.kind, e.code, e.task) for e in done.history.events
    )
    ended = [e.code for e in read if e.kind == "deployment" and e.deployment == done.followed.deployment]
    assert ended == ["SERVICE_DEPLOYMENT_IN_PROGRESS", "SERVICE_DEPLOYMENT_FAILED"]
    assert {e.detail("cluster") for e in read} == {"shop"}


def test_without_eventbridge_the_api_alone_is_enough(tmp_path: Path) -> None:
    """The file then holds the deployment as DescribeServices told it."""
    with standing() as shop:
        shop.aws.call("events", "disable_rule", Name="shop-ecs")
        shop.aws.call("logs", "delete_log_group", logGroupName="/aws/events/shop")
        shop.fargate.images["shop/demo-app:2"] = exits(3)
        done = release(shop.aws, shop.stack, SERVICE, "2", shop.ask())
    path = tmp_path / "events.jsonl"
    done.history.archive(path)

    assert done.history.gaps == ["there is no log group /aws/events/shop"]
    codes = {e.code for e in read_events(path)}
    assert {"EssentialContainerExited", "SERVICE_DEPLOYMENT_IN_PROGRESS"} <= codes


def test_the_queue_keeps_its_messages_for_its_real_reader(failed: tuple[Standing, Release]) -> None:
    """Nothing is deleted, nothing is hidden; and no redrive policy moves away what was received often."""
    shop, _ = failed
    url = shop.aws.call("sqs", "get_queue_url", QueueName="shop-events")["QueueUrl"]

    def count() -> tuple[str, str]:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "RedrivePolicy"]
        given = shop.aws.call("sqs", "get_queue_attributes", QueueUrl=url, AttributeNames=names)["Attributes"]
        assert "RedrivePolicy" not in given
        return given["ApproximateNumberOfMessages"], given["ApproximateNumberOfMessagesNotVisible"]

    before = count()
    shop.aws.calls.clear()
    EcsHistory(service=SERVICE, since=SINCE).ask_queue(shop.aws, shop.stack)

    assert count() == before
    assert int(before[0]) > 10
    assert set(shop.aws.calls) == {"sqs:GetQueueUrl", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"}
    wanted = {r.name: r.fields for r in kinds()["queue"].wanted(shop.spec, PLACE)}
    assert "RedrivePolicy" not in wanted["events"]


def test_a_queue_that_does_not_show_all_is_a_gap(failed: tuple[Standing, Release]) -> None:
    """What hides nothing is shown the same messages again; that the rest was not seen is said."""
    shop, _ = failed
    found = EcsHistory(service=SERVICE, since=SINCE)
    found.ask_queue(shop.aws, shop.stack)

    assert len(found.gaps) == 1
    assert "showed 10 of some" in found.gaps[0]


def test_what_the_log_group_has_is_not_missed_in_the_queue(failed: tuple[Standing, Release]) -> None:
    """Where the log group answered, the queue can hold nothing more."""
    shop, _ = failed
    found = EcsHistory(service=SERVICE, since=SINCE)
    if not shop.aws.call("logs", "describe_log_groups", logGroupNamePrefix="/aws/events/shop")["logGroups"]:
        shop.aws.call("logs", "create_log_group", logGroupName="/aws/events/shop")
    found.ask_log_group(shop.aws, shop.stack)
    found.ask_queue(shop.aws, shop.stack)

    assert found.gaps == []


def test_events_of_one_second_stand_as_one_leads_to_the_other() -> None:
    """Begun, started, stopped, failed, rolled back."""
    at = datetime(2026, 1, 31, 3, 0, tzinfo=UTC)
    course = [
        Event(time=at, kind="deployment", code="SERVICE_DEPLOYMENT_IN_PROGRESS"),
        Event(time=at, kind="service_message", message="(service app) has started 1 tasks"),
        Event(time=at, kind="task_running", task="a"),
        Event(time=at, kind="task_stopped", task="a", code="EssentialContainerExited"),
        Event(time=at, kind="deployment", code="SERVICE_DEPLOYMENT_FAILED", message="tasks failed to start."),
        Event(time=at, kind="service_message", message="(service app) rolling back to deployment ecs-svc/1."),
    ]

    assert in_order(reversed(course)) == tuple(course)


def test_a_queue_with_a_redrive_policy_is_left_alone(failed: tuple[Standing, Release]) -> None:
    """Somebody added one: to receive would count, and could move messages away."""
    shop, _ = failed
    url = shop.aws.call("sqs", "get_queue_url", QueueName="shop-events")["QueueUrl"]
    policy = {"deadLetterTargetArn": "arn:aws:sqs:eu-west-1:123456789012:shop-events-dead", "maxReceiveCount": 3}
    shop.aws.call("sqs", "set_queue_attributes", QueueUrl=url, Attributes={"RedrivePolicy": json.dumps(policy)})
    found = EcsHistory(service=SERVICE, since=SINCE)
    shop.aws.calls.clear()

    found.ask_queue(shop.aws, shop.stack)

    assert "redrive policy" in found.gaps[0]
    assert "sqs:ReceiveMessage" not in shop.aws.calls


# --------------------------------------------------------------------------- gaps


def test_what_could_not_be_asked_is_a_gap_each_once() -> None:
    """Neither a log group nor a queue nor a cluster: nothing is known, and that is said."""
    from tests.standins.fargate import Fargate

    fargate = Fargate()
    with fargate.in_process():
        aws, found = aws_here(), history()
        stack = Stack(name="shop", place=PLACE)
        for _ in range(2):
            found.ask_log_group(aws, stack)
            found.ask_queue(aws, stack)
            found.ask_api(aws, stack)
    assert found.gaps == [
        "there is no log group /aws/events/shop",
        "there is no queue shop-events",
        "cluster shop is not there",
    ]
    assert found.events == ()


def test_a_refusal_and_an_unknown_service_are_gaps_too() -> None:
    """What can be asked is asked all the same."""
    with standing() as shop:
        aws = aws_here(shop.fargate.clock)  # type: ignore[arg-type]
        injector = Injector(aws.session).fail("ecs:ListTasks", "denied")
        found = EcsHistory(service="other", since=SINCE)
        found.ask_api(aws, shop.stack)

    assert injector.spoiled
    assert found.gaps[0] == "cluster shop has no service other"
    assert "ecs:ListTasks failed: AccessDeniedException" in found.gaps[1]


def test_stopped_tasks_are_described_until_they_change_no_more(failed: tuple[Standing, Release]) -> None:
    """A release looks often: what is known in its last state is not asked for again."""
    shop, done = failed
    shop.fargate.advance(60)
    done.history.ask_tasks(shop.aws, shop.stack)
    shop.aws.calls.clear()
    done.history.ask_tasks(shop.aws, shop.stack)

    assert set(shop.aws.calls) == {"ecs:ListTasks"}


# --------------------------------------------------------------------------- single rows


def test_a_task_is_told_by_its_newest_version() -> None:
    """Whatever came first."""
    found = history()
    found.take_carried(said(version=7))
    found.take_carried(said(version=6, lastStatus="DEPROVISIONING", containers=[{"name": "app"}]))
    found.take_carried(said(version=7))

    assert [(e.detail("version"), e.detail("exit_code")) for e in found.stops] == [("7", "1")]


def test_what_is_before_or_of_another_service_or_no_event_is_left_out() -> None:
    """A log group holds more than was asked for."""
    found = history()
    for text in (
        "",
        "no JSON",
        "[1]",
        '{"a": 1}',
        said(at=-60),
        said(group="service:other"),
        said("ECS Container Instance State Change"),
        said("ECS Service Action"),
    ):
        found.take_carried(text)

    assert found.events == ()


def test_events_that_are_wrapped_are_not_taken_for_one() -> None:
    """A notification has no id of EventBridge's where one is looked for: each is still its own."""
    found = history()
    for number in range(3):
        action = said("ECS Service Action", at=number, eventName="SERVICE_STEADY_STATE", createdAt=None)
        found.take_carried(json.dumps({"Type": "Notification", "Message": action}))

    assert len(found.events) == 3


def test_of_a_whole_cluster_every_service_is_kept() -> None:
    """No service means all."""
    found = history("")
    found.take_carried(said())
    found.take_carried(said(group="service:other", taskArn=f"{TASK}2"))

    assert [e.service for e in found.stops] == ["app", "other"]


def test_the_file_holds_no_secret_and_is_json(tmp_path: Path) -> None:
    """Variables keep their names, texts are redacted, and each line is still a row."""
    overrides = {"containerOverrides": [{"name": "app", "environment": [{"name": "PIN", "value": "hunter2"}]}]}
    reason = 'exec failed: {"password": "hunter2"} token=abcdef123456 for bob@example.com'
    found = history()
    found.take_carried(said(stoppedReason=reason, overrides=overrides))
    message = {"id": "1", "createdAt": SINCE, "message": "(service app) AKIAIOSFODNN7EXAMPLE password=hunter2"}
    found.take_service({"serviceName": "app", "clusterArn": "a/shop", "events": [message], "deployments": []})
    path = tmp_path / "events.jsonl"

    assert found.archive(path) == 2
    text = path.read_text(encoding="utf-8")
    assert [secret for secret in ("hunter2", "abcdef123456", "bob@", "AKIAIOSFODNN7EXAMPLE") if secret in text] == []
    assert '"PIN"' in text
    assert [json.loads(line) for line in text.splitlines()]
    assert len(read_events(path)) == 2


def test_the_file_is_in_the_order_of_time(tmp_path: Path) -> None:
    """Rows of all shapes stand where they belong."""
    found = history()
    found.take_carried(said(at=30))
    deployment = {"id": "ecs-svc/1", "rolloutState": "FAILED", "createdAt": SINCE, "updatedAt": SINCE}
    rows = [{"id": "2", "createdAt": SINCE + timedelta(seconds=n), "message": f"(service app) {n}"} for n in (40, 20)]
    found.take_service({"serviceName": "app", "clusterArn": "a/shop", "events": rows[:1], "deployments": [deployment]})
    found.take_service({"serviceName": "app", "events": [{**rows[1], "id": "1"}]})
    path = tmp_path / "events.jsonl"
    found.archive(path)

    shapes = [min(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]
    assert shapes == ["services", "cluster", "detail", "cluster"]
