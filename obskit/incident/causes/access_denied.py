"""AWS refuses a call of the application or of ECS: a role lacks a permission."""

from obskit.incident.causes import Cause
from obskit.incident.evidence import HINT, STRONG, VERDICT, Case, Evidence
from obskit.model import Judgement, NextQuery, Step


def judge(evidence: Evidence) -> Judgement | None:
    """Weigh refusals in logs, task starts and service events."""
    case = Case("access_denied", evidence)
    case.stops("secret_denied", "image_pull_denied", weight=VERDICT)
    for event in evidence.happened("permissions")[:1]:
        case.argue(event.words, STRONG, event)
    if case.logs("access_denied", weight=VERDICT):
        case.finding(evidence.worse("http_error_ratio"), HINT)
    return case.close()


CAUSE = Cause(
    id="access_denied",
    title="AWS denies access",
    needs=("logs", "events"),
    judge=judge,
    brings_about=(
        "bad_deployment",
        "bad_configuration",
        "image_pull_failed",
        "dependency_down",
        "health_check_misconfigured",
        "db_credentials_refused",
        "worker_saturation",
        "one_bad_task",
    ),
    next_steps=(
        Step(words="Which role, which action, which resource? The message names all three"),
        Step(
            words="Who changed the role or policy?",
            command="aws cloudtrail lookup-events --lookup-attributes AttributeKey=EventSource,AttributeValue=iam.amazonaws.com --max-results 20",
        ),
        Step(
            words="Secrets and images at start are the execution role's; calls at run time are the task role's",
            command="aws ecs describe-task-definition --task-definition $service --query 'taskDefinition.[executionRoleArn,taskRoleArn]'",
        ),
    ),
    test=NextQuery(
        words="What is denied, to whom?",
        language="LogQL",
        query='{service="$service"} |~ "AccessDenied|not authorized to perform|UnauthorizedOperation"',
    ),
)
