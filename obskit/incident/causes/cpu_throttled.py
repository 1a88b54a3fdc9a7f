"""The tasks' CPU limit bites although they do no more work: the limit is too small for their bursts."""

from obskit.incident.causes import Cause
from obskit.incident.evidence import HINT, STRONG, TELLING, Case, Evidence
from obskit.model import Judgement, NextQuery, Step


def judge(evidence: Evidence) -> Judgement | None:
    """Weigh throttling against the work done: throttling with more work is saturation."""
    case = Case("cpu_throttled", evidence)
    throttled = evidence.worse("container_cpu_throttled_ratio")
    if throttled:
        case.finding(throttled, TELLING)
        cpu = evidence.level("container_cpu_cores")
        if cpu and cpu.before > 0:
            grown = cpu.after / cpu.before
            if grown < 1.3:
                case.argue(f"the tasks use no more CPU than before ({grown:.1f} times), yet are held back", STRONG)
            else:
                case.argue(
                    f"the tasks use {grown:.1f} times the CPU: the demand grew, not the throttling alone", -TELLING
                )
        for deployment in evidence.happened("deployment", "started", "completed")[:1]:
            case.argue(f"{deployment.words}: did it change the task's size?", HINT, deployment)
    case.logs("cpu_throttled", weight=HINT)
    case.unseen("container_cpu_throttled_ratio")
    return case.close()


CAUSE = Cause(
    id="cpu_throttled",
    title="the tasks' CPU limit is too small",
    needs=("metrics",),
    told_by=("container_cpu_throttled_ratio",),
    judge=judge,
    brings_about=(
        "worker_saturation",
        "health_check_misconfigured",
        "runtime_pause",
        "slow_dependency",
        "db_pool_exhausted",
        "cpu_saturation",
    ),
    next_steps=(
        Step(
            words="Compare the task's size with the revision before",
            command="aws ecs describe-task-definition --task-definition $service --query 'taskDefinition.{cpu:cpu,containers:containerDefinitions[].cpu}'",
        ),
        Step(words="Give the task the next Fargate size (256 to 512, 512 to 1024 CPU units) and release it"),
        Step(
            words="Until then run more tasks",
            command="aws ecs update-service --cluster $cluster --service $service --desired-count COUNT",
        ),
    ),
    test=NextQuery(
        words="Which share of its periods is a task throttled?",
        language="PromQL",
        query='rate(container_cpu_cfs_throttled_periods_total{service="$service"}[5m]) / rate(container_cpu_cfs_periods_total{service="$service"}[5m])',
    ),
)
