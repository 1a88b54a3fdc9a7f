"""Memory climbs steadily and does not come back; the limit has not been reached yet."""

import numpy as np
import numpy.typing as npt

from obskit.incident.causes import Cause
from obskit.incident.evidence import HINT, STRONG, TELLING, Case, Evidence
from obskit.model import Finding, Judgement, NextQuery, Step, nanoseconds

FloatVector = npt.NDArray[np.float64]
#: Fewer points than this say nothing about a climb's shape: any task fills its memory when it starts.
_FEWEST_POINTS = 18


def judge(evidence: Evidence) -> Judgement | None:
    """Weigh a steady climb, with no more work that would explain it."""
    case = Case("memory_leak", evidence)
    memory = ("container_memory_bytes", "container_memory_ratio", "runtime_heap_bytes")
    found = [f for signal in memory for f in evidence.changes(signal, task=None)]
    rising = [f for f in found if f.kind == "ramp" and f.after > f.before]
    ramps = sorted((f for f in rising if len(_climb(evidence, f)) >= _FEWEST_POINTS), key=lambda f: -f.score)
    if not ramps:
        return None
    case.finding(ramps[0], STRONG)
    traffic = evidence.worse("http_requests")
    if traffic and traffic.after > 1.5 * traffic.before:
        case.argue(f"{traffic.words}: more requests take more memory", -TELLING)
    else:
        case.argue("requests did not grow", HINT)
    if _flattens(_climb(evidence, ramps[0])):
        case.argue("the climb flattens: caches and heaps of young tasks fill like that", -STRONG)
    if evidence.stops("out_of_memory"):
        case.argue("tasks were killed: the limit has been reached", -TELLING)
    case.unseen("container_memory_ratio")
    return case.close(task=ramps[0].task if len({f.task for f in ramps}) == 1 else "")


def _climb(evidence: Evidence, ramp: Finding) -> FloatVector:
    """Return the samples of a ramp since its onset."""
    pairs = enumerate(evidence.metrics.series)
    columns = [i for i, s in pairs if (s.signal, s.service, s.task) == (ramp.subject, ramp.service, ramp.task)]
    values = evidence.metrics.values[:, columns[:1]]
    since = evidence.metrics.times >= np.datetime64(nanoseconds(ramp.onset), "ns")
    return values[np.isfinite(values) & since[:, None]]


def _flattens(climb: FloatVector) -> bool:
    """Say whether the climb loses its pace: the last third rises at less than half of the first half's slope."""
    early, late = climb[: len(climb) // 2], climb[-(len(climb) // 3) :]
    slopes = [float(np.polyfit(np.arange(len(part)), part, 1)[0]) for part in (early, late)]
    return slopes[0] > 0 and slopes[1] < 0.5 * slopes[0]


CAUSE = Cause(
    id="memory_leak",
    title="memory leaks",
    needs=("metrics",),
    told_by=("container_memory_bytes", "container_memory_ratio", "runtime_heap_bytes"),
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
