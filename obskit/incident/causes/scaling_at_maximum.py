"""Autoscaling wants more tasks than its maximum allows."""

from obskit.incident.causes import Cause
from obskit.incident.causes._cpu import used_of_limit
from obskit.incident.evidence import HINT, STRONG, TELLING, Case, Evidence
from obskit.model import Judgement, NextQuery, Step


def judge(evidence: Evidence) -> Judgement | None:
    """Weigh what autoscaling said, and whether the service is still short at its maximum."""
    case = Case("scaling_at_maximum", evidence)
    scaling = evidence.happened("scaling")
    at_maximum = [f for f in scaling if "maximum" in (f.words + f.example).lower() or f.subject == "at_maximum"]
    for finding in at_maximum[:1]:
        case.argue(finding.words, STRONG, finding)
    if not at_maximum:
        return None
    case.finding(evidence.worse("ecs_desired_tasks"), HINT)
    used = used_of_limit(evidence)
    if used is not None and used >= 0.85:
        case.argue(f"and the tasks still use {used:.0%} of their CPU", TELLING)
    return case.close()


CAUSE = Cause(
    id="scaling_at_maximum",
    title="autoscaling is at its maximum",
    needs=("events",),
    judge=judge,
    brings_about=(
        "cpu_saturation",
        "cpu_throttled",
        "worker_saturation",
        "health_check_misconfigured",
        "slow_dependency",
    ),
    next_steps=(
        Step(
            words="Raise the maximum",
            command="aws application-autoscaling register-scalable-target --service-namespace ecs"
            " --resource-id service/$cluster/$service --scalable-dimension ecs:service:DesiredCount --max-capacity COUNT",
        ),
        Step(words="Check first that the database's connections allow it (tasks x pool size)"),
        Step(words="Is the load real? See traffic_surge"),
    ),
    test=NextQuery(
        words="What is the maximum, and what is wanted?",
        language="aws",
        query="aws application-autoscaling describe-scaling-activities --service-namespace ecs --resource-id service/$cluster/$service --max-results 5",
    ),
)
