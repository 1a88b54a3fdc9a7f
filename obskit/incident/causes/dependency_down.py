"""A service that this one calls refuses connections or is gone."""

from obskit.incident.causes import Cause
from obskit.incident.causes._calls import callee
from obskit.incident.evidence import ABNORMAL_STOPS, HINT, STRONG, TELLING, Case, Evidence
from obskit.model import Judgement, NextQuery, Step

#: From this share of failed calls on, the callee is as good as gone for its caller.
_MOST_CALLS = 0.8
#: A refused call fails at once; one that fails after this many seconds was waited for.
_LONG_SECONDS = 0.5


def judge(evidence: Evidence) -> Judgement | None:
    """Weigh failed calls, refused connections, and whether the callee runs at all."""
    case = Case("dependency_down", evidence)
    failing = evidence.worse("client_error_ratio")
    peer = callee(evidence, failing)
    share = failing.after if failing else 0.0
    weight = STRONG if share >= _MOST_CALLS and not _waits(evidence) else TELLING if share >= 0.2 else HINT
    case.finding(failing, weight, f"calls to {peer}" if peer else "")
    case.logs("dependency_down", weight=TELLING)
    if peer:
        running = evidence.level("ecs_running_tasks", peer)
        healthy = evidence.level("alb_healthy_hosts", peer)
        up = evidence.level("task_up", peer)
        levels = [level for level in (running, healthy, up) if level]
        if any(level.after < 0.5 for level in levels):
            case.argue(f"{peer} had no task that answered", STRONG)
        elif any(level.peak < 0.5 for level in levels):
            case.argue(f"{peer} had no task that answered for a while", HINT if _waits(evidence) else TELLING)
        elif running and not failing:
            case.argue(f"{peer} was running ({running.peak:.0f} tasks at least)", -TELLING)
        for stop in evidence.stops(*ABNORMAL_STOPS, service=peer)[:1]:
            slow = stop.subject == "health_check_failed" and _waits(evidence)  # checks time out as calls do
            case.argue(stop.words, HINT if slow else TELLING, stop)
        case.finding(evidence.worse("http_error_ratio", peer), HINT)
    if evidence.signatures("database_unreachable", "cache_failure", "messaging_failure"):
        case.argue("what refuses is known by name: the database, cache or queue", -TELLING)
    case.unseen("client_error_ratio", "failures of the service's calls (client_error_ratio)")
    return case.close(service=peer)


def _waits(evidence: Evidence) -> bool:
    """Say whether calls fail by time-out: what answers too late is slow, not gone."""
    slow = evidence.worse("client_latency_mean")
    return slow is not None and slow.after >= _LONG_SECONDS


CAUSE = Cause(
    id="dependency_down",
    title="a service that it calls is down",
    needs=("metrics", "logs"),
    told_by=("client_error_ratio",),
    judge=judge,
    brings_about=(
        "worker_saturation",
        "health_check_misconfigured",
        "slow_dependency",
        "cpu_saturation",
        "one_bad_task",
    ),
    next_steps=(
        Step(
            words="Does it run, and why did its tasks stop?",
            command="aws ecs describe-services --cluster $cluster --services $culprit --query 'services[0].[desiredCount,runningCount,events[:5].message]'",
        ),
        Step(words="Look into it", command="obskit triage $culprit --since 30m"),
        Step(words="Serve without it where the product allows; stop retrying it"),
    ),
    test=NextQuery(
        words="Does the one that is called answer its scrapes?", language="PromQL", query='up{service="$culprit"}'
    ),
)
