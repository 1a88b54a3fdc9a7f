"""What only a part of a system says: one task of several, one pillar of three, one side of a call."""

from __future__ import annotations

import numpy as np
import pytest

from obskit.incident.causes import all_causes
from obskit.model import DATABASE
from tests.support.scenario import BEGIN, ONSET, POINTS, SERVICE, TASKS, Scenario, causes_of

REFUSED = "psycopg.OperationalError: connection failed: connection to server at 10.0.3.9, port 5432 failed"
TOO_MANY = "payment failed: payment service answered 429 Too Many Requests"
EXPIRED = "payment failed: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired"


def calling() -> Scenario:
    """Return a service that calls two others."""
    case = Scenario().errors(latency=0.1)
    case.facts.update({"relation.payment": "dependency", "relation.search": "dependency"})
    return case


def silent(case: Scenario) -> Scenario:
    """Let all lines end at the onset."""
    end = (ONSET - BEGIN).total_seconds()
    first = min(row[0] for row in case.rows)
    case.rows[:] = [row for row in case.rows if row[0] < first + end * 1e9]
    case.columns = {s: values for s, values in case.columns.items() if s.signal != "log_lines"}
    return case


def test_lines_that_end_while_requests_are_served_are_a_blind_telemetry() -> None:
    """Seen in the lines themselves: a recording without the log store's own counts knows it, too."""
    diagnosis = silent(Scenario()).diagnosis()

    assert (causes_of(diagnosis)[0], diagnosis.verdict) == ("telemetry_blind", "cause_found")


def test_blind_logs_are_called_so_and_looked_for_on_their_way() -> None:
    """They have a beginning, the first step is on the lines' way, and no metric that moved before is shown for it."""
    diagnosis = silent(Scenario().becomes("db_pool_used_ratio", 0.5, after_seconds=-240)).diagnosis()
    first = diagnosis.hypotheses[0]

    assert first.judgement.reason == "log lines do not arrive"
    assert "Alloy" in first.next_steps[0].words
    assert any("logConfiguration" in step.command for step in first.next_steps)
    assert not any("/metrics'" in step.command for step in first.next_steps)
    assert diagnosis.onset == first.judgement.onset
    assert not diagnosis.culprit.series


def test_blind_metrics_are_called_so_and_looked_for_at_the_targets() -> None:
    """The counterpart: who scrapes is asked first."""
    first = Scenario().becomes("task_up", 0).diagnosis().hypotheses[0]

    assert first.judgement.reason == "metrics are not scraped"
    assert "api/v1/targets" in first.next_steps[0].command
    assert "localhost:PORT/metrics" in first.next_steps[-1].command


def test_lines_that_end_with_the_requests_are_no_blind_telemetry() -> None:
    """A service that nobody asks has nothing to say."""
    diagnosis = silent(Scenario()).becomes("http_requests", 0).becomes("alb_requests", 0).diagnosis()

    assert diagnosis.verdict != "cause_found" or causes_of(diagnosis)[0] != "telemetry_blind"


def test_a_task_whose_requests_pile_up_is_the_bad_one() -> None:
    """A task that hangs answers nothing, so that neither its latency nor its errors tell of it."""
    case = Scenario().becomes("http_in_flight", 200, tasks=TASKS[:1])
    for task, level in zip(TASKS, (1.0, 0.1, 0.1), strict=True):
        series = case._series("http_workers_ratio", SERVICE, task)
        case.columns[series] = np.full(POINTS, 0.1)
        case.becomes("http_workers_ratio", level, tasks=[task])
    diagnosis = case.becomes("alb_elb_5xx", 2).diagnosis()

    assert (causes_of(diagnosis)[0], diagnosis.culprit.task) == ("one_bad_task", TASKS[0])


def test_a_database_that_only_one_task_misses_is_not_to_blame() -> None:
    """Its siblings reach it."""
    case = Scenario().becomes("http_error_ratio", 1.0, tasks=TASKS[:1]).logs(REFUSED, tasks=TASKS[:1])
    diagnosis = case.diagnosis()

    assert (causes_of(diagnosis)[0], diagnosis.culprit.task) == ("one_bad_task", TASKS[0])


def test_a_database_that_all_tasks_miss_is_to_blame() -> None:
    """The counterpart: everybody complains, and its exporter tells nothing any more."""
    case = Scenario().errors().logs(REFUSED)
    [up] = [s for s in case.columns if s.signal == "pg_up"]
    case.columns[up][int((ONSET - BEGIN).total_seconds() // 15) :] = np.nan
    diagnosis = case.diagnosis()

    assert (causes_of(diagnosis)[0], diagnosis.culprit.service) == ("database_unreachable", DATABASE)


@pytest.mark.parametrize(("line", "cause"), [(TOO_MANY, "throttled"), (EXPIRED, "tls_failure")])
def test_the_callee_that_the_lines_name_is_the_culprit(line: str, cause: str) -> None:
    """Of several that are called, the one that refused."""
    diagnosis = calling().logs(line, every=1).diagnosis()

    assert (causes_of(diagnosis)[0], diagnosis.culprit.service) == (cause, "payment")


def test_a_task_that_fills_its_memory_when_it_starts_does_not_leak() -> None:
    """Tasks that crash soon after their start show nothing but their start."""
    case = Scenario().becomes("container_cpu_cores", 0.2)
    born = int((ONSET - BEGIN).total_seconds() // 15) + 4
    for n in range(3):
        climb = np.full(POINTS, np.nan)
        climb[born : born + 14] = np.linspace(2, 110, 14) * 2**20
        case.columns[case._series("container_memory_bytes", SERVICE, f"{n:016x}")] = climb

    assert "memory_leak" not in causes_of(case.stops(3, "Essential container in task exited").diagnosis())


def test_a_leak_that_the_first_cause_names_is_not_called_clean() -> None:
    """The tasks' climb is too short to be judged as a leak of its own, and it is what their kills are put down to."""
    case = Scenario()
    case.columns = {s: v for s, v in case.columns.items() if not s.signal.startswith("container_memory")}
    born = int((ONSET - BEGIN).total_seconds() // 15)
    climb = np.full(POINTS, 60.0 * 2**20)
    climb[born:] = np.linspace(60, 500, POINTS - born) * 2**20
    climb[born + 16 :] = np.nan
    case.columns[case._series("container_memory_bytes", SERVICE, TASKS[0])] = climb
    diagnosis = case.stops(3, "OutOfMemoryError: Container killed due to memory usage").diagnosis()
    titles = {cause.id: cause.title for cause in all_causes()}

    assert (causes_of(diagnosis)[0], diagnosis.hypotheses[0].judgement.reason_cause) == (
        "memory_exhausted",
        "memory_leak",
    )
    assert "memory_leak" not in causes_of(diagnosis)
    assert titles["memory_leak"] not in diagnosis.clean
    assert titles["disk_full"] in diagnosis.clean


def waits_for_cpu(queries: float, calls: float) -> Scenario:
    """A process that uses twice the CPU, and measures longer queries (against 10 ms) and calls (against 20 ms)."""
    case = calling().becomes("container_cpu_cores", 0.2).becomes("db_query_seconds", queries, before=0.01)
    return case.becomes("client_latency_mean", calls, before=0.02, labels=(("server_address", "payment"),))


def test_what_slows_alike_is_slow_itself() -> None:
    """Its queries and its calls take five times as long, and no server is busier: it waits for the CPU."""
    assert causes_of(waits_for_cpu(0.05, 0.1).diagnosis())[0] == "cpu_saturation"


@pytest.mark.parametrize(("queries", "calls", "cause"), [(0.5, 0.02, "slow_queries"), (0.01, 1.0, "slow_dependency")])
def test_what_slows_alone_is_to_blame(queries: float, calls: float, cause: str) -> None:
    """The counterpart: one of them slows and the other does not."""
    assert causes_of(waits_for_cpu(queries, calls).diagnosis())[0] == cause


def test_without_a_sign_of_the_cpu_nothing_is_slow_itself() -> None:
    """A slow network slows queries and calls alike, and the process is idle."""
    case = waits_for_cpu(0.05, 0.1).becomes("container_cpu_cores", 0.05)
    found = case.diagnosis().hypotheses

    assert not any("the process that measures" in c.words for h in found for c in h.judgement.claims_for)


def test_a_full_machine_lets_nobody_reach_a_limit() -> None:
    """Tasks that use little of their limit are short of CPU all the same where the machine has none left."""
    free, full = (waits_for_cpu(0.05, 0.1).becomes("node_cpu_ratio", level).diagnosis() for level in (0.5, 1.0))
    against = ["the tasks use only" in c.words for h in full.hypotheses for c in h.judgement.claims_against]
    told = ["the tasks use only" in c.words for h in free.hypotheses for c in h.judgement.claims_against]

    assert any(told)
    assert not any(against)


@pytest.mark.parametrize(
    "case",
    [
        Scenario().becomes("db_query_seconds", 0.5, before=0.01),
        Scenario().becomes("client_latency_mean", 1.0, before=0.02, labels=(("server_address", "payment"),)),
        Scenario().event(
            "deployment", code="SERVICE_DEPLOYMENT_IN_PROGRESS", deployment="ecs-svc/2", revision="shop:7"
        ),
    ],
    ids=["slow queries", "a slow call", "a deployment"],
)
def test_what_nobody_feels_is_never_called_found(case: Scenario) -> None:
    """The service answers as fast and as well as before."""
    assert case.diagnosis().verdict != "cause_found"


def deployed(latency: float) -> Scenario:
    """A deployment that completed, with what p95 latency became at its time."""
    case = Scenario().becomes("http_latency_p95", latency)
    case.event("deployment", code="SERVICE_DEPLOYMENT_IN_PROGRESS", deployment="ecs-svc/2", revision="shop:7")
    return case.event("deployment", minutes=2, code="SERVICE_DEPLOYMENT_COMPLETED", deployment="ecs-svc/2")


def test_new_tasks_that_answer_a_little_slower_are_no_bad_release() -> None:
    """Their caches are cold; what nobody notices is a possibility at most."""
    assert deployed(0.2).diagnosis().verdict != "cause_found"
    assert causes_of(deployed(3.0).diagnosis())[0] == "bad_deployment"
    assert causes_of(deployed(0.8).diagnosis())[0] == "bad_deployment"


def test_tasks_that_wait_for_a_moment_lack_no_capacity() -> None:
    """Every deployment has them."""
    case = deployed(0.3)
    pending = case._series("ecs_pending_tasks", SERVICE)
    case.columns[pending] = np.zeros(POINTS)
    start = int((ONSET - BEGIN).total_seconds() // 15)
    case.columns[pending][start : start + 2] = 3

    assert "capacity_unavailable" not in causes_of(case.diagnosis())


def test_calls_that_a_starved_process_times_are_not_slow() -> None:
    """The one that is called answers as fast as ever."""
    case = calling().becomes("container_cpu_cores", 0.5).becomes("container_cpu_throttled_ratio", 0.9)
    case.becomes("http_latency_p95", 0.05, service="payment", before=0.05)
    case.becomes("client_latency_mean", 0.1, before=0.01, labels=(("server_address", "payment"),))

    assert causes_of(case.diagnosis())[0] in ("cpu_saturation", "cpu_throttled")


def test_without_metrics_nothing_is_called_calm() -> None:
    """What users feel was not seen: an engineer who reads "calm" would go back to bed."""
    diagnosis = Scenario().without("metrics").diagnosis()

    assert diagnosis.verdict == "no_clear_cause"
    assert "without its metrics" in diagnosis.summary
    assert Scenario().without("logs", "events").diagnosis().verdict == "calm"


@pytest.mark.parametrize(("after_seconds", "doubted"), [(30, False), (480, True)])
def test_what_begins_long_after_users_suffered_is_not_what_they_suffer_from(
    after_seconds: float, doubted: bool
) -> None:
    """A cause does not follow its effect by minutes; by seconds a scrape may let it seem so."""
    diagnosis = (
        Scenario().errors().becomes("db_query_seconds", 4.0, before=0.01, after_seconds=after_seconds).diagnosis()
    )

    [slow] = [h for h in diagnosis.hypotheses if h.cause == "slow_queries"]
    against = [claim.words for claim in slow.judgement.claims_against]
    assert ("users suffered 8 min before any of this began" in against) is doubted
    assert (diagnosis.verdict == "cause_found") is not doubted


def test_a_blip_that_was_over_before_is_not_what_users_suffer_from() -> None:
    """A spike of latency some minutes before the fault takes nothing from what explains the fault."""
    case = Scenario().errors().becomes("db_query_seconds", 4.0, before=0.01)
    before = case.diagnosis()
    at = int((ONSET - BEGIN).total_seconds() // 15) - 28
    for series, values in case.columns.items():
        if series.signal == "http_latency_p95":
            values[at : at + 10] = 20.0
    after = case.diagnosis()

    assert (causes_of(before)[0], causes_of(after)[0]) == ("slow_queries", "slow_queries")
    assert after.verdict == before.verdict == "cause_found"
