"""The service is well, yet its health check fails and ECS kills healthy tasks."""

from datetime import datetime

from obskit.incident.causes import Cause
from obskit.incident.causes._cpu import short_of_cpu
from obskit.incident.evidence import HINT, STRONG, TELLING, Case, Evidence
from obskit.model import Finding, Judgement, NextQuery, Step

#: Fewer failed requests than this are what replacing healthy tasks costs by itself.
_COST_OF_REPLACING = 0.05
#: Health checks wait for seconds; nothing faster than this makes one time out, and fewer tasks are slower.
_SHORTEST_CHECK = 1.0


def judge(evidence: Evidence) -> Judgement | None:
    """Weigh failing checks against how the service fares otherwise: a check that fails with the service is a symptom."""
    case = Case("health_check_misconfigured", evidence)
    killed = case.stops("health_check_failed", weight=TELLING)
    checks = evidence.happened("health_check")
    for check in checks[:1]:
        wrong_answer = any(f"answered {code}" in check.words for code in (301, 302, 400, 401, 403, 404))
        case.argue(check.words, STRONG if wrong_answer else HINT, check)
    if not (killed or checks):
        return None
    errors = _felt(evidence)
    slow = _slow(evidence)
    if errors:
        case.argue(f"{errors.words}: users suffer as well, so the check is right", -STRONG, errors)
    if slow:
        case.argue(f"{slow.words}: the service is slow, so the check is right", -STRONG, slow)
    if not errors and not slow and evidence.seen("http_requests"):
        case.argue("requests are answered as before: only the check fails", STRONG)
    if evidence.stops("crash", "out_of_memory"):
        case.argue("tasks crash or are out of memory", -STRONG)
    pool = evidence.level("db_pool_used_ratio")
    if short_of_cpu(evidence) or (pool and pool.top >= 0.95) or evidence.worse("pg_up"):
        case.argue("CPU, pool or database are exhausted: a check fails with them", -STRONG)
    for deployment in evidence.happened("deployment", "started", "failed", "rolled_back")[:1]:
        case.argue(f"{deployment.words}: did it change the check, its path or its port?", TELLING, deployment)
    case.unseen("http_error_ratio")
    return case.close()


def _felt(evidence: Evidence) -> Finding | None:
    """Return the rise of errors, unless it came with or after the check's failures and is as small as their cost."""
    errors = evidence.worse("http_error_ratio")
    if errors is None or errors.after >= _COST_OF_REPLACING:
        return errors
    failing = _failing(evidence)
    return None if failing and not evidence.before(errors.onset, failing) else errors


def _slow(evidence: Evidence) -> Finding | None:
    """Return the rise of latency, unless it came with or after the check's failures and no check would time out on it."""
    slow = evidence.worse("http_latency_p95") or evidence.worse("http_latency_mean")
    if slow is None or max(slow.after, slow.peak) >= _SHORTEST_CHECK:
        return slow
    failing = _failing(evidence)
    return None if failing and not evidence.before(slow.onset, failing) else slow


def _failing(evidence: Evidence) -> datetime | None:
    """Return when checks began to fail."""
    failing = (*evidence.stops("health_check_failed"), *evidence.happened("health_check"))
    return min((f.onset for f in failing), default=None)


CAUSE = Cause(
    id="health_check_misconfigured",
    title="the health check is wrong",
    needs=("events",),
    judge=judge,
    brings_about=("bad_deployment", "dependency_down", "scaling_at_maximum", "one_bad_task"),
    next_steps=(
        Step(
            words="What does the balancer ask, and what does it get?",
            command="aws elbv2 describe-target-health --target-group-arn TARGET_GROUP",
        ),
        Step(
            words="Ask the same from a task",
            command="aws ecs execute-command --cluster $cluster --task $task --interactive --command 'curl -sv localhost:PORT/health'",
        ),
        Step(
            words="Give new tasks more time",
            command="aws ecs update-service --cluster $cluster --service $service --health-check-grace-period-seconds 120",
        ),
    ),
    test=NextQuery(
        words="Which reason does the balancer give?",
        language="aws",
        query="aws elbv2 describe-target-health --target-group-arn TARGET_GROUP --query 'TargetHealthDescriptions[].TargetHealth'",
    ),
)
