"""Every connection of the application's pool is taken: requests queue for one and time out."""

from obskit.incident.causes import Cause
from obskit.incident.causes._cpu import starved
from obskit.incident.causes._database import busier, lost_exporter
from obskit.incident.evidence import STRONG, TELLING, Case, Evidence
from obskit.model import Judgement, NextQuery, Step

#: Share of the pool in use below which nobody can be waiting for long.
_ROOM_LEFT = 0.8
_FULL = 0.95


def judge(evidence: Evidence) -> Judgement | None:
    """Weigh the pool's gauges, its time-outs and its messages; name what keeps the connections."""
    case = Case("db_pool_exhausted", evidence)
    level = evidence.level("db_pool_used_ratio")
    worse = evidence.worse("db_pool_used_ratio")
    if level and level.top >= _FULL and worse:
        case.finding(worse, STRONG, "every connection is taken")
    elif level and level.top < _ROOM_LEFT:
        case.argue(f"the pool had room: at most {evidence.say('db_pool_used_ratio', level.top)} in use", -STRONG)
    case.finding(evidence.worse("db_pool_waiting"), TELLING)
    case.finding(evidence.worse("db_pool_timeouts"), TELLING)
    case.logs("db_pool_exhausted", weight=STRONG)
    down = evidence.level("pg_up")
    silent = lost_exporter(evidence)
    if silent:
        case.argue(f"{silent.words}: a pool empties when nothing comes back", -STRONG, silent)
    elif down and down.peak < 1:
        case.argue("the database itself did not answer: a pool empties when nothing comes back", -TELLING)
    crowd = busier(evidence)
    if crowd and not evidence.before(min((f.onset for f in (worse,) if f), default=None), crowd.onset):
        case.argue(f"{crowd.words}: the connections are at work in the database, which holds them up", -STRONG, crowd)
    held = starved(evidence)
    if held and worse and not evidence.before(worse.onset, held.onset):
        case.argue(f"{held.words}: starved requests keep their connections longer", -TELLING, held)
    case.unseen("db_pool_used_ratio")
    case.unseen("pg_up", "whether the database itself was well (pg_up)")
    reason, behind = _reason(evidence)
    return case.close(reason=reason, reason_cause=behind)


def _reason(evidence: Evidence) -> tuple[str, str]:
    """Say what keeps the connections, where the evidence allows, and which cause that is, if any."""
    traffic = evidence.worse("http_requests")
    if evidence.signatures("lock_contention", service="*") or evidence.worse("pg_exclusive_locks"):
        return "connections are held by statements that wait for locks", "lock_contention"
    if evidence.worse("db_query_seconds") or evidence.signatures("slow_queries", service="*"):
        return "connections are held by slow queries", "slow_queries"
    if traffic and traffic.after > 2 * traffic.before:
        return "more requests ask for connections than the pool was sized for", "traffic_surge"
    if evidence.worse("pg_idle_in_transaction"):
        return "connections are held by transactions that nobody ends", ""
    active = evidence.level("pg_active")
    if active and active.after <= max(2.0, 1.5 * active.before):
        return "connections leak: the pool is full, yet the database runs no more statements than before", ""
    return "", ""


CAUSE = Cause(
    id="db_pool_exhausted",
    title="the database connection pool is exhausted",
    needs=("metrics", "logs"),
    told_by=("db_pool_used_ratio", "db_pool_waiting", "db_pool_timeouts"),
    judge=judge,
    brings_about=(
        "cpu_saturation",
        "worker_saturation",
        "health_check_misconfigured",
        "slow_dependency",
        "dependency_down",
        "file_descriptors_exhausted",
        "one_bad_task",
        "scaling_at_maximum",
        "node_pressure",
        "runtime_pause",
    ),
    next_steps=(
        Step(
            words="See who holds the connections and since when",
            command='psql -c "select application_name, state, wait_event_type, now() - state_change as since, left(query, 60)'
            " from pg_stat_activity where backend_type = 'client backend' order by since desc nulls last limit 20\"",
        ),
        Step(
            words="Replace the tasks one after the other: it frees what leaked, for as long as the leak takes to fill the pool again",
            command="aws ecs update-service --cluster $cluster --service $service --force-new-deployment",
        ),
        Step(
            words="Was there a release before it began? Roll back to the revision before",
            command="aws ecs describe-services --cluster $cluster --services $service --query 'services[0].deployments'",
        ),
    ),
    test=NextQuery(
        words="Is every connection of the pool taken while the database idles?",
        language="PromQL",
        query="sum by (state) (pg_stat_activity_count)",
    ),
)
