"""Far more requests come in than before; what is scarce runs out first."""

from obskit.incident.causes import Cause
from obskit.incident.evidence import HINT, STRONG, TELLING, Case, Evidence
from obskit.model import Finding, Judgement, NextQuery, Step

#: A growth that a service sized with the usual headroom of a third to a half does not carry.
_LARGE, _SOME = 2.0, 1.4


def judge(evidence: Evidence) -> Judgement | None:
    """Weigh the growth of requests, and whether it came before the errors (or is made of retries)."""
    case = Case("traffic_surge", evidence)
    grown = [(f, f.after / f.before) for s in ("http_requests", "alb_requests") if (f := _up(evidence, s))]
    for finding, times in grown[:1]:
        if times < _SOME:
            continue
        case.finding(finding, STRONG if times >= _LARGE else TELLING, f"{times:.1f} times")
        errors = evidence.worse("http_error_ratio")
        if errors and evidence.before(errors.onset, finding.onset):
            case.argue("errors began before requests rose: the rise may be retries", -TELLING, errors)
        elif errors is None or not evidence.before(errors.onset, finding.onset):
            case.argue("nothing failed before the requests rose", HINT)
    if case.score > 0:
        case.finding(evidence.worse("log_lines"), HINT)
        for neighbour, relation in evidence.relations.items():
            other = _up(evidence, "http_requests", neighbour)
            if other and relation == "caller" and other.after > _SOME * other.before:
                case.finding(other, HINT, "its caller sees the rise as well")
                break
        if evidence.happened("deployment", "failed", "rolled_back"):
            case.argue("a deployment failed in the window", -HINT)
    case.unseen("http_requests")
    case.unseen("alb_requests")
    return case.close()


def _up(evidence: Evidence, signal: str, service: str = "") -> Finding | None:
    found = [f for f in evidence.changes(signal, service) if f.before > 0 and f.after > f.before]
    return max(found, key=lambda f: f.after / f.before, default=None)


CAUSE = Cause(
    id="traffic_surge",
    title="a surge of traffic",
    needs=("metrics",),
    judge=judge,
    brings_about=(
        "cpu_saturation",
        "cpu_throttled",
        "worker_saturation",
        "db_pool_exhausted",
        "db_connection_limit",
        "slow_queries",
        "file_descriptors_exhausted",
        "memory_exhausted",
        "memory_leak",
        "scaling_at_maximum",
        "slow_dependency",
        "dependency_down",
        "throttled",
        "health_check_misconfigured",
        "node_pressure",
        "runtime_pause",
        "lock_contention",
        "one_bad_task",
        "runtime_heap_exhausted",
        "capacity_unavailable",
        "cache_failure",
        "messaging_failure",
        "network_unreachable",
    ),
    next_steps=(
        Step(
            words="Add tasks now; check that the database's connections allow it (tasks x pool size)",
            command="aws ecs update-service --cluster $cluster --service $service --desired-count COUNT",
        ),
        Step(
            words="Who sends it? Top clients and paths in the balancer's access log; block or rate-limit what is no customer (WAF)"
        ),
        Step(
            words="Raise autoscaling's maximum while it lasts",
            command="aws application-autoscaling register-scalable-target --service-namespace ecs"
            " --resource-id service/$cluster/$service --scalable-dimension ecs:service:DesiredCount --max-capacity COUNT",
        ),
    ),
    test=NextQuery(
        words="How much more comes in than an hour ago?",
        language="PromQL",
        query='sum(rate(http_requests_total{service="$service"}[5m])) / sum(rate(http_requests_total{service="$service"}[5m] offset 1h))',
    ),
)
