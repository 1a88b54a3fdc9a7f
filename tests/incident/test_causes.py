"""Each cause wins on the evidence that a textbook expects, and does not on its decoys'."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from obskit.incident.causes import Cause, all_causes
from tests.support.scenario import SERVICE, TASKS, Scenario, causes_of

ELB = "Task failed ELB health checks in (target-group arn:aws:elasticloadbalancing:eu-west-1:1:targetgroup/shop/1)"
EXITED = "Essential container in task exited"
POOL = "QueuePool limit of size 5 overflow 2 reached, connection timed out, timeout 3.00"


def pool_leak() -> Scenario:
    """The founding example: a leak, CPU from retries, replaced tasks."""
    case = Scenario().becomes("db_pool_used_ratio", 1.4).logs(POOL, every=1).errors(latency=5)
    case.becomes("container_cpu_cores", 0.4, after_seconds=60).stops(4, ELB, detail_exit_code="137")
    return case.logs("database timeout: no connection from the pool after {n} ms")


def dependency(slow: bool) -> Scenario:
    """A called service is slow, or down."""
    case = Scenario().errors()
    case.facts["relation.payment"] = "dependency"
    labels = (("server_address", "payment"),)
    if slow:
        case.becomes("client_latency_mean", 3.0, before=0.02, labels=labels)
        return case.logs("HTTPConnectionPool(host='payment', port=80): Read timed out. (read timeout=3)")
    case.becomes("client_error_ratio", 0.9, labels=labels).becomes("ecs_running_tasks", 0, service="payment", before=2)
    return case.logs("Error: connect ECONNREFUSED 10.0.3.7:8080 calling payment")


def bad_release() -> Scenario:
    """A new revision cannot start and is rolled back."""
    case = Scenario().event(
        "deployment",
        code="SERVICE_DEPLOYMENT_IN_PROGRESS",
        message="ECS deployment ecs-svc/2 in progress.",
        deployment="ecs-svc/2",
        revision="shop:7",
    )
    case.stops(
        5,
        EXITED,
        code="EssentialContainerExited",
        revision="shop:7",
        detail_exit_code="1",
        detail_container="shop",
        deployment="ecs-svc/2",
    )
    case.event(
        "deployment",
        minutes=6,
        code="SERVICE_DEPLOYMENT_FAILED",
        message="ECS deployment circuit breaker: task failed to start.",
        deployment="ecs-svc/2",
    )
    return case.logs("ModuleNotFoundError: No module named 'shop.pricing'", every=60)


def wrong_health_check() -> Scenario:
    """Only the check fails."""
    case = Scenario().stops(4, ELB, detail_exit_code="143")
    return case.event(
        "service_message",
        message="(service shop) (task 1) (port 8080) is unhealthy in (target-group shop) due to (reason Health checks failed with these codes: [404])",
    )


def autoscaling_stuck() -> Scenario:
    """Autoscaling says that its maximum is reached."""
    case = Scenario().becomes("container_cpu_cores", 0.49).becomes("ecs_desired_tasks", 10, before=3)
    return case.event(
        "service_message",
        message="Message: Successfully set desired count to 10. Change successfully fulfilled by ecs. Cause: ... capped at its maximum capacity.",
    )


SCENARIOS: dict[str, Callable[[], Scenario]] = {
    "db_pool_exhausted": pool_leak,
    "db_connection_limit": lambda: (
        Scenario().errors().becomes("pg_connections_ratio", 0.98).logs("FATAL:  sorry, too many clients already")
    ),
    "database_unreachable": lambda: (
        Scenario()
        .errors()
        .becomes("pg_up", 0)
        .becomes("pg_commits", 0)
        .logs('connection to server at "10.0.3.7", port 5432 failed: Connection refused')
    ),
    "lock_contention": lambda: (
        Scenario()
        .errors()
        .becomes("pg_locks", 40)
        .becomes("pg_longest_transaction", 300, ramp=True)
        .becomes("db_pool_used_ratio", 1.0, after_seconds=30)
        .logs("ERROR:  canceling statement due to lock timeout")
        .logs(POOL)
    ),
    "slow_queries": lambda: (
        Scenario()
        .errors()
        .becomes("db_query_seconds", 4, before=0.01)
        .becomes("pg_active", 15)
        .becomes("db_pool_used_ratio", 1.0, after_seconds=30)
        .logs("ERROR:  canceling statement due to statement timeout")
    ),
    "db_credentials_refused": lambda: Scenario().errors().logs('FATAL:  password authentication failed for user "app"'),
    "cpu_saturation": lambda: Scenario().errors(0.0, 3).becomes("container_cpu_cores", 0.49),
    "cpu_throttled": lambda: Scenario().errors(0.0, 3).becomes("container_cpu_throttled_ratio", 0.8, before=0.01),
    "memory_exhausted": lambda: (
        Scenario()
        .becomes("container_memory_ratio", 0.99, ramp=True)
        .stops(
            3,
            EXITED,
            code="EssentialContainerExited",
            detail_container_reason="OutOfMemoryError: Container killed due to memory usage",
            detail_exit_code="137",
            detail_container="shop",
        )
    ),
    "memory_leak": lambda: (
        Scenario()
        .becomes("container_memory_bytes", 300 * 2**20, ramp=True)
        .becomes("container_memory_ratio", 0.6, ramp=True)
    ),
    "runtime_heap_exhausted": lambda: (
        Scenario()
        .errors()
        .logs(
            "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory",
            every=120,
            level="fatal",
        )
        .stops(3, EXITED, code="EssentialContainerExited", detail_exit_code="134", detail_container="shop")
    ),
    "disk_full": lambda: (
        Scenario()
        .errors()
        .becomes("node_disk_used_ratio", 1.0, ramp=True)
        .logs("OSError: [Errno 28] No space left on device")
    ),
    "file_descriptors_exhausted": lambda: (
        Scenario().errors().becomes("process_fds_ratio", 1.0).logs("OSError: [Errno 24] Too many open files")
    ),
    "worker_saturation": lambda: (
        Scenario().errors(0.1, 20).becomes("http_in_flight", 60).logs("[CRITICAL] WORKER TIMEOUT (pid:{n})", every=20)
    ),
    "traffic_surge": lambda: (
        Scenario()
        .becomes("http_requests", 120)
        .becomes("alb_requests", 20_000)
        .becomes("container_cpu_cores", 0.49)
        .becomes("http_latency_p95", 2)
        .becomes("http_in_flight", 40)
    ),
    "slow_dependency": lambda: dependency(slow=True),
    "dependency_down": lambda: dependency(slow=False),
    "dns_failure": lambda: Scenario().errors().logs("[Errno -3] Temporary failure in name resolution"),
    "tls_failure": lambda: (
        Scenario()
        .errors()
        .logs(
            "ssl.SSLCertVerificationError: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired"
        )
    ),
    "throttled": lambda: (
        Scenario()
        .errors()
        .logs(
            "An error occurred (ThrottlingException) when calling the PutItem operation (reached max retries: 4): Rate exceeded"
        )
    ),
    "bad_deployment": bad_release,
    "bad_configuration": lambda: (
        Scenario()
        .logs("KeyError: 'DATABASE_URL'", every=30)
        .stops(3, EXITED, code="EssentialContainerExited", detail_exit_code="1", detail_container="shop")
    ),
    "image_pull_failed": lambda: Scenario().stops(
        3,
        "CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref shop:nope: not found",
        code="TaskFailedToStart",
    ),
    "access_denied": lambda: (
        Scenario()
        .errors()
        .logs(
            "An error occurred (AccessDeniedException) when calling the GetSecretValue operation: User: arn:aws:sts::1:assumed-role/x is not authorized to perform: secretsmanager:GetSecretValue"
        )
    ),
    "capacity_unavailable": lambda: Scenario().event(
        "service_message",
        message="(service shop) was unable to place a task. Reason: Capacity is unavailable at this time. Please try again later or in a different availability zone.",
    ),
    "health_check_misconfigured": wrong_health_check,
    "one_bad_task": lambda: (
        Scenario().becomes("http_error_ratio", 0.6, tasks=TASKS[:1]).becomes("http_latency_mean", 4, tasks=TASKS[:1])
    ),
    "cache_failure": lambda: (
        Scenario()
        .errors()
        .logs("redis.exceptions.ConnectionError: Error 111 connecting to cache:6379. Connection refused.")
    ),
    "messaging_failure": lambda: (
        Scenario()
        .errors(0.1)
        .becomes("queue_backlog", 90_000, before=10, ramp=True)
        .logs("Topic orders not present in metadata after 60000 ms.")
    ),
    "network_unreachable": lambda: Scenario().errors().logs("OSError: [Errno 113] No route to host"),
    "node_pressure": lambda: Scenario().errors(0.0, 2).becomes("node_cpu_ratio", 0.99).becomes("node_steal_ratio", 0.5),
    "runtime_pause": lambda: (
        Scenario()
        .errors(0.0, 2)
        .becomes("runtime_gc_ratio", 0.4, before=0.01)
        .becomes("runtime_loop_lag", 0.9, before=0.01)
    ),
    "clock_skew": lambda: (
        Scenario()
        .errors()
        .becomes("node_clock_offset", 400)
        .logs("Signature expired: 20260131T000000Z is now earlier than 20260131T031200Z")
    ),
    "scaling_at_maximum": autoscaling_stuck,
    "telemetry_blind": lambda: Scenario().becomes("task_up", 0),
}


@pytest.mark.parametrize("cause", all_causes(), ids=lambda cause: cause.id)
def test_each_cause_wins_on_its_textbook_evidence(cause: Cause) -> None:
    """A cause that never won is not done."""
    diagnosis = SCENARIOS[cause.id]().diagnosis()

    assert cause.id == causes_of(diagnosis)[0], [(h.cause, round(h.probability, 2)) for h in diagnosis.hypotheses[:4]]
    assert diagnosis.verdict == "cause_found"


def test_every_id_of_the_design_has_a_cause() -> None:
    """The ids are the files', runbooks' and labels' names; none is missing or made up."""
    assert set(SCENARIOS) == {cause.id for cause in all_causes()}
    known = {cause.id for cause in all_causes()}
    assert all(set(cause.brings_about) <= known - {cause.id} for cause in all_causes())


def test_a_calm_service_has_no_cause() -> None:
    """Noise alone is no incident, whatever its seed."""
    verdicts = [Scenario(seed=seed).diagnosis().verdict for seed in range(10)]

    assert verdicts == ["calm"] * 10


def test_the_founding_example_is_the_pool_and_not_the_cpu() -> None:
    """CPU, restarts and latency are explained by the pool that ran out before them."""
    diagnosis = pool_leak().diagnosis()
    cpu = next((h for h in diagnosis.hypotheses if h.cause == "cpu_saturation"), None)

    assert (diagnosis.hypotheses[0].cause, diagnosis.culprit.service) == ("db_pool_exhausted", SERVICE)
    assert diagnosis.hypotheses[0].probability > 0.8
    assert cpu is None or cpu.explained_by == "db_pool_exhausted"
    assert "leak" in diagnosis.hypotheses[0].judgement.reason


@pytest.mark.parametrize("pillar", ["metrics", "logs", "events"])
def test_the_founding_example_survives_the_loss_of_any_one_pillar(pillar: str) -> None:
    """What remains carries the answer, and the loss is told."""
    diagnosis = pool_leak().without(pillar).diagnosis()

    assert causes_of(diagnosis)[0] == "db_pool_exhausted"
    assert diagnosis.gaps


def test_without_any_telemetry_nothing_is_judged() -> None:
    """All sources down is no calm: every cause is listed as not judged."""
    diagnosis = pool_leak().without("metrics", "logs", "events").diagnosis()

    assert len(diagnosis.not_judged) == len(all_causes())
    assert diagnosis.verdict != "calm"


def test_two_faults_at_once_are_two_findings() -> None:
    """A full disk beside an expired certificate: both are told."""
    case = (
        Scenario()
        .errors()
        .becomes("node_disk_used_ratio", 1.0, ramp=True)
        .logs("OSError: [Errno 28] No space left on device")
    )
    case.logs("certificate verify failed: certificate has expired")
    first, second = case.diagnosis().hypotheses[:2]

    assert {"disk_full", "tls_failure"} == {first.cause, second.cause}
    assert second.independent


def test_an_innocent_deployment_is_not_blamed_for_a_refused_password() -> None:
    """A release that went through shortly before is a hint, not the answer."""
    case = Scenario().errors().logs('FATAL:  password authentication failed for user "app"')
    case.event(
        "deployment",
        minutes=-8,
        code="SERVICE_DEPLOYMENT_IN_PROGRESS",
        message="ECS deployment ecs-svc/2 in progress.",
        deployment="ecs-svc/2",
        revision="shop:7",
    )
    case.event(
        "deployment",
        minutes=-5,
        code="SERVICE_DEPLOYMENT_COMPLETED",
        message="ECS deployment ecs-svc/2 completed.",
        deployment="ecs-svc/2",
        revision="shop:7",
    )

    assert causes_of(case.diagnosis())[0] == "db_credentials_refused"


def test_a_signature_that_is_there_all_day_is_no_evidence() -> None:
    """What is logged at the same rate before and after says nothing about now."""
    case = Scenario()
    for second in range(0, 160 * 15, 10):
        case.log(second, "Error: connect ECONNREFUSED 10.0.3.7:8080")

    assert case.diagnosis().verdict == "calm"
