"""Events become findings: the tables of stop reasons, loops, deployments, checks, placement."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obskit.incident.events import find_in_events
from obskit.incident.stop_reasons import LOOPING, TITLES, check_reason, classify, service_class
from obskit.model import Event, Finding, Window

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
WINDOW = Window(start=START, end=START + timedelta(minutes=30))
EXITED = "Essential container in task exited"
ELB = "Task failed ELB health checks in (target-group arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/s/1)"
PULL = "CannotPullContainerError: "
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


@pytest.mark.parametrize(
    ("message", "code", "label"),
    [
        (ELB, "ServiceSchedulerInitiated", "health_check_failed"),
        ("Service demo-app: Task failed ELB health checks in (elb old).", "", "health_check_failed"),
        ("Task failed container health checks", "ServiceSchedulerInitiated", "health_check_failed"),
        ("Scaling activity initiated by (deployment ecs-svc/1)", "ServiceSchedulerInitiated", "scale_in"),
        ("Scaling activity initiated by (deployment ecs-svc/2)", "ServiceSchedulerInitiated", "deployment_replacement"),
        (
            "ECS is performing maintenance on the underlying infrastructure hosting the task",
            "ServiceSchedulerInitiated",
            "maintenance",
        ),
        ("Your Spot Task was interrupted.", "SpotInterruption", "spot_interruption"),
        ("Your Spot Task was interrupted.", "TerminationNotice", "spot_interruption"),
        ("Host EC2 (instance i-0123) stopped/terminated.", "", "infrastructure"),
        ("Container instance deregistration forced by user", "UserInitiated", "user_stopped"),
        (
            "Task stopped because its container instance is in DRAINING state",
            "ServiceSchedulerInitiated",
            "maintenance",
        ),
        ("Task stopped by user", "UserInitiated", "user_stopped"),
        (
            "Unexpected EC2 error while attempting to Create Network Interface with public IP assignment enabled in "
            "subnet: InsufficientFreeAddressesInSubnet",
            "TaskFailedToStart",
            "eni",
        ),
        ("Unexpected EC2 error while attempting to tag the interface: TagPolicyViolation", "TaskFailedToStart", "eni"),
        ("Timeout waiting for network interface provisioning to complete.", "TaskFailedToStart", "eni"),
        ("Timeout waiting for EphemeralStorage provisioning to complete.", "TaskFailedToStart", "infrastructure"),
        ("InternalError: attachment reported too late", "TaskFailedToStart", "infrastructure"),
        (
            "The selected task definition is not compatible with the selected compute strategy.",
            "TaskFailedToStart",
            "configuration",
        ),
        ("Unable to attach network interface to unused device index", "TaskFailedToStart", "capacity"),
        ("AGENT", "TaskFailedToStart", "infrastructure"),
        (
            "Capacity is unavailable at this time. Please try again later or in a different availability zone",
            "TaskFailedToStart",
            "capacity",
        ),
        ("", "InfrastructureHealth", "infrastructure"),
        ("", "TaskFailedToStart", "unknown"),
        ("", "", "unknown"),
    ],
)
def test_a_stopped_reason_gives_its_class(message: str, code: str, label: str) -> None:
    """Every row of the table of task-level texts has one class, whatever stands around it."""
    assert classify(stopped(message=message, code=code)) == label


@pytest.mark.parametrize(
    ("reason", "label"),
    [
        (PULL + "pull image manifest has been retried 1 time(s): image not found", "image_not_found"),
        (PULL + "manifest unknown: Requested image not found", "image_not_found"),
        (PULL + "Error: manifest for x:v2 not found", "image_not_found"),
        (PULL + "repository x does not exist", "image_not_found"),
        (PULL + "invalid reference format", "image_not_found"),
        (PULL + "dial tcp 10.0.0.1:443: i/o timeout", "image_pull_network"),
        (PULL + "net/http: request canceled while waiting for connection", "image_pull_network"),
        (PULL + "context canceled", "image_pull_network"),
        (PULL + "context deadline exceeded", "image_pull_network"),
        (PULL + "httpReaderSeeker: failed open: failed to do request", "image_pull_network"),
        (PULL + "User: arn:x is not authorized to perform: ecr:GetAuthorizationToken", "image_pull_denied"),
        (PULL + "AccessDenied", "image_pull_denied"),
        (PULL + "unexpected status 403 Forbidden", "image_pull_denied"),
        (PULL + "no basic auth credentials", "image_pull_denied"),
        (PULL + "toomanyrequests: slow down", "image_pull_throttled"),
        (PULL + "You have reached your pull rate limit", "image_pull_throttled"),
        (PULL + "write /x: no space left on device", "image_disk_full"),
        (PULL + "image does not contain descriptor matching platform 'linux/amd64'", "image_platform"),
        (PULL + "pull image manifest has been retried 5 time(s)", "image_pull_failed"),
        (SECRETS + "There is a connection issue between the task and Secrets Manager", "secret_unreachable"),
        (SECRETS + "i/o timeout", "secret_unreachable"),
        (SECRETS + "RequestCanceled: request context canceled", "secret_unreachable"),
        (SECRETS + "signal: killed", "secret_unreachable"),
        (SECRETS + "AccessDeniedException: not today", "secret_denied"),
        (SECRETS + "arn:x is not authorized to perform: ssm:GetParameters", "secret_denied"),
        (SECRETS + "ResourceNotFoundException: Secrets Manager can't find the specified secret.", "secret_missing"),
        (SECRETS + "ParameterNotFound", "secret_missing"),
        (SECRETS + "invalid character 'x' looking for beginning of value", "secret_missing"),
        (SECRETS + "retrieved secret from Secrets Manager did not contain json key password", "secret_missing"),
        ("ResourceInitializationError: failed to validate logger args: signal: killed", "logging_setup"),
        ("ResourceInitializationError: failed to validate logger args: log group does not exist", "logging_setup"),
        ("ResourceInitializationError: failed to download env files: file download command: 404", "configuration"),
        ("ResourceInitializationError: failed to download env files: AccessDenied", "secret_denied"),
        ("ResourceInitializationError: failed to invoke EFS utils commands to set up EFS volumes", "efs"),
        ("mount.nfs4: Connection timed out", "efs"),
        ('Failed to resolve "fs-0123.efs.eu-west-1.amazonaws.com"', "efs"),
        ("ResourceInitializationError: failed to configure ENI: failed to setup regular eni", "eni"),
        ("OutOfMemoryError: Container killed due to memory usage", "out_of_memory"),
        ("CannotStartContainerError: failed to get container status", "entrypoint_broken"),
        ('CannotStartContainerError: exec: "x": executable file not found in $PATH', "entrypoint_broken"),
        ("CannotStartContainerError: exec format error", "entrypoint_broken"),
        ("CannotStartContainerError: permission denied", "entrypoint_broken"),
        (
            "ContainerRuntimeTimeoutError: Could not transition to running; timed out after waiting",
            "infrastructure",
        ),
        ("DockerTimeoutError: Could not transition to created", "infrastructure"),
        ("CannotStopContainerError: failed sending SIGTERM to container", "infrastructure"),
        ("CannotInspectContainerError: Could not inspect", "infrastructure"),
        ("CannotCreateVolumeError: no driver", "infrastructure"),
        ("CannotCreateContainerError: API error (500): devmapper: Thin Pool has no free blocks", "image_disk_full"),
        ("TaskDependencyError: a dependency failed", "dependency_container"),
        ("dependency log-router was not healthy", "dependency_container"),
        ("HostConfigError: bad", "configuration"),
    ],
)
def test_a_start_error_gives_its_class_wherever_it_stands(reason: str, label: str) -> None:
    """A prefixed error means the same in the container's reason and in the task's stoppedReason."""
    in_reason = stopped(message="", code="TaskFailedToStart", container_reason=reason)
    in_message = stopped(message=reason, code="TaskFailedToStart")

    assert (classify(in_reason), classify(in_message)) == (label, label)


@pytest.mark.parametrize(
    ("exit_code", "label"),
    [
        ("", "unknown"),
        ("0", "clean_exit"),
        ("1", "crash"),
        ("2", "crash"),
        ("3", "crash"),
        ("125", "entrypoint_broken"),
        ("126", "entrypoint_broken"),
        ("127", "entrypoint_broken"),
        ("132", "crash"),
        ("133", "crash"),
        ("134", "crash"),
        ("135", "crash"),
        ("137", "crash"),
        ("139", "crash"),
        ("141", "crash"),
        ("143", "crash"),
        ("255", "crash"),
    ],
)
def test_an_exit_code_counts_when_no_words_explain_the_stop(exit_code: str, label: str) -> None:
    """An essential container that ends by itself crashed, unless it ended well or could not run."""
    assert classify(stopped(exit_code=exit_code)) == label


@pytest.mark.parametrize(
    ("code", "message", "label"),
    [
        ("EssentialContainerExited", EXITED, "crash"),
        ("ServiceSchedulerInitiated", ELB, "health_check_failed"),
        ("ServiceSchedulerInitiated", "Scaling activity initiated by (deployment ecs-svc/1)", "killed_stop_timeout"),
        ("UserInitiated", "Task stopped by user", "killed_stop_timeout"),
        ("SpotInterruption", "Your Spot Task was interrupted.", "spot_interruption"),
    ],
)
def test_exit_137_alone_is_never_out_of_memory(code: str, message: str, label: str) -> None:
    """SIGKILL says who was killed, not why: only a reason text makes it memory."""
    assert classify(stopped(message=message, code=code, exit_code="137")) == label


def test_out_of_memory_is_believed_by_its_words_even_with_exit_code_0() -> None:
    """A child that was killed for memory may leave its parent to end well."""
    event = stopped(exit_code="0", container_reason="OutOfMemoryError: Container killed due to memory usage")

    assert classify(event) == "out_of_memory"


def test_a_callers_own_words_are_not_taken_for_those_of_ecs() -> None:
    """Whoever calls StopTask may write anything as its reason."""
    event = stopped(message="OutOfMemoryError: just kidding", code="UserInitiated", exit_code="143")

    assert classify(event) == "user_stopped"


def test_what_the_runtime_says_while_tidying_up_does_not_hide_the_reason() -> None:
    """A container that could not be stopped was to be stopped for something."""
    event = stopped(
        message=ELB,
        code="ServiceSchedulerInitiated",
        container_reason="CannotStopContainerError: failed sending SIGTERM",
    )

    assert classify(event) == "health_check_failed"


def test_every_class_has_words() -> None:
    """A finding of any class can be shown to a person."""
    assert set(TITLES) >= LOOPING


@given(st.text(), st.text(), st.sampled_from(["", "0", "137", "x", "-1"]), st.text())
def test_any_text_has_a_class(message: str, reason: str, exit_code: str, code: str) -> None:
    """Classification never fails, and never leaves the known classes."""
    event = stopped(message=message, code=code, container_reason=reason, exit_code=exit_code)

    assert classify(event) in TITLES


UNABLE = "(service demo-app) was unable to place a task"


@pytest.mark.parametrize(
    ("message", "kind", "subject"),
    [
        ("(service demo-app) has reached a steady state.", "steady_state", "steady_state"),
        ("(service demo-app) is unable to consistently start tasks successfully.", "start_impaired", "start_impaired"),
        (
            f"{UNABLE} because no container instance met all of its requirements. The closest matching "
            "container-instance has insufficient CPU units available.",
            "placement_failure",
            "resource",
        ),
        (
            f"{UNABLE}. Reason: Capacity is unavailable at this time. Please try again later",
            "placement_failure",
            "capacity",
        ),
        (
            f"{UNABLE}. Reason: You’ve reached the limit on the number of tasks you can run concurrently",
            "placement_failure",
            "quota",
        ),
        (
            f"{UNABLE}. Reason: You've reached the limit on the number of vCPUs you can run concurrently",
            "placement_failure",
            "quota",
        ),
        (f"{UNABLE}. Reason: The requested CPU configuration is above your limit", "placement_failure", "quota"),
        (f"{UNABLE}. Reason: The requested MEMORY configuration is above your limit", "placement_failure", "quota"),
        (f"{UNABLE}. Reason: Internal error.", "placement_failure", "resource"),
        ("(service demo-app) could not launch 3 tasks for deployment ecs-svc/1", "placement_failure", "capacity"),
        (
            "(service demo-app) was unable to place tasks in your cluster because the tasks provisioning capacity limit "
            "was exceeded.",
            "placement_failure",
            "quota",
        ),
        (
            "(service demo-app) was unable to stop or start tasks during a deployment because of the service deployment "
            "configuration.",
            "start_impaired",
            "deployment_configuration",
        ),
        ("(service demo-app) operations are being throttled. Will try again later.", "throttled_api", "throttled_api"),
        (
            "(service demo-app) was unable to reach steady state because task set (ts) was unable to scale in. Reason: "
            "The number of protected tasks are more than the desired count of tasks.",
            "scaling",
            "scale_in_protected",
        ),
        (
            "(service demo-app) was unable to reach steady state. Reason: No Container Instances were found in your "
            "capacity provider.",
            "placement_failure",
            "capacity",
        ),
        ("Timed out waiting for Amazon ECS Agent to start.", "start_impaired", "agent"),
        (
            "IAM permissions policies have been misconfigured or changed, and ECS can no longer maintain your service",
            "permissions",
            "role",
        ),
        ("IAM trust relationship has been misconfigured or changed", "permissions", "role"),
        ("(service demo-app) is not AZ balanced with 3 tasks in a, 1 in b", "az_rebalance", "az_rebalance"),
        ("(service demo-app) has started 1 tasks in eu-west-1b to AZ Rebalance", "az_rebalance", "az_rebalance"),
        (
            "(service demo-app) (task 0123456789abcdef) failed container health checks.",
            "health_check",
            "container_unhealthy",
        ),
        (
            "(service demo-app) (task 0123456789abcdef) (port 80) is unhealthy in (target-group tg) due to (reason "
            "Request timed out)",
            "health_check",
            "target_unhealthy",
        ),
        (
            "(service demo-app) (instance i-1) is unhealthy in (elb e) due to (reason Instance has failed at least the "
            "UnhealthyThreshold number of health checks consecutively.)",
            "health_check",
            "target_unhealthy",
        ),
        (
            "task set ID (task T) is not healthy in target-group ARN due to TARGET GROUP IS NOT FOUND",
            "health_check",
            "target_missing",
        ),
        (
            "Message: Successfully set desired count to 5. Change successfully fulfilled by ecs.",
            "scaling",
            "desired_count",
        ),
        ("Message: the desired count is already at maximum capacity 10", "scaling", "at_maximum"),
    ],
)
def test_a_service_message_gives_its_kind(message: str, kind: str, subject: str) -> None:
    """Every row of the table of service messages that means something is one finding."""
    assert kinds(find(said(message))) == [(kind, subject, 1)]


@pytest.mark.parametrize(
    "message",
    [
        "(service demo-app) has started 2 tasks: (task 0123456789abcdef) (task fedcba9876543210).",
        "(service demo-app) has stopped 1 running tasks: (task 0123456789abcdef).",
        "(service demo-app) registered 1 targets in (target-group arn)",
        "(service demo-app) deregistered 1 targets in (target-group arn)",
        "(service demo-app, taskSet ecs-svc/1) has begun draining connections on 1 tasks.",
    ],
)
def test_routine_is_no_finding(message: str) -> None:
    """Starts, stops and registrations are told by what caused them."""
    assert find(said(message)) == ()


@pytest.mark.parametrize(
    ("code", "reason", "kind", "subject"),
    [
        ("SERVICE_STEADY_STATE", "", "steady_state", "steady_state"),
        ("SERVICE_DESIRED_COUNT_UPDATED", "", "scaling", "desired_count"),
        ("SERVICE_REBALANCING_STARTED", "", "az_rebalance", "az_rebalance"),
        ("SERVICE_TASK_START_IMPAIRED", "", "start_impaired", "start_impaired"),
        ("SERVICE_DISCOVERY_INSTANCE_UNHEALTHY", "", "health_check", "target_unhealthy"),
        ("VPC_LATTICE_TARGET_UNHEALTHY", "", "health_check", "target_unhealthy"),
        ("SERVICE_TASK_PLACEMENT_FAILURE", "RESOURCE:FARGATE", "placement_failure", "capacity"),
        ("SERVICE_TASK_PLACEMENT_FAILURE", "RESOURCE:MEMORY", "placement_failure", "resource"),
        ("SERVICE_TASK_CONFIGURATION_FAILURE", "", "start_impaired", "configuration"),
        ("ECS_OPERATION_THROTTLED", "", "throttled_api", "throttled_api"),
        ("SERVICE_DISCOVERY_OPERATION_THROTTLED", "", "throttled_api", "throttled_api"),
        ("SERVICE_DAEMON_PLACEMENT_CONSTRAINT_VIOLATED", "", "placement_failure", "resource"),
        ("SERVICE_DEPLOYMENT_IN_PROGRESS", "", "deployment", "started"),
        ("SERVICE_DEPLOYMENT_COMPLETED", "", "deployment", "completed"),
    ],
)
def test_a_service_action_gives_its_kind(code: str, reason: str, kind: str, subject: str) -> None:
    """Every event name that means something is one finding."""
    assert kinds(find(action(code, reason))) == [(kind, subject, 1)]


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("Request timed out", "timed out"),
        ("Health checks failed with these codes: [502]", "answered 502"),
        ("Connection refused", "were refused"),
        ("Health checks failed", "failed"),
    ],
)
def test_a_failed_check_says_how_it_failed(reason: str, words: str) -> None:
    """Whether the target was slow, wrong or gone decides where to look next."""
    assert check_reason(f"x is unhealthy in (target-group t[1]) due to (reason {reason})") == words


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


def test_an_unknown_message_means_nothing() -> None:
    """Words that no table knows are left alone."""
    assert service_class("", "(service demo-app) sends its regards.") is None
