"""What ECS says, in any shape, becomes events; and each thing is told once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obskit.model import Event
from obskit.sources.ecs_events import (
    dedupe,
    event_from_eventbridge,
    event_from_service_message,
    event_from_task,
    events_from_deployment,
    moment,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
CLUSTER_ARN = "arn:aws:ecs:eu-west-1:123456789012:cluster/obs"
TASK_ARN = "arn:aws:ecs:eu-west-1:123456789012:task/obs/5f1c0e7a9b3d4c2e8a6f7d1b2c3e4f50"
TASK = "5f1c0e7a9b3d4c2e8a6f7d1b2c3e4f50"
OOM = "OutOfMemoryError: Container killed due to memory usage"


def container(name: str, **facts: Any) -> dict[str, Any]:
    """Return a container of a task."""
    return {"name": name, "image": f"repo/{name}:v2", "lastStatus": "STOPPED", **facts}


APP, ROUTER = container("demo-app"), container("log-router")


def task(**facts: Any) -> dict[str, Any]:
    """Return a task as EventBridge details it, stopped for its health."""
    return {
        "taskArn": TASK_ARN,
        "clusterArn": CLUSTER_ARN,
        "group": "service:demo-app",
        "startedBy": "ecs-svc/1234567890123456789",
        "taskDefinitionArn": "arn:aws:ecs:eu-west-1:123456789012:task-definition/demo-app:7",
        "lastStatus": "STOPPED",
        "desiredStatus": "STOPPED",
        "stopCode": "ServiceSchedulerInitiated",
        "stoppedReason": "Task failed ELB health checks in (target-group tg)",
        "createdAt": "2026-03-01T10:00:00.000Z",
        "startedAt": "2026-03-01T10:00:18.000Z",
        "stoppingAt": "2026-03-01T12:00:00.000Z",
        "stoppedAt": "2026-03-01T12:00:31.000Z",
        "cpu": "256",
        "memory": "512",
        "availabilityZone": "eu-west-1a",
        "version": 5,
        "containers": [container("demo-app", exitCode=143), container("log-router", exitCode=0)],
        **facts,
    }


def change(kind: str = "ECS Task State Change", **facts: Any) -> dict[str, Any]:
    """Return an EventBridge event."""
    return {
        "id": "0d3b6f52",
        "detail-type": kind,
        "source": "aws.ecs",
        "time": "2026-03-01T12:00:31Z",
        "resources": ["arn:aws:ecs:eu-west-1:123456789012:service/obs/demo-app"],
        "detail": facts or task(),
        "a key of tomorrow": [None],
    }


def read(body: Mapping[str, Any]) -> Event:
    """Return the event, which must be one."""
    event = event_from_eventbridge(body)
    assert event is not None
    return event


def test_a_stopped_task_keeps_everything_that_a_diagnosis_asks_for() -> None:
    """Time is when the stop began; the details name the container that explains it."""
    event = read(change())

    assert event == Event(
        time=NOON,
        kind="task_stopped",
        service="demo-app",
        task=TASK,
        code="ServiceSchedulerInitiated",
        message="Task failed ELB health checks in (target-group tg)",
        revision="demo-app:7",
        deployment="ecs-svc/1234567890123456789",
        details=event.details,
    )
    assert dict(event.details) == {
        "cluster": "obs",
        "container": "demo-app",
        "cpu": "256",
        "created_at": "2026-03-01T10:00:00+00:00",
        "event_id": "0d3b6f52",
        "exit_code": "143",
        "image": "repo/demo-app:v2",
        "last_status": "STOPPED",
        "memory": "512",
        "started_at": "2026-03-01T10:00:18+00:00",
        "version": "5",
        "zone": "eu-west-1a",
    }


@pytest.mark.parametrize(
    "wrap",
    [
        lambda e: e,
        lambda e: {"MessageId": "1", "Body": json.dumps(e)},
        lambda e: {"messageId": "1", "body": json.dumps(e)},
        lambda e: {"timestamp": 1, "message": json.dumps(e)},
        lambda e: {"@timestamp": "x", "@message": json.dumps(e)},
        lambda e: {"Body": json.dumps({"Type": "Notification", "Message": json.dumps(e)})},
    ],
    ids=["bare", "SQS", "Lambda", "log group", "Logs Insights", "SNS in SQS"],
)
def test_an_event_is_read_from_whatever_carries_it(wrap: Any) -> None:
    """A queue, a topic and a log group hold the event as JSON text."""
    assert read(wrap(change())) == read(change())


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"detail-type": "EC2 Instance State-change Notification", "source": "aws.ec2", "detail": {}},
        {**change(), "source": "aws.ec2"},
        {"detail-type": "ECS Task State Change", "detail": None},
        {"detail-type": "ECS Service Action", "detail": {"eventName": "X"}},
        {"detail-type": "ECS Deployment State Change", "time": "2026-03-01T12:00:31Z", "detail": []},
        {"Body": "{"},
        {"Body": "[1]"},
        change(**task(lastStatus="PENDING")),
        change(**task(taskArn="")),
    ],
)
def test_what_is_no_event_of_ecs_is_none(body: dict[str, Any]) -> None:
    """Other sources, damaged bodies and tasks on their way up say nothing."""
    assert event_from_eventbridge(body) is None


@pytest.mark.parametrize("status", ["DEACTIVATING", "STOPPING", "DEPROVISIONING", "STOPPED"])
def test_each_state_on_the_way_out_is_the_same_stop(status: str) -> None:
    """Any one of them may be the only one that was seen."""
    event = read(change(**task(lastStatus=status)))

    assert (event.kind, event.time) == ("task_stopped", NOON)


def test_a_running_task_counts_from_its_start() -> None:
    """It has no stop code, reason or explaining container."""
    event = read(change(**task(lastStatus="RUNNING", stopCode=None, stoppedReason=None)))

    assert (event.kind, event.time.minute, event.code, event.message) == ("task_running", 0, "", "")
    assert event.detail("container") == ""


def test_a_task_that_no_service_started_has_no_service() -> None:
    """A migration that ends must not look like a service that crashed."""
    event = read(change(**task(group="family:migrate", startedBy="ci")))

    assert (event.service, event.deployment, event.detail("group")) == ("", "", "family:migrate")


@pytest.mark.parametrize(
    ("code", "containers", "explains"),
    [
        ("EssentialContainerExited", [ROUTER | {"exitCode": 1}, APP | {"exitCode": 143}], "log-router"),
        ("EssentialContainerExited", [ROUTER | {"exitCode": 0}, APP | {"exitCode": 137}], "demo-app"),
        ("EssentialContainerExited", [APP | {"exitCode": 0}, ROUTER | {"exitCode": 143}], "demo-app"),
        ("EssentialContainerExited", [ROUTER | {"exitCode": 137, "reason": OOM}, APP | {"exitCode": 1}], "log-router"),
        ("ServiceSchedulerInitiated", [ROUTER | {"exitCode": 137, "reason": OOM}, APP | {"exitCode": 143}], "demo-app"),
        ("EssentialContainerExited", [APP, container("init", exitCode=1)], "init"),
        ("TaskFailedToStart", [ROUTER, APP | {"reason": "CannotPullContainerError: x"}], "demo-app"),
        ("EssentialContainerExited", [container("web", exitCode=3)], "web"),
        ("EssentialContainerExited", [], ""),
    ],
)
def test_the_container_that_explains_the_stop_is_named(code: str, containers: list[Any], explains: str) -> None:
    """137 and 143 beside another code are collateral; a sidecar does not explain the scheduler's stop."""
    event = event_from_task(task(stopCode=code, containers=containers))

    assert event is not None
    assert event.detail("container") == explains


def test_describe_tasks_gives_the_same_event_as_eventbridge() -> None:
    """boto3 gives datetimes where EventBridge gives texts."""
    times = {k: moment(v) for k, v in task().items() if k.endswith("At")}

    assert event_from_task({**task(), **times}, event_id="0d3b6f52") == read(change())


def test_a_service_action_names_service_cluster_and_reason() -> None:
    """The service stands in the event's resources only."""
    event = read(
        change(
            "ECS Service Action",
            eventName="SERVICE_TASK_PLACEMENT_FAILURE",
            eventType="ERROR",
            reason="RESOURCE:FARGATE",
            createdAt="2026-03-01T12:00:00.000Z",
        )
    )

    assert (event.time, event.kind, event.service, event.code) == (
        NOON,
        "service_action",
        "demo-app",
        "SERVICE_TASK_PLACEMENT_FAILURE",
    )
    assert (event.message, event.detail("cluster"), event.detail("severity")) == ("RESOURCE:FARGATE", "obs", "ERROR")


def test_a_deployment_change_names_its_deployment() -> None:
    """The reason is the only mark of a rollback, so it is kept."""
    event = read(
        change(
            "ECS Deployment State Change",
            eventName="SERVICE_DEPLOYMENT_IN_PROGRESS",
            deploymentId="ecs-svc/7",
            updatedAt="2026-03-01T12:00:00Z",
            reason="ECS deployment circuit breaker: rolling back to deploymentId ecs-svc/7.",
        )
    )

    assert (event.time, event.kind, event.deployment) == (NOON, "deployment", "ecs-svc/7")
    assert "rolling back" in event.message


@pytest.mark.parametrize(
    "message",
    [
        "(service demo-app) has reached a steady state.",
        "service demo-app has reached a steady state.",
        "(service `demo-app`) has reached a steady state.",
        "service (demo-app) has reached a steady state.",
        "(service demo-app, taskSet ecs-svc/1) has begun draining connections on 1 tasks.",
    ],
)
def test_the_service_is_found_in_a_message_however_it_is_written(message: str) -> None:
    """ECS writes the name with and without brackets and backticks."""
    event = event_from_service_message({"id": "1", "createdAt": NOON, "message": message})

    assert event is not None
    assert event.service == "demo-app"


def test_a_service_message_names_task_and_deployment() -> None:
    """Both join the message to what the tasks say."""
    event = event_from_service_message(
        {"createdAt": NOON.timestamp(), "message": f"(service a) (task {TASK}) x (deployment ecs-svc/12)"},
        cluster="obs",
    )

    assert event is not None
    assert (event.time, event.task, event.deployment, event.detail("cluster")) == (NOON, TASK, "ecs-svc/12", "obs")


def test_a_finished_deployment_has_a_start_and_an_end() -> None:
    """DescribeServices tells of both in one row."""
    row = {
        "id": "ecs-svc/7",
        "status": "PRIMARY",
        "taskDefinition": "arn:x:task-definition/demo-app:8",
        "createdAt": NOON,
        "updatedAt": NOON.replace(minute=5),
        "rolloutState": "FAILED",
        "rolloutStateReason": "tasks failed to start",
        "failedTasks": 10,
    }
    began, ended = events_from_deployment(row, service="demo-app")

    assert (began.code, began.time, began.message) == ("SERVICE_DEPLOYMENT_IN_PROGRESS", NOON, "")
    assert (ended.code, ended.time.minute, ended.message) == ("SERVICE_DEPLOYMENT_FAILED", 5, "tasks failed to start")
    assert (ended.revision, ended.detail("failed_tasks")) == ("demo-app:8", "10")


def test_a_stop_is_told_once_by_its_last_version_at_its_first_moment() -> None:
    """Events come twice, out of order, and in three states; exit code and reason come last."""
    leaving = task(lastStatus="DEACTIVATING", version=3, containers=[container("demo-app")], stoppedAt=None)
    going = task(lastStatus="DEPROVISIONING", version=4, stoppingAt=None, stoppedAt="2026-03-01T12:00:30Z")
    gone = task(version=5, stoppingAt=None, stoppedAt="2026-03-01T12:00:31Z")
    told = [read(change(**t)) for t in (gone, leaving, going, gone)]
    (event,) = dedupe(told)

    assert (event.time, event.detail("last_status"), event.detail("exit_code")) == (NOON, "STOPPED", "143")


def test_a_rollback_to_a_deployment_is_another_event_than_its_start() -> None:
    """Both are IN_PROGRESS of the same id; only the reason tells them apart."""
    start = change("ECS Deployment State Change", eventName="SERVICE_DEPLOYMENT_IN_PROGRESS", deploymentId="ecs-svc/7")
    back = change(
        "ECS Deployment State Change",
        eventName="SERVICE_DEPLOYMENT_IN_PROGRESS",
        deploymentId="ecs-svc/7",
        reason="rolling back to deploymentId ecs-svc/7",
    )

    assert len(dedupe([read(start), read(back), read(start)])) == 2


def test_the_same_message_from_two_sources_is_told_once() -> None:
    """Its id tells; without ids, time and words do."""
    row = {"id": "1", "createdAt": NOON, "message": "(service a) has reached a steady state."}
    bare = {**row, "id": ""}
    told = [event for r in (row, row, bare, bare) if (event := event_from_service_message(r))]

    assert len(dedupe(told)) == 2


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-03-01T12:00:00Z", NOON),
        ("2026-03-01T13:00:00+01:00", NOON),
        ("2026-03-01T12:00:00", NOON),
        (NOON.astimezone(timezone(NOON.resolution * 0)), NOON),
        (NOON.timestamp(), NOON),
        (NOON.timestamp() * 1000, NOON),
        (float("nan"), None),
        (1e300, None),
        (True, None),
        ("yesterday", None),
        (None, None),
    ],
)
def test_a_time_is_read_in_any_of_its_forms(value: object, expected: datetime | None) -> None:
    """Texts, datetimes and numbers become UTC; what is no time is None."""
    assert moment(value) == expected


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just("2026-03-01T12:00:00Z"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
_KEYS = [*task(), *change(), "message", "Body", "@message", "id", "rolloutState", "eventName", "deploymentId"]
_ROWS = st.dictionaries(st.sampled_from(_KEYS), _JSON, max_size=10)
_STATES = st.sampled_from(["RUNNING", "STOPPED", "DEACTIVATING"])
_KINDS = st.sampled_from(["ECS Task State Change", "ECS Service Action", "ECS Deployment State Change"])


@given(_ROWS, _ROWS, _STATES, _KINDS)
def test_parsers_never_raise(outer: dict[str, Any], inner: dict[str, Any], status: str, kind: str) -> None:
    """Whatever JSON comes, the answer is an event or none, and events can be told once."""
    detail = {**inner, "lastStatus": status}
    body = {**outer, "detail-type": kind, "source": "aws.ecs", "detail": detail}
    found = [
        event_from_eventbridge(outer),
        event_from_eventbridge(body),
        event_from_task(detail),
        event_from_service_message(inner),
        *events_from_deployment(inner, service="demo-app"),
    ]
    events = [event for event in found if event is not None]

    assert all(event.time.tzinfo is UTC for event in dedupe(events))
