"""Each cause wins on the evidence that a textbook expects, and does not on its decoys'."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from obskit.incident.causes import Cause, all_causes
from obskit.model import Step
from tests.support.scenario import POINTS, SERVICE, TASKS, Scenario, causes_of

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


def test_steps_for_a_reason_come_before_the_others() -> None:
    """What a cause says first depends on what it found; without such a reason its steps are as they stand."""
    one, other = Step(words="one"), Step(words="other")
    cause = Cause(id="c", title="", needs=(), judge=lambda _: None, next_steps=(other,), first_steps={"why": (one,)})

    assert cause.steps("why") == (one, other)
    assert cause.steps("") == cause.steps("else") == (other,)


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


def release(case: Scenario, *, completed: bool = True) -> Scenario:
    """Add a deployment shortly before the onset."""
    more = {"deployment": "ecs-svc/2", "revision": "shop:7"}
    case.event(
        "deployment",
        minutes=-2,
        code="SERVICE_DEPLOYMENT_IN_PROGRESS",
        message="ECS deployment ecs-svc/2 in progress.",
        **more,
    )
    if completed:
        case.event(
            "deployment",
            minutes=-1,
            code="SERVICE_DEPLOYMENT_COMPLETED",
            message="ECS deployment ecs-svc/2 completed.",
            **more,
        )
    return case


def calling(case: Scenario, *, seconds: float, failing: float) -> Scenario:
    """Let the service call ``payment``, slowly or in vain."""
    case.facts["relation.payment"] = "dependency"
    labels = (("server_address", "payment"),)
    case.becomes("client_latency_mean", seconds, before=0.02, labels=labels)
    return case.becomes("client_error_ratio", failing, labels=labels)


def test_a_pool_full_of_running_statements_is_the_slow_database() -> None:
    """A leaked connection is idle: where far more statements run than requests explain, queries are slow."""
    case = Scenario().errors(latency=6).becomes("pg_active", 18).becomes("pg_commits", 20)
    case.becomes("db_pool_used_ratio", 1.4, after_seconds=30).logs(POOL, every=1)
    diagnosis = case.diagnosis()

    assert (causes_of(diagnosis)[0], diagnosis.culprit.service) == ("slow_queries", "database")


def test_statements_that_pile_up_behind_locks_are_not_called_slow() -> None:
    """The same pool, the same running statements; the locks tell the two apart."""
    case = Scenario().errors(latency=6).becomes("pg_active", 18).becomes("pg_commits", 20).becomes("pg_locks", 30)
    case.becomes("pg_longest_transaction", 300, ramp=True)
    case.becomes("db_pool_used_ratio", 1.4, after_seconds=30).logs(POOL, every=1)

    assert causes_of(case.diagnosis())[0] == "lock_contention"


def test_a_release_without_trouble_is_no_suspect() -> None:
    """Nothing happened that it could be blamed for."""
    assert release(Scenario()).diagnosis().verdict == "calm"


def test_a_wrong_check_is_found_although_replacing_tasks_costs_requests_and_a_release_came_before() -> None:
    """A few failed requests and a little latency are the price of killing healthy tasks, not their reason."""
    case = release(Scenario(), completed=False).stops(5, ELB, detail_exit_code="143")
    case.becomes("http_error_ratio", 0.03, after_seconds=90).becomes("http_latency_p95", 0.3, after_seconds=90)

    assert causes_of(case.diagnosis())[0] == "health_check_misconfigured"


def test_a_check_that_fails_with_the_service_is_right() -> None:
    """Where most requests fail before the first kill, the check tells the truth."""
    case = Scenario().errors(0.6, 4).stops(5, ELB, detail_exit_code="137")

    assert "health_check_misconfigured" not in causes_of(case.diagnosis())[:1]


def test_a_blocked_loop_makes_calls_look_slow() -> None:
    """When the called service answers as fast as before, the waiting is the caller's."""
    case = calling(Scenario().errors(0.05, 3), seconds=0.8, failing=0.02).becomes("runtime_loop_lag", 1.5, before=0.01)
    case.becomes("http_latency_p95", 0.05, service="payment", before=0.05)
    diagnosis = case.diagnosis()

    assert (causes_of(diagnosis)[0], diagnosis.culprit.service) == ("runtime_pause", SERVICE)


def test_calls_that_time_out_are_slow_and_calls_that_are_refused_are_in_vain() -> None:
    """All calls fail in both; how long each took before it failed tells slow from down."""
    slow = calling(Scenario().errors(0.9, 4), seconds=2.0, failing=1.0)
    slow.becomes("http_latency_p95", 9, service="payment", before=0.05).stops(3, ELB, service="payment")
    down = calling(Scenario().errors(0.9, 0.05), seconds=0.002, failing=1.0)

    assert causes_of(slow.diagnosis())[0] == "slow_dependency"
    assert causes_of(down.diagnosis())[0] == "dependency_down"
    assert down.diagnosis().verdict == "cause_found"


def test_a_named_setting_is_told_rather_than_the_release_that_missed_it() -> None:
    """Both are true; the setting's name is what is to be mended."""
    case = bad_release()
    case.rows = [row for row in case.rows if "ModuleNotFoundError" not in row[4]]
    case.logs("KeyError: 'PAYMENT_URL'", every=60)

    assert causes_of(case.diagnosis())[0] == "bad_configuration"


def test_memory_that_settles_is_warm_up() -> None:
    """Young tasks fill caches and heaps; a leak keeps its pace."""
    case = Scenario()
    rise = 0.6 + 0.4 * (1 - np.exp(-np.arange(POINTS) / 60))
    for series in [s for s in case.columns if s.signal.startswith("container_memory")]:
        case.columns[series] = case.columns[series] * rise

    assert case.diagnosis().verdict == "calm"


@pytest.mark.parametrize(
    "line",
    [
        "ENOSPC: no space left on device, write",
        'password authentication failed for user "orders"',
        "canceling statement due to lock timeout",
    ],
)
def test_a_neighbours_fault_is_not_ours(line: str) -> None:
    """What only a caller's log says does not make a calm service ill."""
    case = Scenario().becomes("http_requests", 5, service="orders", before=5)
    case.facts["relation.orders"] = "caller"
    case.logs(f"POST /orders failed: {line}", every=5, service="orders")

    assert case.diagnosis().verdict == "calm"


def test_a_database_that_only_its_clients_cannot_reach_is_unreachable() -> None:
    """An exporter beside the server does not see what lies between the server and its clients."""
    case = Scenario().errors(0.8, 9).becomes("pg_commits", 3)
    case.logs('connection to server at "10.0.3.7", port 5432 failed: Connection timed out', every=1)
    diagnosis = case.diagnosis()

    assert (causes_of(diagnosis)[0], diagnosis.verdict) == ("database_unreachable", "cause_found")


def test_slower_answers_below_any_time_out_make_no_retries() -> None:
    """More requests after a little latency are a surge; after time-outs they may be retries."""
    surge = Scenario().becomes("http_latency_p95", 0.2).becomes("http_requests", 40, after_seconds=60)
    retries = Scenario().becomes("http_latency_p95", 8).becomes("http_error_ratio", 0.5)
    retries.becomes("http_requests", 25, after_seconds=60)

    assert causes_of(surge.diagnosis())[0] == "traffic_surge"
    assert retries.diagnosis().verdict == "no_clear_cause"


def test_no_number_of_retries_makes_twenty_times_the_requests() -> None:
    """The balancer counts late, by the minute; growth beyond any retry policy is a surge all the same."""
    case = Scenario().errors(0.5, 8).becomes("alb_requests", 36_000, after_seconds=60)
    case.becomes("db_pool_used_ratio", 1.4).becomes("db_pool_waiting", 30).logs(POOL, every=1)

    assert causes_of(case.diagnosis())[0] == "traffic_surge"


def test_busy_workers_with_room_everywhere_else_are_the_cause() -> None:
    """CPU, pool and callees were watched and have room: nothing scarcer explains the queue."""
    case = Scenario().errors(0.0, 3).becomes("http_in_flight", 60)
    diagnosis = case.diagnosis()

    assert (causes_of(diagnosis)[0], diagnosis.verdict) == ("worker_saturation", "cause_found")


def test_one_of_two_tasks_can_be_the_bad_one() -> None:
    """A service of two tasks has a sibling to compare with, too."""
    case = Scenario()
    case.columns = {s: v for s, v in case.columns.items() if s.task != TASKS[2]}
    case.becomes("http_error_ratio", 0.7, tasks=TASKS[:1]).becomes("http_latency_mean", 2, tasks=TASKS[:1])
    diagnosis = case.diagnosis()

    assert (causes_of(diagnosis)[0], diagnosis.culprit.task) == ("one_bad_task", TASKS[0])


def test_a_cut_quota_fills_the_pool_and_not_the_other_way_round() -> None:
    """Throttled tasks that use no more CPU are starved; their requests keep connections longer."""
    case = Scenario().errors(0.2, 4).becomes("container_cpu_throttled_ratio", 0.9, before=0.01)
    case.becomes("db_pool_used_ratio", 1.1, after_seconds=60).logs(POOL, every=2)

    assert causes_of(case.diagnosis())[0] == "cpu_throttled"


def test_tasks_that_ecs_runs_are_alive_although_nothing_can_be_scraped() -> None:
    """Without a count of log lines, ECS's count of tasks is the sign of life."""
    case = Scenario().becomes("task_up", 0)
    case.columns = {s: v for s, v in case.columns.items() if s.signal not in ("log_lines", "alb_requests")}
    diagnosis = case.diagnosis()

    assert (causes_of(diagnosis)[0], diagnosis.verdict) == ("telemetry_blind", "cause_found")


def test_a_busy_node_under_a_service_that_answers_as_before_is_calm() -> None:
    """Others may use the machine; what nobody feels is no incident."""
    assert Scenario().becomes("node_disk_busy_ratio", 0.95, before=0.1).diagnosis().verdict == "calm"


def test_scrapes_that_overloaded_tasks_miss_are_no_blindness() -> None:
    """A task out of CPU answers its scrapes late; the load is the fault, not the watching."""
    case = Scenario().errors(0.2, 5).becomes("container_cpu_cores", 0.5).becomes("task_up", 0.2, after_seconds=30)

    assert causes_of(case.diagnosis())[0] == "cpu_saturation"


def test_a_leak_is_told_from_the_share_of_the_limit_alone() -> None:
    """Exporters differ in what they give: bytes, or the share of the task's limit."""
    case = Scenario().becomes("container_memory_ratio", 0.7, ramp=True)

    assert causes_of(case.diagnosis())[0] == "memory_leak"


def test_a_neighbours_full_disk_is_not_certain_to_be_ours() -> None:
    """On a shared node somebody else's volume fills: told as possible, not as found."""
    diagnosis = Scenario().becomes("node_disk_used_ratio", 1.0, ramp=True).diagnosis()

    assert diagnosis.verdict in ("possible", "calm", "no_clear_cause")


def test_a_line_that_only_one_task_writes_is_no_more_than_a_hint_of_a_bad_task() -> None:
    """With no figure that sets the task apart, who happened to log it says little."""
    case = Scenario().errors().logs("ssl: certificate has expired", tasks=TASKS[:1])
    found = {h.cause: h for h in case.diagnosis().hypotheses}

    assert next(iter(found)) == "tls_failure"
    assert "one_bad_task" not in found or found["one_bad_task"].judgement.score <= 0.7


def test_lines_that_the_collector_drops_are_a_blindness_with_a_reason() -> None:
    """The collector's own count says where they went."""
    case = Scenario().becomes("log_lines", 0).becomes("alloy_entries_dropped", 50, before=0)
    first = case.diagnosis().hypotheses[0]

    assert first.cause == "telemetry_blind"
    assert any("lost on their way" in claim.words for claim in first.judgement.claims_for)


def test_an_expired_certificate_speaks_for_the_handshakes_complaint() -> None:
    """Log and probe agree."""
    handshake = "ssl.SSLCertVerificationError: certificate verify failed: certificate has expired"
    case = Scenario().errors().logs(handshake).becomes("certificates_expiry", -600, before=600)
    first = case.diagnosis().hypotheses[0]

    assert first.cause == "tls_failure"
    assert any("a certificate has expired" in claim.words for claim in first.judgement.claims_for)
