"""The database is reached but does not let the application in."""

from obskit.incident.causes import Cause
from obskit.incident.evidence import HINT, VERDICT, Case, Evidence
from obskit.model import Judgement, NextQuery, Step


def judge(evidence: Evidence) -> Judgement | None:
    """Weigh the server's refusals; they are unambiguous."""
    case = Case("db_credentials_refused", evidence)
    if case.logs("db_credentials_refused", weight=VERDICT, service="~"):
        up = evidence.level("pg_up")
        if up and up.peak >= 1:
            case.argue("the database answered its exporter: it is up and says no", HINT)
        case.finding(evidence.worse("db_errors"), HINT)
        case.finding(evidence.worse("http_error_ratio"), HINT)
        for deployment in evidence.happened("deployment", "started", "failed", "rolled_back")[:1]:
            case.argue(deployment.words, HINT, deployment)
    case.unseen("pg_up")
    return case.close()


CAUSE = Cause(
    id="db_credentials_refused",
    title="the database refuses the application's credentials",
    needs=("logs",),
    judge=judge,
    brings_about=(
        "db_pool_exhausted",
        "database_unreachable",
        "health_check_misconfigured",
        "bad_deployment",
        "bad_configuration",
        "worker_saturation",
        "cpu_saturation",
        "dependency_down",
        "slow_dependency",
        "access_denied",
        "one_bad_task",
    ),
    next_steps=(
        Step(
            words="Was the secret rotated after the tasks started? They read it at the start only",
            command="aws secretsmanager describe-secret --secret-id SECRET --query '{rotated: LastRotatedDate, changed: LastChangedDate}'",
        ),
        Step(
            words="Start tasks that read the secret anew",
            command="aws ecs update-service --cluster $cluster --service $service --force-new-deployment",
        ),
        Step(
            words="If it persists, compare the secret with what the server accepts",
            command='psql "host=DB_HOST user=APP dbname=DB" -c "select 1"',
        ),
    ),
    test=NextQuery(
        words="Does the server refuse the log-in?",
        language="LogQL",
        query='{service="$service"} |~ "password authentication failed|no pg_hba.conf entry|Access denied for user"',
    ),
)
