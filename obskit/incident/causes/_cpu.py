"""What several causes ask about CPU: how much a task uses of what it was given."""

from __future__ import annotations

from obskit.incident.evidence import Evidence
from obskit.model import Finding

#: CPU units of ECS a vCPU.
UNITS_PER_VCPU = 1024
#: Times over which two things slowed: not more apart than this, they slowed alike.
_ALIKE = 3.0
#: What rises in a process that works more than it did, or that gets less CPU.
_SIGNS_OF_CPU = ("container_cpu_cores", "container_cpu_throttled_ratio", "runtime_loop_lag")
#: Share of a machine's CPU from which on programs that want more of it wait.
_NODE_FULL = 0.95
#: CPU used against before: below this factor the work did not grow.
_NO_MORE = 1.3


def limit_cores(evidence: Evidence) -> float | None:
    """Return the vCPUs that one task of the service may use, as ECS said; None when it did not."""
    said = evidence.facts.get("ecs.task_cpu_units", "")
    if not said:
        own = (e for e in evidence.events if e.service == evidence.service)
        said = next((value for e in own if (value := e.detail("cpu"))), "")
    try:
        return float(said) / UNITS_PER_VCPU or None
    except ValueError:
        return None


def used_of_limit(evidence: Evidence) -> float | None:
    """Return the share of its CPU that the busiest half of the tasks uses since the onset; None when unknown."""
    level = evidence.level("container_cpu_ratio")
    if level:
        return level.top
    limit, tasks = limit_cores(evidence), evidence.task_levels("container_cpu_cores")
    if limit is None or not tasks:
        return None
    ordered = sorted(tasks.values())
    return ordered[len(ordered) // 2] / limit


def short_of_cpu(evidence: Evidence) -> bool:
    """Say whether the tasks are held back by their CPU limit."""
    used = used_of_limit(evidence)
    throttled = evidence.level("container_cpu_throttled_ratio")
    return bool((used is not None and used >= 0.9) or (throttled and throttled.after >= 0.5))


def starved(evidence: Evidence) -> Finding | None:
    """Return the rise of throttling when the tasks use no more CPU than before: their quota shrank, not their work grew."""
    throttled, cpu = evidence.worse("container_cpu_throttled_ratio"), evidence.level("container_cpu_cores")
    if throttled is None or cpu is None or throttled.after < 0.5 or not cpu.before > 0:
        return None
    return throttled if cpu.after < _NO_MORE * cpu.before else None


def measures_late(evidence: Evidence) -> bool:
    """Say whether the service's processes are so short of CPU that whatever they time takes longer."""
    cpu = evidence.level("container_cpu_ratio")
    return bool(cpu and cpu.top > 0.9) or evidence.worse("container_cpu_throttled_ratio") is not None


def slow_itself(evidence: Evidence) -> Finding | None:
    """Return the rise of query times when calls slowed alike and the CPU tells why: the process itself is slow.

    A process that waits for the CPU measures that wait in everything that it waits for. So does a slow network:
    without a sign of the CPU, or of a database that is no busier, nothing is said.
    """
    queries, calls = evidence.worse("db_query_seconds"), evidence.worse("client_latency_mean")
    if queries is None or calls is None or not evidence.seen("pg_active") or evidence.worse("pg_active"):
        return None
    if not (any(evidence.worse(s) for s in _SIGNS_OF_CPU) or short_of_cpu(evidence) or node_is_full(evidence)):
        return None
    slower = [f.after / f.before for f in (queries, calls) if f.before > 0]
    return queries if len(slower) == 2 and max(slower) <= _ALIKE * min(slower) else None


def node_is_full(evidence: Evidence) -> bool:
    """Say whether the machine below had no CPU left since the onset: then nobody reaches a limit of their own."""
    node = evidence.level("node_cpu_ratio")
    return node is not None and node.after >= _NODE_FULL
