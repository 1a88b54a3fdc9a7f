"""A process may open no further file or socket."""

from obskit.incident.causes import Cause
from obskit.incident.evidence import HINT, STRONG, TELLING, Case, Evidence
from obskit.model import Judgement, NextQuery, Step


def judge(evidence: Evidence) -> Judgement | None:
    """Weigh refused opens and descriptors against the limit."""
    case = Case("file_descriptors_exhausted", evidence)
    refused = case.logs("file_descriptors_exhausted", weight=STRONG)
    level = evidence.level("process_fds_ratio")
    worse = evidence.worse("process_fds_ratio", task=None) or evidence.worse("process_fds", task=None)
    if level and worse and level.peak >= 0.9:
        case.finding(worse, STRONG, f"up to {evidence.say('process_fds_ratio', level.peak)} of the limit")
    elif level and level.peak < 0.7:
        case.argue(f"at most {evidence.say('process_fds_ratio', level.peak)} of the descriptors were open", -STRONG)
    elif worse:
        case.finding(worse, TELLING)
    if refused:
        case.finding(evidence.worse("http_in_flight"), HINT)
    case.unseen("process_fds_ratio")
    return case.close()


CAUSE = Cause(
    id="file_descriptors_exhausted",
    title="a process is out of file descriptors",
    needs=("metrics", "logs"),
    told_by=("process_fds_ratio", "process_fds"),
    judge=judge,
    brings_about=(
        "dns_failure",
        "database_unreachable",
        "dependency_down",
        "health_check_misconfigured",
        "worker_saturation",
        "network_unreachable",
        "slow_dependency",
        "bad_configuration",
        "telemetry_blind",
        "one_bad_task",
        "db_pool_exhausted",
        "tls_failure",
        "cache_failure",
    ),
    next_steps=(
        Step(
            words="What is open: sockets to whom, or files?",
            command="aws ecs execute-command --cluster $cluster --task $task --interactive --command \"sh -c 'ls -l /proc/1/fd | tail -50; cat /proc/1/limits'\"",
        ),
        Step(
            words="Replace the tasks: it frees what leaked",
            command="aws ecs update-service --cluster $cluster --service $service --force-new-deployment",
        ),
        Step(words="Raise nofile in the task definition's ulimits (65,535 is common) and mend the leak"),
    ),
    test=NextQuery(
        words="How many descriptors are open, of how many?",
        language="PromQL",
        query='process_open_fds{service="$service"} / process_max_fds{service="$service"}',
    ),
)
