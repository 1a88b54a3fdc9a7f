"""A task used more memory than it was given and was killed for it."""

from obskit.incident.causes import Cause
from obskit.incident.evidence import HINT, STRONG, TELLING, VERDICT, Case, Evidence
from obskit.model import Judgement, NextQuery, Step


def judge(evidence: Evidence) -> Judgement | None:
    """Weigh kills for memory, memory against its limit, and what the runtime says."""
    case = Case("memory_exhausted", evidence)
    killed = case.stops("out_of_memory", weight=VERDICT)
    level, worse = evidence.level("container_memory_ratio"), evidence.worse("container_memory_ratio", task=None)
    if level and level.peak >= 0.9 and worse:
        case.finding(worse, TELLING, f"up to {evidence.say('container_memory_ratio', level.peak)} of the limit")
        silent = [f for f in evidence.stops("crash") if "exit code 137" in f.words]
        for stop in silent[:1]:
            case.argue(f"{stop.words}: SIGKILL at the limit", STRONG, stop)
    elif level and level.peak < 0.8 and not killed:
        case.argue(
            f"memory stayed at {evidence.say('container_memory_ratio', level.peak)} of the limit at most", -STRONG
        )
    case.logs("memory_exhausted", weight=STRONG if killed or (level and level.peak >= 0.8) else TELLING)
    climbing = evidence.worse("container_memory_bytes", task=None)
    if climbing and climbing.kind == "ramp":
        case.finding(climbing, HINT, "it climbs steadily, as a leak does")
    case.unseen("container_memory_ratio")
    if climbing and climbing.kind == "ramp":
        return case.close(reason="memory climbs without end: a leak", reason_cause="memory_leak")
    return case.close()


CAUSE = Cause(
    id="memory_exhausted",
    title="tasks run out of memory and are killed",
    needs=("metrics", "events", "logs"),
    told_by=("container_memory_ratio", "container_memory_bytes"),
    judge=judge,
    brings_about=(
        "memory_leak",
        "health_check_misconfigured",
        "dependency_down",
        "slow_dependency",
        "one_bad_task",
        "runtime_pause",
        "cpu_saturation",
        "worker_saturation",
        "node_pressure",
        "bad_deployment",
        "telemetry_blind",
        "database_unreachable",
    ),
    next_steps=(
        Step(
            words="Confirm the kill: reason and exit code of the stopped tasks",
            command="aws ecs describe-tasks --cluster $cluster --tasks $(aws ecs list-tasks --cluster $cluster --service-name $service"
            " --desired-status STOPPED --query 'taskArns' --output text) --query 'tasks[].containers[].[name,exitCode,reason]'",
        ),
        Step(
            words="Buy time: give the task the next memory size and release it, or roll back the last release if growth began with it"
        ),
        Step(words="Find what grows: a heap profile of a task that is about to be full; which route allocates?"),
    ),
    test=NextQuery(
        words="Does each task climb to its limit and start over?",
        language="PromQL",
        query='ecs_memory_bytes{service="$service"} / ecs_memory_limit_bytes{service="$service"}',
    ),
)
