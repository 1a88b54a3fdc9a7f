"""The database does not answer: stopped, failing over, or cut off from its clients."""

from obskit.incident.causes import Cause
from obskit.incident.causes._database import lost_exporter
from obskit.incident.evidence import HINT, STRONG, TELLING, Case, Evidence
from obskit.model import DATABASE, Judgement, NextQuery, Step


def judge(evidence: Evidence) -> Judgement | None:
    """Weigh what the exporter, the clients and the server's own log say."""
    case = Case("database_unreachable", evidence)
    up = evidence.level("pg_up")
    silent = lost_exporter(evidence)
    if silent:
        # alone it may be the exporter's own end; with clients that wait as well it is the server
        waits = evidence.worse("db_pool_timeouts") or evidence.worse("db_errors")
        why = (
            "its exporter waits for the server as its clients do" if waits else "its exporter waits, or is gone itself"
        )
        case.finding(silent, STRONG if waits else TELLING, why)
    elif up and up.peak < 1:
        finding = evidence.worse("pg_up")
        if finding:
            case.finding(finding, STRONG, "its exporter cannot connect")
        else:
            case.argue("the database's exporter could not connect (pg_up 0)", STRONG)
    elif up:
        # An exporter beside the server does not see what lies between the server and its clients.
        weight = -TELLING if evidence.signatures("database_unreachable") else -STRONG
        case.argue("the database answered its exporter all the time (pg_up 1)", weight)
    case.logs("database_unreachable", weight=STRONG + HINT, service="*")
    case.doubt_if_one_task("database_unreachable", what="the database")
    case.finding(evidence.worse("pg_commits"), HINT)
    case.finding(evidence.worse("db_errors"), HINT)
    if evidence.signatures("db_connection_limit", "db_credentials_refused", "dns_failure", service="*"):
        case.argue("the server was reached and said why it refused, or its name was not found", -TELLING)
    case.unseen("pg_up")
    return case.close(service=DATABASE)


CAUSE = Cause(
    id="database_unreachable",
    title="the database does not answer",
    needs=("metrics", "logs"),
    told_by=("pg_up", "pg_commits", "db_errors"),
    judge=judge,
    brings_about=(
        "db_pool_exhausted",
        "slow_queries",
        "lock_contention",
        "cpu_saturation",
        "cpu_throttled",
        "worker_saturation",
        "health_check_misconfigured",
        "dependency_down",
        "slow_dependency",
        "network_unreachable",
        "one_bad_task",
        "bad_deployment",
        "node_pressure",
        "bad_configuration",
        "scaling_at_maximum",
        "file_descriptors_exhausted",
        "telemetry_blind",
    ),
    next_steps=(
        Step(
            words="Is the instance available, and what happened to it last?",
            command="aws rds describe-events --source-type db-instance --duration 60",
        ),
        Step(words="Can a task reach it at all?", command="pg_isready -h DB_HOST -p 5432 -t 3"),
        Step(
            words="If it is up and a task cannot reach it: compare the security groups and the subnet's routes with yesterday's",
            command="aws ec2 describe-security-group-rules --filters Name=group-id,Values=DB_SECURITY_GROUP",
        ),
    ),
    test=NextQuery(words="Does the database answer its exporter?", language="PromQL", query="pg_up"),
)
