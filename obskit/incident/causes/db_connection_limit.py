"""The database server has no connection slot left: it refuses new ones, whoever asks."""

from obskit.incident.causes import Cause
from obskit.incident.evidence import STRONG, TELLING, VERDICT, Case, Evidence
from obskit.model import DATABASE, Judgement, NextQuery, Step


def judge(evidence: Evidence) -> Judgement | None:
    """Weigh the server's refusals and its connection count against max_connections."""
    case = Case("db_connection_limit", evidence)
    case.logs("db_connection_limit", weight=VERDICT, service="*")
    level = evidence.level("pg_connections_ratio")
    worse = evidence.worse("pg_connections_ratio")
    if level and level.peak >= 0.9 and worse:
        case.finding(worse, STRONG, "hardly a slot is left")
    elif level and level.peak < 0.75:
        case.argue(f"the server had slots: at most {evidence.say('pg_connections_ratio', level.peak)} taken", -TELLING)
    case.unseen("pg_connections_ratio")
    return case.close(service=DATABASE)


CAUSE = Cause(
    id="db_connection_limit",
    title="the database server is out of connection slots",
    needs=("metrics", "logs"),
    told_by=("pg_connections_ratio",),
    judge=judge,
    brings_about=(
        "db_pool_exhausted",
        "database_unreachable",
        "health_check_misconfigured",
        "worker_saturation",
        "bad_deployment",
        "cpu_saturation",
        "slow_dependency",
        "dependency_down",
        "one_bad_task",
        "slow_queries",
    ),
    next_steps=(
        Step(
            words="Count who holds the slots",
            command='psql -c "select usename, application_name, client_addr, state, count(*) from pg_stat_activity'
            ' group by 1, 2, 3, 4 order by 5 desc limit 20"',
        ),
        Step(
            words="End idle connections of the largest holder (they are reopened on demand)",
            command="psql -c \"select pg_terminate_backend(pid) from pg_stat_activity where state = 'idle'"
            " and application_name = 'NAME' and state_change < now() - interval '5 minutes'\"",
        ),
        Step(words="Scale in whatever multiplied its tasks: tasks x pool size must stay below max_connections"),
    ),
    test=NextQuery(
        words="How many slots are taken, of how many?",
        language="PromQL",
        query="sum(pg_stat_activity_count) / max(pg_settings_max_connections)",
    ),
)
