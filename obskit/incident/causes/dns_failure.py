"""Names cannot be resolved: the resolver fails, or a name is wrong."""

from obskit.incident.causes import Cause
from obskit.incident.evidence import HINT, VERDICT, Case, Evidence
from obskit.model import Judgement, NextQuery, Step


def judge(evidence: Evidence) -> Judgement | None:
    """Weigh the resolver's errors; they name themselves."""
    case = Case("dns_failure", evidence)
    if case.logs("dns_failure", weight=VERDICT):
        case.finding(evidence.worse("http_error_ratio"), HINT)
        case.finding(evidence.worse("client_error_ratio"), HINT)
        up = evidence.level("pg_up")
        if up and up.peak >= 1:
            case.argue("the database answered its exporter: it is up, its name is not found", HINT)
        for deployment in evidence.happened("deployment", "started")[:1]:
            case.argue(f"{deployment.words}: did it bring a new name?", HINT, deployment)
    return case.close()


CAUSE = Cause(
    id="dns_failure",
    title="names cannot be resolved",
    needs=("logs",),
    judge=judge,
    brings_about=(
        "database_unreachable",
        "dependency_down",
        "slow_dependency",
        "cache_failure",
        "messaging_failure",
        "health_check_misconfigured",
        "worker_saturation",
        "db_pool_exhausted",
        "network_unreachable",
        "bad_configuration",
        "bad_deployment",
        "one_bad_task",
        "cpu_saturation",
    ),
    next_steps=(
        Step(
            words="Which name, and does it resolve from a task?",
            command="aws ecs execute-command --cluster $cluster --task $task --interactive --command 'getent hosts NAME'",
        ),
        Step(
            words="Does the record exist?",
            command="aws route53 list-resource-record-sets --hosted-zone-id ZONE --query \"ResourceRecordSets[?contains(Name,'NAME')]\"",
        ),
        Step(
            words="Is DNS on in the VPC? And is the resolver's limit of 1,024 packets a second an interface reached?",
            command="aws ec2 describe-vpc-attribute --vpc-id VPC --attribute enableDnsSupport",
        ),
    ),
    test=NextQuery(
        words="Which name is not found?",
        language="LogQL",
        query='{service="$service"} |~ "Name or service not known|Temporary failure in name resolution|ENOTFOUND|EAI_AGAIN|no such host"',
    ),
)
