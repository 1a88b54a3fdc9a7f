"""The machine below is short of CPU, memory or disk time, and the service's own use does not explain it."""

from obskit.incident.causes import Cause
from obskit.incident.evidence import HINT, TELLING, Case, Evidence
from obskit.model import Judgement, NextQuery, Step


def judge(evidence: Evidence) -> Judgement | None:
    """Weigh the node's pressure against what the service itself uses."""
    case = Case("node_pressure", evidence)
    for signal in ("node_cpu_ratio", "node_memory_ratio", "node_disk_busy_ratio"):
        level, worse = evidence.level(signal), evidence.worse(signal)
        if level and worse and level.top >= 0.9:
            case.finding(worse, TELLING)
    load = evidence.level("node_load_per_core")
    if load and load.top >= 2:
        case.finding(evidence.worse("node_load_per_core"), HINT)
    case.finding(evidence.worse("node_steal_ratio"), TELLING, "another tenant takes the CPU")
    case.finding(evidence.worse("node_major_faults"), TELLING, "memory is read back from disk")
    if case.score <= 0:
        return None
    case.doubt_if_unfelt(TELLING)
    own = evidence.worse("container_cpu_cores")
    if own:
        case.argue(f"{own.words}: the service itself uses more", -TELLING, own)
    return case.close(service="node")


CAUSE = Cause(
    id="node_pressure",
    title="the node is under pressure",
    needs=("metrics",),
    told_by=(
        "node_cpu_ratio",
        "node_memory_ratio",
        "node_disk_busy_ratio",
        "node_load_per_core",
        "node_steal_ratio",
        "node_major_faults",
    ),
    judge=judge,
    brings_about=(
        "cpu_throttled",
        "worker_saturation",
        "slow_dependency",
        "health_check_misconfigured",
        "runtime_pause",
        "slow_queries",
    ),
    next_steps=(
        Step(words="Who uses it? Compare the tasks on the node", command="top -b -n 1 | head -20"),
        Step(
            words="Move the service: on Fargate a replaced task gets another host",
            command="aws ecs update-service --cluster $cluster --service $service --force-new-deployment",
        ),
        Step(
            words="On EC2: drain the instance",
            command="aws ecs update-container-instances-state --cluster $cluster --container-instances INSTANCE --status DRAINING",
        ),
    ),
    test=NextQuery(
        words="Is the node busy with something else?",
        language="PromQL",
        query='1 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[5m]))',
    ),
)
