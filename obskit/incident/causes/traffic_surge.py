"""Far more requests come in than before; what is scarce runs out first."""

from datetime import datetime, timedelta

from obskit.incident.causes import Cause
from obskit.incident.evidence import HINT, STRONG, TELLING, VERDICT, Case, Evidence
from obskit.model import Finding, Judgement, NextQuery, Step

#: Growth that eats the usual headroom of a third to a half, that surely exceeds it, and that no
#: service is sized for.
_SOME, _LARGE, _HUGE = 1.4, 2.0, 3.0


#: What users feel; where it comes first, more requests are retries.
_FELT = ("http_error_ratio", "http_latency_p95", "alb_target_latency", "alb_elb_5xx")
#: Clients retry what failed or timed out; no client's time-out is shorter than this, in seconds.
_SHORTEST_TIMEOUT = 0.5
#: Clients retry a few times: growth beyond this is no retries, whatever failed before.
_BEYOND_RETRIES = 8.0
#: The balancer counts by the minute, so that its numbers come late by up to one.
_BALANCERS_PERIOD = timedelta(minutes=1)


def judge(evidence: Evidence) -> Judgement | None:
    """Weigh the growth of requests, and whether it came before the errors (or is made of retries)."""
    case = Case("traffic_surge", evidence)
    grown = [(f, f.after / f.before) for s in ("http_requests", "alb_requests") if (f := _up(evidence, s))]
    for finding, times in grown[:1]:
        if times < _SOME:
            continue
        weight = VERDICT if times >= _HUGE else STRONG if times >= _LARGE else TELLING
        case.finding(finding, weight, f"{times:.1f} times")
        felt = [f for s in _FELT if (f := evidence.worse(s)) and _makes_retries(f, finding, evidence)]
        if felt:
            case.argue(f"{felt[0].words} before requests rose: the rise may be retries", -STRONG, felt[0])
        elif times < _BEYOND_RETRIES:
            case.argue("nothing failed or slowed before the requests rose", HINT)
        else:
            case.argue("no number of retries multiplies requests that often", HINT)
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
    return case.close(onset=_began(evidence, [f for f, _ in grown]))


def _began(evidence: Evidence, grown: list[Finding]) -> datetime | None:
    """Return when requests rose; the balancer's word for it may come a minute late, but never before all trouble."""
    if not grown or not grown[0].subject.startswith("alb_") or evidence.onset is None:
        return None
    return min(max(evidence.onset, grown[0].onset - _BALANCERS_PERIOD), grown[0].onset)


def _makes_retries(felt: Finding, rise: Finding, evidence: Evidence) -> bool:
    """Say whether clients may have retried because of what they felt before requests rose."""
    if rise.after >= _BEYOND_RETRIES * rise.before:
        return False
    late = _BALANCERS_PERIOD if rise.subject.startswith("alb_") and not felt.subject.startswith("alb_") else timedelta()
    timed_out = felt.unit != "seconds" or max(felt.after, felt.peak) >= _SHORTEST_TIMEOUT
    return timed_out and evidence.before(felt.onset, rise.onset - late)


def _up(evidence: Evidence, signal: str, service: str = "") -> Finding | None:
    found = [f for f in evidence.changes(signal, service) if f.before > 0 and f.after > f.before]
    return max(found, key=lambda f: f.after / f.before, default=None)


CAUSE = Cause(
    id="traffic_surge",
    title="a surge of traffic",
    needs=("metrics",),
    told_by=("http_requests", "alb_requests"),
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
