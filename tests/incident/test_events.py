"""Events become findings: the tables of stop reasons, loops, deployments, checks, placement."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obskit.incident.events import find_ends_of_tasks, find_in_events
from obskit.model import Event, Finding, Window

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
WINDOW = Window(start=START, end=START + timedelta(minutes=30))
EXITED = "Essential container in task exited"
ELB = "Task failed ELB health checks in (target-group arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/s/1)"
SECRETS = "ResourceInitializationError: unable to pull secrets or registry auth: "


def at(seconds: float) -> datetime:
    """Return a moment so many seconds after the window's start."""
    return START + timedelta(seconds=seconds)


def stopped(
    seconds: float = 60.0,
    message: str = EXITED,
    *,
    code: str = "EssentialContainerExited",
    task: str = "",
    service: str = "demo-app",
    revision: str = "demo-app:7",
    deployment: str = "ecs-svc/1",
    lived: float = 3600.0,
    **details: str,
) -> Event:
    """Return the stop of a task of demo-app that ran for an hour."""
    details = {"started_at": at(seconds - lived).isoformat(), "container": service, **details}
    return Event(
        time=at(seconds),
        kind="task_stopped",
        service=service,
        task=task or f"task{seconds}",
        code=code,
        message=message,
        revision=revision,
        deployment=deployment,
        details=tuple(sorted(details.items())),
    )


def running(seconds: float, revision: str, *, deployment: str = "ecs-svc/1", task: str = "") -> Event:
    """Return a task of demo-app that came up."""
    return Event(
        time=at(seconds),
        kind="task_running",
        service="demo-app",
        task=task or f"run{seconds}",
        revision=revision,
        deployment=deployment,
    )


def said(message: str, seconds: float = 60.0, *, service: str = "demo-app", deployment: str = "") -> Event:
    """Return a service message."""
    return Event(time=at(seconds), kind="service_message", service=service, message=message, deployment=deployment)


def action(code: str, message: str = "", seconds: float = 60.0) -> Event:
    """Return a service action."""
    return Event(time=at(seconds), kind="service_action", service="demo-app", code=code, message=message)


def deployment(code: str, seconds: float, number: str, message: str = "") -> Event:
    """Return a deployment state change."""
    return Event(
        time=at(seconds),
        kind="deployment",
        service="demo-app",
        code=code,
        deployment=f"ecs-svc/{number}",
        message=message,
    )


def find(*events: Event, service: str = "demo-app") -> tuple[Finding, ...]:
    """Return the findings of these events."""
    return find_in_events(events, service=service, window=WINDOW)


def kinds(findings: Sequence[Finding]) -> list[tuple[str, str, int]]:
    """Return what can be compared at a glance."""
    return [(f.kind, f.subject, f.count) for f in findings]


UNABLE = "(service demo-app) was unable to place a task"


def test_a_start_error_inside_a_service_message_is_a_stop_of_its_class_not_a_lack_of_capacity() -> None:
    """A secret that is missing is no placement problem, though ECS calls it so."""
    message = f"{UNABLE}. Reason: {SECRETS}ResourceNotFoundException: gone"

    assert kinds(find(said(message))) == [("task_stop", "secret_missing", 1)]


def test_the_same_failure_told_by_tasks_and_messages_is_one_finding() -> None:
    """Stopped tasks tell more, so the message is left out."""
    message = f"{SECRETS}ResourceNotFoundException: gone"
    found = find(stopped(message=message, code="TaskFailedToStart"), said(f"{UNABLE}. Reason: {message}"))

    assert kinds(found) == [("task_stop", "secret_missing", 1)]


def test_a_message_and_an_action_that_say_the_same_count_once() -> None:
    """DescribeServices and EventBridge both tell of each steady state."""
    found = find(said("(service demo-app) has reached a steady state."), action("SERVICE_STEADY_STATE", seconds=61))

    assert kinds(found) == [("steady_state", "steady_state", 1)]


@pytest.mark.parametrize(
    ("code", "subject"),
    [
        ("SERVICE_DEPLOYMENT_IN_PROGRESS", "started"),
        ("SERVICE_DEPLOYMENT_COMPLETED", "completed"),
        ("SERVICE_DEPLOYMENT_FAILED", "failed"),
    ],
)
def test_a_service_action_may_tell_of_a_deployment(code: str, subject: str) -> None:
    """Newer deployments are told as service actions."""
    assert kinds(find(action(code))) == [("deployment", subject, 1)]


def test_routine_is_no_finding() -> None:
    """Starts, stops and registrations are told by what caused them."""
    assert find(said("(service demo-app) has started 1 tasks: (task 0123456789abcdef).")) == ()


def test_stops_are_grouped_by_class_revision_and_container() -> None:
    """One line a group, with count, span, exit codes, revision, and the raw text."""
    found = find(
        stopped(60, ELB, code="ServiceSchedulerInitiated", exit_code="143"),
        stopped(2000 - 300, ELB, code="ServiceSchedulerInitiated", exit_code="137"),
        stopped(90, exit_code="1", revision="demo-app:8", container="log-router"),
    )
    checks, crash = (f for f in found if f.kind == "task_stop")

    assert (checks.onset, checks.until, checks.count, checks.score) == (at(60), at(1700), 2, 2.0)
    assert checks.words == (
        "2 tasks of demo-app failed their health checks "
        "(exit code 143 (once), exit code 137 (once), 1 did not stop in time, revision demo-app:7)"
    )
    assert checks.example == ELB
    assert crash.words == "1 task of demo-app crashed (exit code 1, revision demo-app:8, container log-router)"


def test_each_task_has_an_end_of_its_own() -> None:
    """What is told of a group of stops is told of each task too, and of those that ended in the baseline."""
    reason = "OutOfMemoryError: Container killed due to memory usage"
    killed = [stopped(at, task=f"k{at}", exit_code="137", container_reason=reason, memory="384") for at in (60, 61)]
    events = [*killed, stopped(-60, ELB, task="sick", code="ServiceSchedulerInitiated", exit_code="143")]
    events += [stopped(-59, ELB, task="slow", code="ServiceSchedulerInitiated", exit_code="137")]
    events += [stopped(-7200, task="history"), running(62, "demo-app:7", task="new")]

    ended = find_ends_of_tasks(events, window=WINDOW)

    assert [(f.kind, f.subject, f.task, f.onset, f.words) for f in ended] == [
        (
            "task_stop",
            "health_check_failed",
            "sick",
            at(-60),
            "failed its health checks (exit code 143, revision demo-app:7)",
        ),
        (
            "task_stop",
            "health_check_failed",
            "slow",
            at(-59),
            "failed its health checks (exit code 137, did not stop in time, revision demo-app:7)",
        ),
        *(
            (
                "task_stop",
                "out_of_memory",
                f"k{seconds}",
                at(seconds),
                "was killed for memory (exit code 137, limit of the task 384 MiB, revision demo-app:7)",
            )
            for seconds in (60, 61)
        ),
    ]


def test_words_say_when_only_the_new_revision_fails() -> None:
    """Healthy tasks of another revision beside failing ones name the culprit."""
    found = find(running(-900, "demo-app:7", task="old"), stopped(60, exit_code="1", revision="demo-app:8"))

    assert (
        "revision demo-app:8, while tasks of demo-app:7 run on" in next(f for f in found if f.kind == "task_stop").words
    )


def test_the_limit_stands_beside_a_kill_for_memory() -> None:
    """What was exceeded is what the reader wants to know first."""
    event = stopped(
        container_reason="OutOfMemoryError: Container killed due to memory usage", exit_code="137", memory="512"
    )
    (found,) = find(event)

    assert "limit of the task 512 MiB" in found.words
    assert found.example == "OutOfMemoryError: Container killed due to memory usage"


def test_three_abnormal_stops_within_fifteen_minutes_are_a_loop() -> None:
    """Tasks that end again and again are one finding, with how long they lived."""
    found = find(*(stopped(s, exit_code="1", lived=600) for s in (60, 400, 900)))
    loop = next(f for f in found if f.kind == "crash_loop")

    assert (loop.subject, loop.count, loop.onset) == ("crash", 3, at(60))
    assert loop.words == "3 tasks of demo-app stopped abnormally within 14 min 0 s; they lived 10 min 0 s in the median"


@pytest.mark.parametrize(
    "events",
    [
        tuple(stopped(s, exit_code="1") for s in (60, 700, 1750)),
        tuple(stopped(s, exit_code="1") for s in (60, 90)),
        tuple(stopped(s, "Task stopped by user", code="UserInitiated", lived=30) for s in (60, 90, 120)),
    ],
    ids=["too far apart", "too few", "asked for"],
)
def test_what_is_rare_or_wanted_is_no_loop(events: tuple[Event, ...]) -> None:
    """Two long-lived crashes, or stops that somebody asked for, are no loop."""
    assert "crash_loop" not in {f.kind for f in find(*events)}


def test_two_tasks_that_hardly_lived_are_a_loop() -> None:
    """A replacement that dies within three minutes did not help."""
    found = find(stopped(60, exit_code="1", lived=20), stopped(1700, exit_code="1", lived=30))

    assert ("crash_loop", "crash", 2) in kinds(found)


def test_a_failed_deployment_names_both_revisions_and_is_told_once() -> None:
    """Events, messages and tasks tell the same story; the report tells it once."""
    found = find(
        running(-900, "demo-app:7", deployment="ecs-svc/1"),
        deployment("SERVICE_DEPLOYMENT_IN_PROGRESS", 10, "2", "ECS deployment ecs-svc/2 in progress."),
        stopped(40, exit_code="1", revision="demo-app:8", deployment="ecs-svc/2"),
        deployment("SERVICE_DEPLOYMENT_FAILED", 90, "2", "ECS deployment circuit breaker: task failed to start."),
        said(
            "(service demo-app) (deployment ecs-svc/2) deployment failed: tasks failed to start.",
            91,
            deployment="ecs-svc/2",
        ),
        deployment("SERVICE_DEPLOYMENT_IN_PROGRESS", 92, "1", "rolling back to deploymentId ecs-svc/1."),
        said("(service demo-app) rolling back to deployment ecs-svc/1.", 93, deployment="ecs-svc/1"),
        running(100, "demo-app:7", deployment="ecs-svc/1"),
    )

    assert [(f.subject, f.onset, f.words) for f in found if f.kind == "deployment"] == [
        ("started", at(10), "a deployment of demo-app started: from demo-app:7 to demo-app:8"),
        ("failed", at(90), "a deployment of demo-app failed: from demo-app:7 to demo-app:8"),
        ("rolled_back", at(92), "the deployment of demo-app:8 was rolled back to demo-app:7"),
    ]


def test_a_new_revision_among_the_tasks_is_a_deployment_that_nobody_announced() -> None:
    """Without deployment events the tasks' revisions still give it away."""
    found = find(
        running(-900, "demo-app:7"),
        running(30, "demo-app:8", deployment="ecs-svc/2"),
        running(60, "demo-app:8", deployment="ecs-svc/2"),
    )

    assert [(f.subject, f.onset, f.words) for f in found] == [
        ("started", at(30), "a deployment of demo-app started: from demo-app:7 to demo-app:8")
    ]


def test_replacing_tasks_by_the_same_revision_is_no_deployment() -> None:
    """The scheduler replaces what failed; nothing was deployed."""
    found = find(
        running(-900, "demo-app:7", task="a"),
        stopped(30, ELB, code="ServiceSchedulerInitiated", task="a"),
        running(40, "demo-app:7", task="b"),
    )

    assert "deployment" not in {f.kind for f in found}


def test_what_happened_before_the_window_is_history() -> None:
    """Only the analysed window makes findings."""
    before = [
        stopped(-30, exit_code="1"),
        deployment("SERVICE_DEPLOYMENT_COMPLETED", -60, "1"),
        said("x is unhealthy in", -1),
    ]

    assert find(*before) == ()


def test_of_a_neighbour_only_trouble_is_told() -> None:
    """A steady neighbour is no news; one whose tasks crash may be the cause."""
    found = find(
        said("(service auth) has reached a steady state.", service="auth"), stopped(60, exit_code="1", service="auth")
    )

    assert [(f.kind, f.service) for f in found] == [("task_stop", "auth")]


def test_a_job_that_ends_is_no_finding() -> None:
    """A task that no service started is meant to end."""
    assert find(stopped(exit_code="0", service="")) == ()


def test_a_refused_network_interface_is_a_matter_of_permission() -> None:
    """ECS words it as an interface problem; the role or a tag policy is to blame."""
    message = "Unexpected EC2 error while attempting to Create Network Interface: AuthFailure"
    found = find(stopped(message=message, code="TaskFailedToStart"))

    assert {f.kind for f in found} == {"task_stop", "permissions"}


def test_sick_targets_are_told_with_the_balancers_reason() -> None:
    """What the balancer sees now stands beside what ECS did."""
    target = Event(time=at(60), kind="target_health", service="demo-app", code="unhealthy", message="Target.Timeout")
    healthy = Event(time=at(60), kind="target_health", service="demo-app", code="healthy")
    (found,) = find(target, healthy)

    assert (found.subject, found.words) == ("unhealthy", "1 target of demo-app unhealthy: Target.Timeout")


_EVENTS = st.builds(
    Event,
    time=st.datetimes(datetime(2026, 3, 1, 11), datetime(2026, 3, 1, 13), timezones=st.just(UTC)),
    kind=st.sampled_from(["task_stopped", "task_running", "service_message", "service_action", "deployment", "other"]),
    service=st.sampled_from(["", "demo-app", "auth"]),
    task=st.sampled_from(["", "a", "b"]),
    code=st.sampled_from(["", "SERVICE_DEPLOYMENT_IN_PROGRESS", "SERVICE_DEPLOYMENT_FAILED", "UserInitiated"]),
    message=st.one_of(
        st.text(max_size=20), st.sampled_from(["rolling back to deployment", "is unhealthy in", ELB, EXITED])
    ),
    revision=st.sampled_from(["", "demo-app:7", "demo-app:8"]),
    deployment=st.sampled_from(["", "ecs-svc/1", "ecs-svc/2"]),
    details=st.sampled_from(
        [(), (("exit_code", "1"),), (("started_at", "x"),), (("created_at", "2026-03-01T12:00:00+00:00"),)]
    ),
)


@given(st.lists(_EVENTS, max_size=12))
def test_findings_are_sorted_and_lie_in_the_window(events: list[Event]) -> None:
    """Whatever comes, in any order: findings are sorted, inside the window, and count something."""
    found = find(*events)

    assert all(f.count > 0 and f.pillar == "events" for f in found)
    assert all(WINDOW.start <= f.onset <= WINDOW.end for f in found)
    assert [f.onset for f in found] == sorted(f.onset for f in found)


def alert(seconds: float, *, name: str = "Slow", service: str = "demo-app", message: str = "") -> Event:
    """Return an alert that somebody was called by."""
    return Event(time=at(seconds), kind="alert", service=service, code=name, message=message)


def test_an_alert_is_told_by_its_name_once_for_all_that_bear_it() -> None:
    """Whoever was called finds the name on the timeline; ten targets of one rule are one line."""
    members = [alert(60.0, message="p95 is 3 s"), alert(90.0), alert(75.0, name="Down")]

    found = find_in_events(members, service="demo-app", window=WINDOW)

    assert [(f.kind, f.pillar, f.subject, f.onset, f.until, f.count, f.words) for f in found] == [
        ("alert", "events", "Slow", at(60.0), None, 2, "the alert Slow fires (2 times): p95 is 3 s"),
        ("alert", "events", "Down", at(75.0), None, 1, "the alert Down fires"),
    ]


def test_an_alert_that_fires_since_before_the_window_says_since_when() -> None:
    """It belongs to the window in which it fires; one that comes after it does not."""
    found = find_in_events([alert(-60.0), alert(3600.0)], service="demo-app", window=WINDOW)

    assert [(f.onset, f.words) for f in found] == [(START, "the alert Slow fires since 2026-03-01T11:59:00Z")]
