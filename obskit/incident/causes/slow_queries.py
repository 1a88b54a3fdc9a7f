"""Queries take much longer than they did: a plan, an index, a table's size, or a cold cache."""

from obskit.incident.causes import Cause
from obskit.incident.causes._cpu import measures_late, slow_itself
from obskit.incident.causes._database import busier
from obskit.incident.evidence import HINT, STRONG, TELLING, Case, Evidence
from obskit.model import DATABASE, Judgement, NextQuery, Step


def judge(evidence: Evidence) -> Judgement | None:
    """Weigh query times, running statements, rows read and slow-query messages."""
    case = Case("slow_queries", evidence)
    case.logs("slow_queries", weight=STRONG, service="*")
    slower = evidence.worse("db_query_seconds")
    if slower:
        if measures_late(evidence):
            case.finding(slower, HINT, "measured in a process that is short of CPU, which slows the measuring too")
        elif slow_itself(evidence):
            case.finding(slower, HINT, "its calls slowed as much: rather the process that measures is slow")
        else:
            case.finding(slower, STRONG if slower.after > 3 * slower.before else TELLING)
    crowd = busier(evidence)
    if not case.finding(crowd, STRONG, "far more than requests explain: each takes longer"):
        case.finding(evidence.worse("pg_active"), TELLING)
    elif evidence.worse("db_pool_used_ratio"):
        case.argue("the pool fills with connections that are at work, not idle", HINT)
    rows = evidence.worse("pg_rows_read")
    if rows:
        traffic = evidence.worse("http_requests")
        grown = traffic is not None and traffic.after > 1.5 * traffic.before
        case.finding(rows, HINT if grown else TELLING, "" if grown else "with no more requests than before")
    case.finding(evidence.worse("pg_longest_transaction"), HINT)
    if evidence.signatures("lock_contention", service="*"):
        case.argue("statements wait for locks: they are held up, not slow by themselves", -TELLING)
    if slower:
        case.doubt_if_unfelt(TELLING)
    up = evidence.level("pg_up")
    if up and up.peak < 1:
        case.argue("the database itself did not answer", -STRONG)
    active = evidence.level("pg_active")
    if active and not evidence.worse("pg_active") and not slower:
        case.argue(f"no more statements run than before ({evidence.say('pg_active', active.after)})", -TELLING)
    case.unseen("db_query_seconds")
    case.unseen("pg_active")
    return case.close(service=DATABASE)


CAUSE = Cause(
    id="slow_queries",
    title="database queries have become slow",
    needs=("metrics", "logs"),
    told_by=("db_query_seconds", "pg_active", "pg_rows_read", "pg_longest_transaction"),
    judge=judge,
    brings_about=(
        "db_pool_exhausted",
        "worker_saturation",
        "slow_dependency",
        "health_check_misconfigured",
        "db_connection_limit",
        "dependency_down",
        "one_bad_task",
        "cpu_saturation",
        "node_pressure",
        "file_descriptors_exhausted",
    ),
    next_steps=(
        Step(
            words="Which statements run long right now?",
            command='psql -c "select pid, now() - query_start as age, wait_event_type, wait_event, left(query, 120)'
            " from pg_stat_activity where state = 'active' order by age desc limit 10\"",
        ),
        Step(
            words="Read the plan of the worst one: a sequential scan over a large table?",
            command='psql -c "explain (analyze, buffers) QUERY"',
        ),
        Step(
            words="Cap what a statement may take while it is mended",
            command="psql -c \"alter role APP set statement_timeout = '5s'\"",
        ),
    ),
    test=NextQuery(
        words="Do statements run, or do they wait for locks?",
        language="PromQL",
        query='sum by (state) (pg_stat_activity_count{state!="idle"})',
    ),
)
