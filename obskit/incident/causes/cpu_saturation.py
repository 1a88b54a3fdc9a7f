"""The tasks need more CPU than they have: every request costs more than it did."""

from obskit.incident.causes import Cause
from obskit.incident.causes._cpu import node_is_full, slow_itself, used_of_limit
from obskit.incident.evidence import HINT, STRONG, TELLING, Case, Evidence
from obskit.model import Judgement, NextQuery, Step


def judge(evidence: Evidence) -> Judgement | None:
    """Weigh CPU against its limit, and CPU a request against before."""
    case = Case("cpu_saturation", evidence)
    cores = evidence.worse("container_cpu_cores") or evidence.worse("container_cpu_ratio")
    throttled = evidence.worse("container_cpu_throttled_ratio")
    used = used_of_limit(evidence)
    if cores:
        case.finding(cores, TELLING)
        _cost(case, evidence)
    if cores and used is not None and used >= 0.85:
        case.argue(f"the tasks use {used:.0%} of the CPU that they were given", TELLING)
    elif used is not None and used < 0.6 and not node_is_full(evidence):
        case.argue(f"the tasks use only {used:.0%} of the CPU that they were given", -STRONG)
    if cores:
        case.doubt_if_unfelt(TELLING)
        case.finding(throttled, TELLING, "the limit holds the tasks back")
        case.finding(evidence.worse("runtime_loop_lag"), HINT)
        case.finding(slow_itself(evidence), HINT, "and its calls slowed as much: it waits for the CPU")
        case.logs("worker_saturation", weight=HINT)
    case.unseen("container_cpu_ratio", "CPU against its limit (container_cpu_ratio)")
    case.unseen("container_cpu_throttled_ratio")
    return case.close()


def _cost(case: Case, evidence: Evidence) -> None:
    """Compare the growth of CPU with the growth of requests."""
    cpu, requests = evidence.level("container_cpu_cores"), evidence.level("http_requests")
    if not (cpu and requests and cpu.before > 0 and requests.before > 0):
        return
    more_cpu, more_requests = cpu.after / cpu.before, requests.after / requests.before
    words = f"CPU grew {more_cpu:.1f} times, requests {more_requests:.1f} times"
    if more_cpu > 1.5 * max(1.0, more_requests):
        case.argue(f"{words}: each request costs more than before", TELLING)
    elif more_requests > 1.5:
        case.argue(f"{words}: more work, not dearer work", -TELLING)


CAUSE = Cause(
    id="cpu_saturation",
    title="the tasks are out of CPU",
    needs=("metrics",),
    told_by=("container_cpu_cores", "container_cpu_ratio"),
    judge=judge,
    brings_about=(
        "cpu_throttled",
        "worker_saturation",
        "health_check_misconfigured",
        "slow_dependency",
        "runtime_pause",
        "db_pool_exhausted",
        "scaling_at_maximum",
        "node_pressure",
        "slow_queries",
        "one_bad_task",
        "dependency_down",
        "file_descriptors_exhausted",
    ),
    next_steps=(
        Step(
            words="Spread the load over more tasks",
            command="aws ecs update-service --cluster $cluster --service $service --desired-count COUNT",
        ),
        Step(
            words="See what burns it in one task",
            command="aws ecs execute-command --cluster $cluster --task $task --interactive --command 'py-spy top --pid 1'",
        ),
        Step(words="Which route grew dearer? Look at latency and rate by route; was there a release before it began?"),
    ),
    test=NextQuery(
        words="Does a request cost more CPU than an hour ago?",
        language="PromQL",
        query='sum(rate(process_cpu_seconds_total{service="$service"}[5m])) / sum(rate(http_requests_total{service="$service"}[5m]))',
    ),
)
