"""A clock is wrong: signatures and tokens are refused."""

from obskit.incident.causes import Cause
from obskit.incident.evidence import STRONG, VERDICT, Case, Evidence
from obskit.model import Judgement, NextQuery, Step


def judge(evidence: Evidence) -> Judgement | None:
    """Weigh refusals for time and the measured offset."""
    case = Case("clock_skew", evidence)
    case.logs("clock_skew", weight=VERDICT)
    level = evidence.level("node_clock_offset")
    if level and level.top >= 0.05:
        case.finding(evidence.worse("node_clock_offset"), STRONG)
    elif level:
        case.argue(f"the node's clock was right within {evidence.say('node_clock_offset', level.peak)}", -STRONG)
    return case.close()


CAUSE = Cause(
    id="clock_skew",
    title="a clock is wrong",
    needs=("logs", "metrics"),
    told_by=("node_clock_offset",),
    judge=judge,
    brings_about=("access_denied", "tls_failure", "dependency_down"),
    next_steps=(
        Step(words="How far off is it?", command="chronyc tracking"),
        Step(
            words="On Fargate: replace the task; its host's clock is AWS's",
            command="aws ecs update-service --cluster $cluster --service $service --force-new-deployment",
        ),
        Step(words="The other side's clock may be the wrong one: compare both with a third"),
    ),
    test=NextQuery(words="How far is the clock off?", language="PromQL", query="node_timex_offset_seconds"),
)
