"""ECS as a source, against moto with its gaps mended: what is had, and what becomes a gap."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from obskit.model import Gap, Service, Telemetry, Window
from obskit.sources import Ask
from obskit.sources.ecs import EcsSource
from tests.standins.aws import ACCOUNT, CLUSTER, REGION, Incident, load_incident, task_event
from tests.standins.remembered import mocked_aws

# the newest whole minutes: DescribeTargetHealth only knows now
NOW = datetime.now(UTC).replace(microsecond=0)
#: What is asked of now is asked of then, however long after the import a test runs.
CLOCK = functools.partial(datetime.fromtimestamp, NOW.timestamp(), UTC)


def iso(minutes_ago: float) -> str:
    """Return a moment as ECS writes it."""
    return (NOW - timedelta(minutes=minutes_ago)).isoformat()


def task(number: int, status: str, *, service: str = "demo-app", ago: float = 5) -> dict[str, Any]:
    """Return the EventBridge event of a task that reached this state so many minutes ago."""
    return task_event(number, status, at=NOW - timedelta(minutes=ago), service=service)


def deployment(code: str, ago: float) -> dict[str, Any]:
    """Return a deployment state change of demo-app."""
    return {
        "id": code,
        "detail-type": "ECS Deployment State Change",
        "source": "aws.ecs",
        "time": iso(ago),
        "resources": [f"arn:aws:ecs:{REGION}:{ACCOUNT}:service/{CLUSTER}/demo-app"],
        "detail": {"eventName": code, "deploymentId": "ecs-svc/1", "reason": "because"},
    }


def steady(ago: float = 4) -> dict[str, Any]:
    """Return a service event of demo-app."""
    text = "(service demo-app) has reached a steady state."
    return {"id": f"steady {ago}", "createdAt": iso(ago), "service": "demo-app", "message": text}


def ask(*, service: str = "demo-app", cluster: str = CLUSTER, minutes: float = 30, seconds: float = 30.0) -> Ask:
    """Return an ask for the last half hour."""
    return Ask(
        service=Service(name=service, cluster=cluster),
        window=Window(start=NOW - timedelta(minutes=minutes), end=NOW),
        deadline=time.monotonic() + seconds,
    )


def incident(**facts: Any) -> Incident:
    """Return an incident with two stopped tasks, one running, a neighbour's stop, and a deployment."""
    events = [
        task(1, "STOPPED"),
        task(2, "STOPPED", ago=6),
        task(3, "RUNNING"),
        task(4, "STOPPED", service="auth"),
        deployment("SERVICE_DEPLOYMENT_IN_PROGRESS", 10),
        deployment("SERVICE_DEPLOYMENT_FAILED", 3),
    ]
    unhealthy = {
        "Target": {"Id": "10.0.0.7", "Port": 8080, "AvailabilityZone": "eu-west-1a"},
        "TargetHealth": {"State": "unhealthy", "Reason": "Target.Timeout", "Description": "Request timed out"},
    }
    return load_incident(events, [steady()], target_health=[unhealthy], **facts)


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the environment credentials that open nothing."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def answered() -> Iterator[Telemetry]:
    """Answer for the usual incident."""
    with incident().in_process():
        yield EcsSource(clock=CLOCK, region=REGION).answer(ask())


def told(telemetry: Telemetry) -> list[tuple[str, str, str]]:
    """Return kinds, services and codes."""
    return sorted((e.kind, e.service, e.code) for e in telemetry.events)


def test_everything_that_ecs_knows_is_told(answered: Telemetry) -> None:
    """Events, deployments, tasks of the service, its neighbours' stops, target health; no gap."""
    assert told(answered) == [
        ("deployment", "demo-app", "SERVICE_DEPLOYMENT_FAILED"),
        ("deployment", "demo-app", "SERVICE_DEPLOYMENT_IN_PROGRESS"),
        ("service_message", "demo-app", ""),
        ("target_health", "demo-app", "unhealthy"),
        ("task_running", "demo-app", ""),
        ("task_stopped", "auth", "EssentialContainerExited"),
        ("task_stopped", "demo-app", "EssentialContainerExited"),
        ("task_stopped", "demo-app", "EssentialContainerExited"),
    ]
    assert answered.gaps == ()


def test_facts_say_how_many_tasks_of_what_size_there_are(answered: Telemetry) -> None:
    """The engine compares use with size, and wanted with running."""
    assert dict(answered.facts) == {
        "ecs.known": "true",
        "ecs.desired": "3",
        "ecs.running": "1",
        "ecs.pending": "0",
        "ecs.revision": "demo-app:7",
        "ecs.task_cpu_units": "256",
        "ecs.task_memory_mib": "512",
    }


def test_target_health_comes_with_its_reason(answered: Telemetry) -> None:
    """The balancer's words say more than a count of unhealthy targets."""
    (target,) = (e for e in answered.events if e.kind == "target_health")

    assert target.message == "Target.Timeout: Request timed out"
    assert (target.detail("target"), target.detail("zone")) == ("10.0.0.7", "eu-west-1a")


def test_target_health_of_now_is_not_told_of_an_older_window() -> None:
    """Yesterday's incident is not explained by today's targets."""
    with incident().in_process() as aws:
        asked = ask()
        old = Window(start=NOW - timedelta(hours=5), end=NOW - timedelta(hours=4))
        EcsSource(clock=CLOCK, region=REGION).answer(Ask(service=asked.service, window=old, deadline=asked.deadline))

    assert "DescribeTargetHealth" not in {operation for operation, _ in aws.calls}


def test_only_the_window_is_told_but_what_ran_before_is_kept() -> None:
    """Running tasks and deployments of before tell which revision is the old one."""
    with incident().in_process():
        events = EcsSource(clock=CLOCK, region=REGION).answer(ask(minutes=5.5)).events

    assert sum(e.kind == "task_stopped" for e in events) == 2
    assert {"task_running", "deployment"} <= {e.kind for e in events}


def test_the_sources_cluster_is_used_when_the_service_has_none() -> None:
    """OBSKIT_ECS_CLUSTER is the shortest configuration."""
    with incident().in_process():
        answer = EcsSource(clock=CLOCK, region=REGION, cluster=CLUSTER).answer(ask(cluster=""))

    assert answer.facts["ecs.desired"] == "3"


def test_many_tasks_are_described_in_pages_of_a_hundred() -> None:
    """DescribeTasks refuses more, and ListTasks gives no more at once."""
    events = [task(number, "STOPPED") for number in range(1, 251)]
    with load_incident(events, []).in_process() as aws:
        answer = EcsSource(clock=CLOCK, region=REGION).answer(ask())

    assert len(answer.events) == 250
    assert [len(asked["tasks"]) for operation, asked in aws.calls if operation == "DescribeTasks"] == [100, 100, 50]


def test_a_cluster_with_too_many_tasks_is_sampled_and_says_so() -> None:
    """A partial answer with a gap is better than none."""
    events = [task(number, "STOPPED") for number in range(1, 1102)]
    with load_incident(events, []).in_process():
        answer = EcsSource(clock=CLOCK, region=REGION).answer(ask())

    assert len(answer.events) == 1000
    assert [(g.query, g.partial) for g in answer.gaps] == [("ecs:DescribeTasks", True)]


@pytest.mark.parametrize(
    ("operation", "call", "kept"),
    [
        ("DescribeServices", "ecs:DescribeServices", "task_stopped"),
        ("ListTasks", "ecs:ListTasks", "service_message"),
        ("DescribeTasks", "ecs:DescribeTasks", "service_message"),
        ("DescribeTargetHealth", "elbv2:DescribeTargetHealth", "task_stopped"),
    ],
)
def test_a_refused_call_is_a_gap_that_names_it_and_the_rest_is_kept(operation: str, call: str, kept: str) -> None:
    """Whoever reads the report knows which permission is lacking."""
    code = "TargetGroupNotFound" if call.startswith("elbv2") else "AccessDeniedException"
    with incident(failing={operation: code}).in_process():
        answer = EcsSource(clock=CLOCK, region=REGION).answer(ask())

    assert [(g.source, g.query) for g in answer.gaps] == [("ecs", call)]
    assert answer.gaps[0].reason.startswith(code)
    assert kept in {e.kind for e in answer.events}


def test_throttling_is_retried_a_little_and_then_a_gap() -> None:
    """An on-call engineer does not wait for an API that is busy."""
    with incident(failing={"DescribeServices": "ThrottlingException"}).in_process() as aws:
        answer = EcsSource(clock=CLOCK, region=REGION).answer(ask())

    assert [operation for operation, _ in aws.calls].count("DescribeServices") == 3
    assert [g.reason.partition(":")[0] for g in answer.gaps] == ["ThrottlingException"]


@pytest.mark.parametrize(("name", "hint"), [("demo-ap", "nearest: demo-app"), ("zzz", "nearest: auth, demo-app")])
def test_an_unknown_service_is_a_gap_with_names_that_are_near(name: str, hint: str) -> None:
    """Prometheus may know a service under another name; the report helps to find it."""
    with incident().in_process():
        answer = EcsSource(clock=CLOCK, region=REGION).answer(ask(service=name))

    assert [g.reason for g in answer.gaps] == [f"cluster {CLUSTER} has no service {name}; {hint}"]


def test_an_unknown_service_that_cannot_be_looked_up_is_still_said() -> None:
    """One permission less must not hide what is wrong."""
    with incident(failing={"ListServices": "AccessDeniedException"}).in_process():
        (gap,) = EcsSource(clock=CLOCK, region=REGION).answer(ask(service="zzz")).gaps

    assert "has no service zzz; its services cannot be listed (ecs:ListServices: AccessDenied" in gap.reason


def test_an_unknown_cluster_is_a_gap() -> None:
    """A typing error in the configuration reads as one."""
    with incident().in_process():
        gaps = EcsSource(clock=CLOCK, region=REGION).answer(ask(cluster="nowhere")).gaps

    assert {g.reason.partition(":")[0] for g in gaps} == {"ClusterNotFoundException"}


def test_no_cluster_at_all_is_one_gap_that_says_what_to_set() -> None:
    """ECS cannot be asked about a service without its cluster."""
    with mocked_aws():
        answer = EcsSource(clock=CLOCK, region=REGION).answer(ask(cluster=""))

    assert [g.reason for g in answer.gaps] == ["no cluster was said: set OBSKIT_ECS_CLUSTER"]


def test_no_credentials_are_one_gap(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """Without AWS the rest of the tool works; the report says what was not seen."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    answer = EcsSource(clock=CLOCK, region=REGION, queue_url="https://queue", log_group="group").answer(ask())

    assert answer.gaps == (
        Gap(source="ecs", query="AWS", reason="no AWS credentials: set AWS_PROFILE, or run where a role is given"),
    )


def test_an_unknown_profile_is_one_gap() -> None:
    """A profile that does not exist is said by name."""
    (gap,) = EcsSource(profile="nobody").answer(ask()).gaps

    assert "nobody" in gap.reason


def test_no_region_is_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    """boto3 does not guess a region, and neither do we."""
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")

    assert {g.reason.partition(":")[0] for g in EcsSource().answer(ask()).gaps} == {"NoRegionError"}


def test_an_endpoint_that_is_down_is_a_gap_for_each_question() -> None:
    """Nothing listens on port 9; the answer comes at once."""
    answer = EcsSource(clock=CLOCK, region=REGION, endpoint_url="http://127.0.0.1:9").answer(ask(seconds=10))

    assert {(g.query, g.reason.partition(":")[0]) for g in answer.gaps} == {
        ("ecs:DescribeServices", "EndpointConnectionError"),
        ("ecs:ListTasks", "EndpointConnectionError"),
    }


def test_a_server_that_is_not_aws_is_a_gap() -> None:
    """A proxy's page, or anything else, is not taken for an answer."""

    class Page(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>Welcome</html>")

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        gaps = EcsSource(clock=CLOCK, region=REGION, endpoint_url=url).answer(ask(seconds=10)).gaps
        server.shutdown()

    assert {g.query for g in gaps} == {"ecs:DescribeServices", "ecs:ListTasks"}


def test_nothing_is_asked_after_the_deadline() -> None:
    """A report that comes too late helps nobody."""
    with incident().in_process() as aws:
        answer = EcsSource(clock=CLOCK, region=REGION).answer(ask(seconds=-1))

    assert aws.calls == []
    assert {"deadline" in g.reason for g in answer.gaps} == {True}


def test_a_server_is_asked_as_aws_is() -> None:
    """The command line meets the same incident by its endpoint_url."""
    with incident().served() as url:
        answer = EcsSource(clock=CLOCK, region=REGION, endpoint_url=url).answer(ask())

    assert answer.gaps == ()
    assert len(answer.events) == 8
