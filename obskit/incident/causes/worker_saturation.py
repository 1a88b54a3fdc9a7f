"""All workers or threads are busy and requests queue, with no scarcer resource behind it."""

from obskit.incident.causes import Cause
from obskit.incident.causes._cpu import short_of_cpu, used_of_limit
from obskit.incident.causes._tasks import odd_one_out
from obskit.incident.evidence import HINT, STRONG, TELLING, Case, Evidence
from obskit.model import Judgement, NextQuery, Step

#: Share of the threads at work from which on requests queue unseen.
_FULL = 0.95


def judge(evidence: Evidence) -> Judgement | None:
    """Weigh queueing, and whether what requests wait for lies elsewhere."""
    case = Case("worker_saturation", evidence)
    said = case.logs("worker_saturation", weight=TELLING)
    queue = evidence.worse("http_in_flight")
    if case.finding(queue, TELLING, "requests pile up inside the service"):
        case.finding(evidence.worse("http_latency_p95") or evidence.worse("http_latency_mean"), HINT)
    case.finding(evidence.worse("runtime_threads"), HINT)
    busy = evidence.level("http_workers_ratio")
    if queue and busy and busy.top >= _FULL:
        case.finding(evidence.worse("http_workers_ratio"), TELLING, "no thread is free")
    if not (said or queue):
        return None
    odd = odd_one_out(evidence, "http_in_flight", factor=3.0, difference=3.0) if queue else None
    if odd:
        case.argue(f"requests pile up in task {odd.task[:12]} alone: its siblings have workers to spare", -STRONG)
    if short_of_cpu(evidence):
        case.argue("the tasks are short of CPU: that is what the workers wait for", -TELLING)
    pool = evidence.level("db_pool_used_ratio")
    if pool and pool.top >= 0.95:
        case.argue("the connection pool is taken: that is what the workers wait for", -TELLING)
    if evidence.worse("client_latency_mean") or evidence.worse("db_query_seconds"):
        case.argue("what the service calls has become slow: that is what the workers wait for", -TELLING)
    if queue and case.score > TELLING and _nothing_scarcer(evidence):
        case.argue("CPU and connections have room, and what it calls is no slower: the workers themselves", TELLING)
    case.unseen("http_in_flight")
    return case.close()


def _nothing_scarcer(evidence: Evidence) -> bool:
    """Say whether what workers usually wait for was watched and had room."""
    used, pool = used_of_limit(evidence), evidence.level("db_pool_used_ratio")
    room = used is not None and used < 0.6 and pool is not None and pool.top < 0.8
    others = ("client_latency_mean", "db_query_seconds", "pg_active", "pg_longest_transaction", "runtime_loop_lag")
    return room and not any(evidence.worse(s) for s in (*others, "container_cpu_throttled_ratio"))


CAUSE = Cause(
    id="worker_saturation",
    title="all workers are busy",
    needs=("metrics", "logs"),
    told_by=("http_in_flight",),
    judge=judge,
    brings_about=("health_check_misconfigured", "slow_dependency", "dependency_down", "one_bad_task"),
    next_steps=(
        Step(
            words="More tasks now",
            command="aws ecs update-service --cluster $cluster --service $service --desired-count COUNT",
        ),
        Step(
            words="What do the workers do? A stack dump of one task",
            command="aws ecs execute-command --cluster $cluster --task $task --interactive --command 'py-spy dump --pid 1'",
        ),
        Step(
            words="Bound what a request may wait for (time-outs to everything it calls), then size workers to the load"
        ),
    ),
    test=NextQuery(
        words="Do requests pile up while CPU has room?",
        language="PromQL",
        query='sum(http_requests_in_progress{service="$service"})',
    ),
)
