"""A broker does not answer, or messages pile up."""

from obskit.incident.causes import Cause
from obskit.incident.evidence import HINT, STRONG, TELLING, Case, Evidence
from obskit.model import Judgement, NextQuery, Step


def judge(evidence: Evidence) -> Judgement | None:
    """Weigh the clients' errors and the backlog."""
    case = Case("messaging_failure", evidence)
    if case.logs("messaging_failure", weight=STRONG + HINT):
        case.unseen("queue_backlog")
    case.finding(evidence.worse("queue_backlog"), TELLING)
    return case.close(service="messaging")


CAUSE = Cause(
    id="messaging_failure",
    title="messaging fails",
    needs=("logs", "metrics"),
    told_by=("queue_backlog",),
    judge=judge,
    brings_about=(
        "worker_saturation",
        "dependency_down",
        "slow_dependency",
        "health_check_misconfigured",
        "memory_leak",
    ),
    next_steps=(
        Step(
            words="Is the broker up, and who leads?",
            command="kafka-topics.sh --bootstrap-server BROKER --describe --under-replicated-partitions",
        ),
        Step(
            words="Which consumer lags?",
            command="kafka-consumer-groups.sh --bootstrap-server BROKER --describe --group GROUP",
        ),
        Step(words="A consumer that polls too late is slow in its handler: look at what the handler calls"),
    ),
    test=NextQuery(words="Does the backlog grow?", language="PromQL", query="sum(kafka_consumergroup_lag)"),
)
