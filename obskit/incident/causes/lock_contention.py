"""Statements wait for locks that another transaction holds."""

from obskit.incident.causes import Cause
from obskit.incident.evidence import HINT, STRONG, TELLING, Case, Evidence
from obskit.model import DATABASE, Judgement, NextQuery, Step


def judge(evidence: Evidence) -> Judgement | None:
    """Weigh lock messages, held locks, old transactions and deadlocks."""
    case = Case("lock_contention", evidence)
    case.logs("lock_contention", weight=STRONG, service="*")
    case.finding(evidence.worse("pg_deadlocks"), STRONG)
    case.finding(evidence.worse("pg_exclusive_locks"), TELLING, "an exclusive lock blocks every reader")
    locks = evidence.worse("pg_locks")
    old = evidence.worse("pg_longest_transaction")
    case.finding(locks, TELLING)
    if case.finding(old, TELLING if old and old.peak > 10 else HINT, "it holds its locks all that time") and locks:
        case.argue("locks pile up behind an old transaction", HINT)
    case.finding(evidence.worse("pg_idle_in_transaction"), HINT, "an idle transaction keeps its locks")
    active, commits = evidence.worse("pg_active"), evidence.worse("pg_commits")
    if case.finding(active, HINT) and commits:
        case.argue("more statements run, fewer commit: they wait", TELLING, commits)
    exclusive = evidence.worse("pg_exclusive_locks")
    if (
        active
        and evidence.seen("pg_locks")
        and not (locks or exclusive or evidence.signatures("lock_contention", service="*"))
    ):
        case.argue("more statements run, but no more locks are held than before: they are slow by themselves", -TELLING)
    up = evidence.level("pg_up")
    if up and up.peak < 1:
        case.argue("the database itself did not answer", -STRONG)
    case.unseen("pg_locks")
    case.unseen("pg_longest_transaction")
    return case.close(service=DATABASE)


CAUSE = Cause(
    id="lock_contention",
    title="statements wait for locks in the database",
    needs=("metrics", "logs"),
    told_by=(
        "pg_locks",
        "pg_exclusive_locks",
        "pg_deadlocks",
        "pg_longest_transaction",
        "pg_idle_in_transaction",
        "pg_active",
    ),
    judge=judge,
    brings_about=(
        "db_pool_exhausted",
        "slow_queries",
        "db_connection_limit",
        "worker_saturation",
        "cpu_saturation",
        "slow_dependency",
        "health_check_misconfigured",
        "dependency_down",
        "one_bad_task",
        "file_descriptors_exhausted",
    ),
    next_steps=(
        Step(
            words="Find the session that blocks the others",
            command='psql -c "select pid, pg_blocking_pids(pid) as blocked_by, state, now() - xact_start as age, left(query, 80)'
            " from pg_stat_activity where cardinality(pg_blocking_pids(pid)) > 0"
            ' or pid in (select unnest(pg_blocking_pids(pid)) from pg_stat_activity) order by age desc"',
        ),
        Step(
            words="End the blocker's transaction, after asking who runs it",
            command='psql -c "select pg_terminate_backend(PID)"',
        ),
        Step(
            words="Keep it from coming back",
            command="psql -c \"alter role APP set lock_timeout = '3s', idle_in_transaction_session_timeout = '30s'\"",
        ),
    ),
    test=NextQuery(
        words="Does one old transaction hold what the others wait for?",
        language="PromQL",
        query="max by (state) (pg_stat_activity_max_tx_duration)",
    ),
)
