"""The cache does not answer, refuses writes, or has lost its content."""

from obskit.incident.causes import Cause
from obskit.incident.evidence import HINT, STRONG, TELLING, VERDICT, Case, Evidence
from obskit.model import Judgement, NextQuery, Step


def judge(evidence: Evidence) -> Judgement | None:
    """Weigh the clients' errors and the cache's own gauges."""
    case = Case("cache_failure", evidence)
    said = case.logs("cache_failure", weight=VERDICT)
    up = evidence.level("cache_up")
    if up and up.peak < 1:
        case.finding(evidence.worse("cache_up"), STRONG)
    memory = evidence.level("cache_memory_ratio")
    if memory and memory.top >= 0.95:
        case.finding(evidence.worse("cache_memory_ratio"), TELLING)
    case.finding(evidence.worse("cache_evictions"), HINT)
    case.finding(evidence.worse("cache_hit_ratio"), TELLING, "what misses goes to the database")
    if said:
        case.unseen("cache_up")
    return case.close(service="cache")


CAUSE = Cause(
    id="cache_failure",
    title="the cache fails",
    needs=("logs", "metrics"),
    told_by=("cache_up", "cache_memory_ratio", "cache_evictions", "cache_hit_ratio"),
    judge=judge,
    brings_about=(
        "slow_queries",
        "db_pool_exhausted",
        "worker_saturation",
        "dependency_down",
        "slow_dependency",
        "health_check_misconfigured",
        "cpu_saturation",
        "db_connection_limit",
    ),
    next_steps=(
        Step(words="Does it answer, and what is full?", command="redis-cli -h CACHE_HOST info memory clients stats"),
        Step(words="A failover?", command="aws elasticache describe-events --duration 60"),
        Step(words="Serve without it, if the database carries that; else shed load"),
    ),
    test=NextQuery(words="Does the cache answer its exporter?", language="PromQL", query="redis_up"),
)
