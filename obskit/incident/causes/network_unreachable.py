"""Packets do not arrive: no route, a security group, a NAT gateway, an endpoint."""

from obskit.incident.causes import Cause
from obskit.incident.evidence import HINT, STRONG, TELLING, Case, Evidence
from obskit.model import Judgement, NextQuery, Step


def judge(evidence: Evidence) -> Judgement | None:
    """Weigh unreachable hosts, several dependencies failing at once, and ECS's own time-outs."""
    case = Case("network_unreachable", evidence)
    case.logs("network_unreachable", weight=STRONG + HINT)
    case.stops("image_pull_network", "secret_unreachable", weight=TELLING)
    case.finding(evidence.worse("node_network_errors"), HINT)
    families = {
        f.subject.split("/")[0]
        for f in evidence.signatures(
            "database_unreachable", "dependency_down", "slow_dependency", "cache_failure", "messaging_failure"
        )
    }
    if len(families) >= 3:
        case.argue(f"several kinds of dependencies fail at once: {', '.join(sorted(families))}", TELLING)
    return case.close()


CAUSE = Cause(
    id="network_unreachable",
    title="the network does not deliver",
    needs=("logs", "events"),
    judge=judge,
    brings_about=(
        "database_unreachable",
        "dependency_down",
        "slow_dependency",
        "cache_failure",
        "messaging_failure",
        "dns_failure",
        "health_check_misconfigured",
        "worker_saturation",
        "image_pull_failed",
        "telemetry_blind",
    ),
    next_steps=(
        Step(
            words="What changed in routes and security groups?",
            command="aws cloudtrail lookup-events --lookup-attributes AttributeKey=EventSource,AttributeValue=ec2.amazonaws.com --max-results 30",
        ),
        Step(
            words="Is the NAT gateway well?",
            command="aws ec2 describe-nat-gateways --query 'NatGateways[].[NatGatewayId,State,FailureMessage]'",
        ),
        Step(
            words="Can a task connect?",
            command="aws ecs execute-command --cluster $cluster --task $task --interactive --command 'nc -zvw3 HOST PORT'",
        ),
    ),
    test=NextQuery(
        words="Which host cannot be reached?",
        language="LogQL",
        query='{service="$service"} |~ "No route to host|Network is unreachable|EHOSTUNREACH|ENETUNREACH"',
    ),
)
