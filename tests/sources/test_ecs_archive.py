"""ECS events that somebody kept in a queue or a log group are read, and left as they are."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest

from obskit.model import Event, Service, Window
from obskit.sources import Ask
from obskit.sources.ecs import EcsSource
from tests.standins.aws import REGION, task_event
from tests.standins.remembered import mocked_aws

# CloudWatch Logs takes nothing that is older than two weeks
NOW = datetime.now(UTC).replace(microsecond=0)


def ask() -> Ask:
    """Return an ask for half an hour, without a cluster: only the archives are asked."""
    window = Window(start=NOW - timedelta(minutes=30), end=NOW)
    return Ask(service=Service(name="demo-app"), window=window, deadline=time.monotonic() + 30)


def task(number: int, status: str) -> dict[str, Any]:
    """Return the EventBridge event of a task, five minutes ago."""
    return task_event(number, status, at=NOW - timedelta(minutes=5))


@pytest.fixture
def queue() -> Iterator[tuple[Any, str]]:
    """Return an SQS client and a queue that holds some events and a message of somebody else."""
    with mocked_aws():
        sqs = boto3.client("sqs", region_name=REGION)
        url = sqs.create_queue(QueueName="ecs-events")["QueueUrl"]
        for number in range(8):
            sqs.send_message(QueueUrl=url, MessageBody=json.dumps(task(number, "STOPPED")))
        sqs.send_message(QueueUrl=url, MessageBody="hello")
        yield sqs, url


def test_a_queue_is_read_without_taking_anything_away(queue: tuple[Any, str]) -> None:
    """Its real reader still finds every message, at once."""
    sqs, url = queue
    answer = EcsSource(region=REGION, queue_url=url).answer(ask())
    asked = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])

    assert sum(e.kind == "task_stopped" for e in answer.events) == 8
    assert asked["Attributes"]["ApproximateNumberOfMessages"] == "9"
    assert "sqs:ReceiveMessage" not in {g.query for g in answer.gaps}


def test_a_long_queue_is_read_in_part_and_the_report_says_so(queue: tuple[Any, str]) -> None:
    """Without hiding messages from others, a queue may show the same ones again."""
    sqs, url = queue
    for number in range(8, 40):
        sqs.send_message(QueueUrl=url, MessageBody=json.dumps(task(number, "STOPPED")))
    answer = EcsSource(region=REGION, queue_url=url).answer(ask())
    (gap,) = (g for g in answer.gaps if g.query == "sqs:ReceiveMessage")

    assert gap.partial
    assert "of about 41 messages" in gap.reason


def test_a_queue_with_a_redrive_policy_is_not_touched(queue: tuple[Any, str]) -> None:
    """Each receive counts: reading along could move messages to the dead-letter queue."""
    sqs, url = queue
    dead = sqs.create_queue(QueueName="dead")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 3})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": policy})
    answer = EcsSource(region=REGION, queue_url=url).answer(ask())

    assert answer.events == ()
    assert "sqs:ReceiveMessage" in {g.query for g in answer.gaps}


def test_a_queue_that_does_not_exist_is_a_gap() -> None:
    """The gap names the call that failed."""
    with mocked_aws():
        answer = EcsSource(region=REGION, queue_url=f"https://sqs.{REGION}.amazonaws.com/1/x").answer(ask())

    assert "sqs:GetQueueAttributes" in {g.query for g in answer.gaps}


def logged(lines: list[dict[str, Any]]) -> tuple[Event, ...]:
    """Return what is read from a log group with these events."""
    logs = boto3.client("logs", region_name=REGION)
    logs.create_log_group(logGroupName="/ecs/events")
    logs.create_log_stream(logGroupName="/ecs/events", logStreamName="s")
    stamp = int((NOW - timedelta(minutes=5)).timestamp() * 1000)
    rows = [{"timestamp": stamp, "message": json.dumps(line)} for line in lines]
    logs.put_log_events(logGroupName="/ecs/events", logStreamName="s", logEvents=rows)
    return EcsSource(region=REGION, log_group="/ecs/events").answer(ask()).events


def test_a_log_group_is_read_whole() -> None:
    """It is the only memory of stops that is longer than an hour."""
    with mocked_aws():
        events = logged([task(number, "STOPPED") for number in range(120)])

    assert len(events) == 120


def test_the_same_stop_from_log_group_and_queue_is_told_once(queue: tuple[Any, str]) -> None:
    """Sources overlap; a task stops once."""
    assert len(logged([task(0, "STOPPED"), task(0, "STOPPED")])) == 1


def test_a_log_group_that_does_not_exist_is_a_gap() -> None:
    """The gap names the call that failed."""
    with mocked_aws():
        answer = EcsSource(region=REGION, log_group="/nowhere").answer(ask())

    assert "logs:FilterLogEvents" in {g.query for g in answer.gaps}
