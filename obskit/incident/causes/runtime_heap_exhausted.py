"""The runtime's own heap limit was reached, below the container's: JVM, Node."""

from obskit.incident.causes import Cause
from obskit.incident.evidence import HINT, STRONG, TELLING, VERDICT, Case, Evidence
from obskit.model import Judgement, NextQuery, Step


def judge(evidence: Evidence) -> Judgement | None:
    """Weigh what the runtime said before it died, its heap and its collector."""
    case = Case("runtime_heap_exhausted", evidence)
    case.logs("runtime_heap_exhausted", weight=VERDICT)
    aborted = [f for f in evidence.stops("crash") if "exit code 134" in f.words]
    for stop in aborted[:1]:
        case.argue(f"{stop.words}: how Node ends when its heap is full", TELLING, stop)
    heap = evidence.level("runtime_heap_ratio")
    if heap and heap.top >= 0.9:
        case.finding(evidence.worse("runtime_heap_ratio"), STRONG)
    if case.score > 0:
        case.finding(evidence.worse("runtime_heap_bytes", task=None), TELLING)
        case.finding(evidence.worse("runtime_gc_ratio"), TELLING)
    if evidence.stops("out_of_memory"):
        case.argue("ECS says that the container's limit was reached, not the runtime's", -TELLING)
    if case.score > 0:
        case.unseen("runtime_heap_bytes")
        for deployment in evidence.happened("deployment", "started")[:1]:
            case.argue(deployment.words, HINT, deployment)
    return case.close()


CAUSE = Cause(
    id="runtime_heap_exhausted",
    title="the runtime's heap is full",
    needs=("metrics", "logs", "events"),
    told_by=("runtime_heap_ratio",),
    judge=judge,
    brings_about=(
        "runtime_pause",
        "memory_leak",
        "memory_exhausted",
        "cpu_saturation",
        "health_check_misconfigured",
        "slow_dependency",
        "dependency_down",
        "bad_deployment",
        "one_bad_task",
        "worker_saturation",
    ),
    next_steps=(
        Step(
            words="Raise the heap towards three quarters of the container (NODE_OPTIONS=--max-old-space-size, -XX:MaxRAMPercentage=75)"
        ),
        Step(
            words="Replace the tasks that are about to be full",
            command="aws ecs update-service --cluster $cluster --service $service --force-new-deployment",
        ),
        Step(
            words="Keep a heap dump of the next one (-XX:+HeapDumpOnOutOfMemoryError, --heapsnapshot-near-heap-limit=1)"
        ),
    ),
    test=NextQuery(
        words="Does the runtime say that its heap is full?",
        language="LogQL",
        query='{service="$service"} |~ "heap out of memory|OutOfMemoryError"',
    ),
)
