"""One task of several misbehaves; its siblings are well."""

from obskit.incident.causes import Cause
from obskit.incident.causes._tasks import odd_one_out
from obskit.incident.evidence import HINT, STRONG, TELLING, Case, Evidence
from obskit.model import Judgement, NextQuery, Step

#: signal: how far above its siblings' median a task must be (factor, and difference in the unit).
_TELLING_APART = {
    "http_error_ratio": (5.0, 0.05),
    "http_latency_mean": (3.0, 0.1),
    "http_in_flight": (3.0, 3.0),
    "http_workers_ratio": (3.0, 0.5),
    "container_cpu_cores": (3.0, 0.1),
    "container_memory_bytes": (2.0, 100 * 2**20),
    "db_pool_used_ratio": (3.0, 0.4),
}

#: What users feel of a task; requests that pile up in it may wait for what all tasks share.
_FELT = ("http_error_ratio", "http_latency_mean")


def judge(evidence: Evidence) -> Judgement | None:
    """Weigh how far one task stands out from its siblings since the onset."""
    case = Case("one_bad_task", evidence)
    suspects: list[str] = []
    felt = False
    for signal, (factor, difference) in _TELLING_APART.items():
        few = (
            len(evidence.task_levels(signal)) < 3
        )  # of two, either may be the odd one: only what users feel tells which
        odd = odd_one_out(evidence, signal, factor=factor, difference=difference)
        if odd is None or (few and not signal.startswith("http_")) or (suspects and odd.task not in suspects):
            continue
        if signal == "http_in_flight" and felt:  # requests and their latency told as much (Little's law)
            continue
        felt = felt or signal in _FELT
        suspects.append(odd.task)
        title = evidence.signals[signal].title
        levels = f"{evidence.say(signal, odd.level)}, its siblings {evidence.say(signal, odd.siblings)}"
        weight = STRONG if signal in _FELT and not few else TELLING
        finding = next((f for f in evidence.changes(signal, task=True) if f.task == odd.task), None)
        case.argue(f"task {odd.task[:12]}: {title} {levels}", weight, finding)
    if suspects and not felt:
        left = evidence.worse("alb_elb_5xx") or evidence.worse("alb_balancer_4xx")  # 504, or 460: the user left first
        case.finding(left, HINT, "whom the balancer sends to a task that hangs gets no answer")
    alone = [f for f in evidence.findings if f.kind == "signature" and f.service == evidence.service and f.task]
    for finding in alone[:1]:
        if not suspects or finding.task in suspects:
            weight = TELLING if suspects else HINT  # a line from one task alone may be chance
            suspects.append(finding.task)
            case.argue(f"{finding.words} (only task {finding.task[:12]})", weight, finding)
    return case.close(task=suspects[0] if suspects else "")


CAUSE = Cause(
    id="one_bad_task",
    title="one task misbehaves",
    needs=("metrics", "logs"),
    told_by=tuple(_TELLING_APART),
    judge=judge,
    brings_about=("health_check_misconfigured", "worker_saturation"),
    next_steps=(
        Step(
            words="Stop that task; the service starts another",
            command="aws ecs stop-task --cluster $cluster --task $task --reason 'stands out from its siblings'",
        ),
        Step(words="Keep its logs and, if it still runs, a stack dump before that"),
        Step(
            words="Does it share a zone or an older revision with nobody else?",
            command="aws ecs describe-tasks --cluster $cluster --tasks $task --query 'tasks[].[availabilityZone,taskDefinitionArn,startedAt]'",
        ),
    ),
    test=NextQuery(
        words="Which task fails?",
        language="PromQL",
        query='sum by (task_id) (rate(http_requests_total{service="$service",status=~"5.."}[5m]))',
    ),
)
