"""Memory climbs steadily and does not come back; the limit has not been reached yet."""

from obskit.incident.causes import Cause
from obskit.incident.evidence import HINT, STRONG, TELLING, Case, Evidence
from obskit.model import Judgement, NextQuery, Step


def judge(evidence: Evidence) -> Judgement | None:
    """Weigh a steady climb, with no more work that would explain it."""
    case = Case("memory_leak", evidence)
    found = evidence.changes("container_memory_bytes", task=None) + evidence.changes("runtime_heap_bytes", task=None)
    ramps = sorted((f for f in found if f.kind == "ramp"), key=lambda f: -f.score)
    if not ramps:
        return None
    case.finding(ramps[0], STRONG)
    traffic = evidence.worse("http_requests")
    if traffic and traffic.after > 1.5 * traffic.before:
        case.argue(f"{traffic.words}: more requests take more memory", -TELLING)
    else:
        case.argue("requests did not grow", HINT)
    if evidence.stops("out_of_memory"):
        case.argue("tasks were killed: the limit has been reached", -TELLING)
    case.unseen("container_memory_ratio")
    return case.close(task=ramps[0].task if len({f.task for f in ramps}) == 1 else "")


CAUSE = Cause(
    id="memory_leak",
    title="memory leaks",
    needs=("metrics",),
    judge=judge,
    brings_about=("runtime_pause", "runtime_heap_exhausted", "node_pressure"),
    next_steps=(
        Step(words="When is the limit reached at this rate? (the panel's prediction, or predict_linear over an hour)"),
        Step(
            words="Replace the tasks before that, one after the other",
            command="aws ecs update-service --cluster $cluster --service $service --force-new-deployment",
        ),
        Step(words="Compare a heap profile of an old task with one of a young task"),
    ),
    test=NextQuery(
        words="Does memory grow while requests do not?",
        language="PromQL",
        query='deriv(ecs_memory_bytes{service="$service"}[30m])',
    ),
)
