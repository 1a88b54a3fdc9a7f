"""A service that this one calls answers slowly, and so does this one."""

from obskit.incident.causes import Cause
from obskit.incident.causes._calls import callee
from obskit.incident.causes._cpu import measures_late, slow_itself
from obskit.incident.evidence import HINT, STRONG, TELLING, Case, Evidence
from obskit.model import Judgement, NextQuery, Step


def judge(evidence: Evidence) -> Judgement | None:
    """Weigh the latency of calls as the caller sees it, and what the callee itself reports."""
    case = Case("slow_dependency", evidence)
    slow = evidence.worse("client_latency_mean")
    peer = callee(evidence, slow)
    said = evidence.worse("http_latency_p95", peer) or evidence.worse("http_latency_mean", peer) if peer else None
    if slow and not said and measures_late(evidence):
        case.finding(slow, HINT, "measured in a process that is short of CPU, which slows the measuring too")
    elif slow_itself(evidence):
        case.finding(slow, HINT, "queries slowed as much: rather the process that measures is slow")
    else:
        over = slow is not None and slow.kind == "spike"
        case.finding(slow, TELLING if over else STRONG, f"calls to {peer}" if peer else "")
    if peer:
        case.finding(said, TELLING, f"{peer} itself says so")
        lag = evidence.worse("runtime_loop_lag")
        if slow and lag and not said and _watched(evidence, peer):
            case.argue(f"{peer} answers as fast as before, but {lag.words}: the waiting is here", -STRONG, lag)
        case.finding(evidence.worse("container_cpu_cores", peer), HINT)
        case.finding(evidence.worse("db_pool_used_ratio", peer), HINT)
    case.logs("slow_dependency", weight=TELLING)
    own = evidence.worse("container_cpu_cores")
    if slow and own and evidence.before(own.onset, slow.onset):
        case.argue("the service's own CPU rose before its calls slowed", -HINT, own)
    if slow:
        case.doubt_if_unfelt(TELLING)
    elif evidence.level("client_latency_mean"):
        case.argue("the calls that the service makes have not slowed", -TELLING)
    case.unseen("client_latency_mean", "latency of the service's calls (client_latency_mean)")
    return case.close(service=peer)


def _watched(evidence: Evidence, peer: str) -> bool:
    return evidence.seen("http_latency_p95", peer) or evidence.seen("http_latency_mean", peer)


CAUSE = Cause(
    id="slow_dependency",
    title="a service that it calls is slow",
    needs=("metrics", "logs"),
    told_by=("client_latency_mean",),
    judge=judge,
    brings_about=(
        "worker_saturation",
        "health_check_misconfigured",
        "db_pool_exhausted",
        "file_descriptors_exhausted",
        "scaling_at_maximum",
        "one_bad_task",
        "cpu_saturation",
        "memory_leak",
        "dependency_down",
    ),
    next_steps=(
        Step(words="Look into the one that is called", command="obskit triage $culprit --since 30m"),
        Step(words="Shorten the time-out to it and serve without it where the product allows"),
        Step(words="Stop retrying it for now: retries keep it down"),
    ),
    test=NextQuery(
        words="Which call has slowed, as the caller measures it?",
        language="PromQL",
        query='sum by (server_address) (rate(http_client_request_duration_seconds_sum{service="$service"}[5m]))'
        ' / sum by (server_address) (rate(http_client_request_duration_seconds_count{service="$service"}[5m]))',
    ),
)
