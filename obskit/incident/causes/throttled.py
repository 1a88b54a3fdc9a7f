"""An API or a quota answers "too many requests"."""

from obskit.incident.causes import Cause
from obskit.incident.causes._calls import callee, named
from obskit.incident.evidence import HINT, STRONG, TELLING, Case, Evidence
from obskit.model import Judgement, NextQuery, Step


def judge(evidence: Evidence) -> Judgement | None:
    """Weigh throttling answers, and whether we ask more than before."""
    case = Case("throttled", evidence)
    said = case.logs("throttled", weight=STRONG + HINT)
    for event in evidence.happened("throttled_api")[:1]:
        case.argue(event.words, TELLING, event)
    case.stops("image_pull_throttled", weight=TELLING)
    failing = evidence.worse("client_error_ratio") if said else None
    if said:
        case.finding(failing, HINT)
        case.finding(evidence.worse("http_error_ratio"), HINT)
    return case.close(service=callee(evidence, failing) if failing else named(evidence, "throttled"))


CAUSE = Cause(
    id="throttled",
    title="calls are throttled",
    needs=("logs", "events"),
    judge=judge,
    brings_about=(
        "slow_dependency",
        "dependency_down",
        "worker_saturation",
        "health_check_misconfigured",
        "cpu_saturation",
        "one_bad_task",
    ),
    next_steps=(
        Step(words="Which API refuses, and which caller asks most?"),
        Step(words="Back off: longer retries with jitter, fewer callers, a cache before it"),
        Step(words="Ask for more", command="aws service-quotas list-service-quotas --service-code SERVICE"),
    ),
    test=NextQuery(
        words="Who is refused for asking too often?",
        language="LogQL",
        query='{service="$service"} |~ "Throttling|Rate exceeded|Too Many Requests|429"',
    ),
)
