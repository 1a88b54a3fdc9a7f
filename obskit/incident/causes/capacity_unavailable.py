"""ECS cannot place tasks: no Fargate capacity, a quota, no addresses, or Spot took them back."""

from obskit.incident.causes import Cause
from obskit.incident.evidence import HINT, TELLING, VERDICT, Case, Evidence
from obskit.model import Judgement, NextQuery, Step


def judge(evidence: Evidence) -> Judgement | None:
    """Weigh placement failures and tasks that wait."""
    case = Case("capacity_unavailable", evidence)
    for failure in evidence.happened("placement_failure")[:2]:
        case.argue(failure.words, VERDICT, failure)
    denied = evidence.happened("permissions")  # a network interface that is refused is no lack of them
    lacking = ("capacity", "quota", "spot_interruption", *(() if denied else ("eni",)))
    case.stops(*lacking, weight=VERDICT)
    pending = evidence.worse("ecs_pending_tasks")
    if pending and pending.kind != "spike":  # tasks that wait and are placed are every deployment's
        case.finding(pending, TELLING)
    if case.score >= VERDICT:
        case.finding(evidence.worse("ecs_running_tasks"), HINT)
    case.unseen("ecs_pending_tasks")
    return case.close() if case.score >= TELLING else None


CAUSE = Cause(
    id="capacity_unavailable",
    title="no capacity for tasks",
    needs=("events", "metrics"),
    told_by=("ecs_pending_tasks",),
    judge=judge,
    brings_about=(
        "scaling_at_maximum",
        "cpu_saturation",
        "worker_saturation",
        "dependency_down",
        "slow_dependency",
        "health_check_misconfigured",
    ),
    next_steps=(
        Step(
            words="What does ECS say it lacks?",
            command="aws ecs describe-services --cluster $cluster --services $service --query 'services[0].events[:10].message'",
        ),
        Step(
            words="Spread over more subnets and zones, or add FARGATE beside FARGATE_SPOT",
            command="aws ecs update-service --cluster $cluster --service $service --capacity-provider-strategy capacityProvider=FARGATE,weight=1 --force-new-deployment",
        ),
        Step(words="A quota?", command="aws service-quotas list-service-quotas --service-code fargate"),
    ),
    test=NextQuery(
        words="Why are tasks not placed?",
        language="aws",
        query="aws ecs describe-services --cluster $cluster --services $service --query 'services[0].[desiredCount,runningCount,pendingCount]'",
    ),
)
