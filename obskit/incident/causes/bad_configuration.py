"""A setting is missing or wrong: a variable, a secret, a port, a permission on a file."""

from obskit.incident.causes import Cause
from obskit.incident.evidence import HINT, STRONG, TELLING, VERDICT, Case, Evidence
from obskit.model import Judgement, NextQuery, Step


def judge(evidence: Evidence) -> Judgement | None:
    """Weigh what the application complains about and what ECS could not set up."""
    case = Case("bad_configuration", evidence)
    case.stops("secret_missing", "logging_setup", "efs", "configuration", weight=VERDICT)
    said = case.logs("bad_configuration", weight=STRONG + HINT)
    if said:
        for stop in evidence.stops("crash", "clean_exit")[:1]:
            case.argue(stop.words, TELLING, stop)
        for deployment in evidence.happened("deployment", "started", "failed", "rolled_back")[:1]:
            case.argue(f"{deployment.words}: it may have brought the setting", HINT, deployment)
        for deployment in evidence.happened("deployment", "failed", "rolled_back")[:1]:
            case.argue(f"{deployment.words}: its tasks cannot live without it", TELLING, deployment)
    return case.close()


CAUSE = Cause(
    id="bad_configuration",
    title="a setting is missing or wrong",
    needs=("logs", "events"),
    judge=judge,
    brings_about=(
        "bad_deployment",
        "health_check_misconfigured",
        "dependency_down",
        "one_bad_task",
        "worker_saturation",
        "capacity_unavailable",
    ),
    next_steps=(
        Step(
            words="Compare the environment and secrets of the two last revisions",
            command="aws ecs describe-task-definition --task-definition $family:REVISION --query 'taskDefinition.containerDefinitions[].[environment,secrets]'",
        ),
        Step(
            words="Roll back",
            command="aws ecs update-service --cluster $cluster --service $service --task-definition $before",
        ),
        Step(
            words="Does the secret have the key that is asked for?",
            command="aws secretsmanager describe-secret --secret-id SECRET",
        ),
    ),
    test=NextQuery(
        words="What does the application miss?",
        language="LogQL",
        query='{service="$service"} |~ "KeyError|Field required|ImproperlyConfigured|placeholder|ermission denied|in use"',
    ),
)
