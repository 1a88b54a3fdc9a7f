"""The runtime stops the world: garbage collection, or a blocked event loop."""

from obskit.incident.causes import Cause
from obskit.incident.causes._cpu import short_of_cpu
from obskit.incident.evidence import STRONG, TELLING, Case, Evidence
from obskit.model import Judgement, NextQuery, Step

#: A loop that is held this long at every turn is what users feel, not noise of a busy one.
_LONG_LAG_SECONDS = 0.5


def judge(evidence: Evidence) -> Judgement | None:
    """Weigh time in collection, the loop's lag and what the runtime logs."""
    case = Case("runtime_pause", evidence)
    gc = evidence.level("runtime_gc_ratio")
    worse = evidence.worse("runtime_gc_ratio")
    case.finding(worse, STRONG if gc and gc.top >= 0.1 else TELLING)
    lag = evidence.worse("runtime_loop_lag")
    long = lag is not None and lag.after >= _LONG_LAG_SECONDS
    case.finding(lag, STRONG if long else TELLING, "every request waits for it")
    case.logs("runtime_pause", weight=STRONG)
    if case.score > 0 and short_of_cpu(evidence):
        case.argue("the task is short of CPU, which stretches every pause", -TELLING)
    if case.score > 0:
        case.unseen("runtime_gc_ratio")
    return case.close()


CAUSE = Cause(
    id="runtime_pause",
    title="the runtime pauses",
    needs=("metrics", "logs"),
    told_by=("runtime_gc_ratio", "runtime_loop_lag"),
    judge=judge,
    brings_about=(
        "health_check_misconfigured",
        "slow_dependency",
        "worker_saturation",
        "cpu_saturation",
        "db_pool_exhausted",
        "clock_skew",
    ),
    next_steps=(
        Step(words="Replace the worst task; keep a profile of it"),
        Step(words="Is the heap nearly full? Then it is the heap (see runtime_heap_exhausted)"),
        Step(words="Node: find what blocks the loop", command="node --cpu-prof APP"),
    ),
    test=NextQuery(
        words="How much time goes into collection?",
        language="PromQL",
        query='rate(nodejs_gc_duration_seconds_sum{service="$service"}[5m])',
    ),
)
