"""Why a task stopped: every row of what ECS may say has one class."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from obskit.incident.stop_reasons import LOOPING, TITLES, check_reason, classify, service_class
from obskit.model import Event

EXITED = "Essential container in task exited"
ELB = "Task failed ELB health checks in (target-group arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/s/1)"
PULL = "CannotPullContainerError: "
SECRETS = "ResourceInitializationError: unable to pull secrets or registry auth: "


def stopped(message: str = EXITED, code: str = "EssentialContainerExited", **details: str) -> Event:
    """Return the stop of a task of deployment ecs-svc/1."""
    return Event(
        time=datetime(2026, 3, 1, 12, tzinfo=UTC),
        kind="task_stopped",
        service="demo-app",
        code=code,
        message=message,
        deployment="ecs-svc/1",
        details=tuple(sorted(details.items())),
    )


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
    assert classify(stopped(message, code)) == label


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
            "(service demo-app) was unable to place tasks in your cluster because the tasks provisioning capacity "
            "limit was exceeded.",
            "placement_failure",
            "quota",
        ),
        (
            "(service demo-app) was unable to stop or start tasks during a deployment because of the service "
            "deployment configuration.",
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
    found = service_class("", message)

    assert found is not None
    assert (found.kind, found.subject) == (kind, subject)


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
def test_routine_means_nothing(message: str) -> None:
    """Starts, stops and registrations are told by what caused them."""
    assert service_class("", message) is None


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
    ],
)
def test_a_service_action_gives_its_kind(code: str, reason: str, kind: str, subject: str) -> None:
    """Every event name that means something is one finding."""
    found = service_class(code, reason)

    assert found is not None
    assert (found.kind, found.subject) == (kind, subject)


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


def test_an_unknown_message_means_nothing() -> None:
    """Words that no table knows are left alone."""
    assert service_class("", "(service demo-app) sends its regards.") is None
