"""A filesystem has no space or no inodes left."""

from obskit.incident.causes import Cause
from obskit.incident.evidence import HINT, STRONG, TELLING, VERDICT, Case, Evidence
from obskit.model import Judgement, NextQuery, Step

_FULL = 0.97


def judge(evidence: Evidence) -> Judgement | None:
    """Weigh refused writes and the filesystems' fill."""
    case = Case("disk_full", evidence)
    refused = case.logs("disk_full", weight=VERDICT, service="~")
    case.stops("image_disk_full", weight=VERDICT)
    felt = refused or any(evidence.worse(s) for s in ("http_error_ratio", "pg_commits"))
    for signal in ("node_disk_used_ratio", "node_inodes_used_ratio"):
        level, worse = evidence.level(signal), evidence.worse(signal)
        if worse and max(worse.after, worse.peak) >= _FULL:
            if felt:
                case.finding(worse, STRONG)
            else:  # a node carries more filesystems than the service writes to
                case.finding(worse, TELLING, "though nobody complains of it")
        elif worse and worse.kind == "ramp":
            case.finding(worse, TELLING, "it fills steadily")
        elif level and refused and level.peak >= _FULL:
            case.argue(f"a filesystem is {evidence.say(signal, level.peak)} full", TELLING)
        case.unseen(signal)
    if refused:
        case.finding(evidence.worse("http_error_ratio"), HINT)
    return case.close()


CAUSE = Cause(
    id="disk_full",
    title="a disk is full",
    needs=("metrics", "logs", "events"),
    told_by=("node_disk_used_ratio", "node_inodes_used_ratio"),
    judge=judge,
    brings_about=(
        "database_unreachable",
        "health_check_misconfigured",
        "bad_configuration",
        "slow_queries",
        "dependency_down",
        "worker_saturation",
        "cache_failure",
        "messaging_failure",
        "node_pressure",
        "one_bad_task",
        "bad_deployment",
    ),
    next_steps=(
        Step(
            words="Which filesystem, and what grew?",
            command="df -h; df -i; du -xh --max-depth=2 / | sort -h | tail -20",
        ),
        Step(
            words="Free space: rotated logs, temporary files, core dumps; replacing a Fargate task gives it an empty disk"
        ),
        Step(words="Give the task more (ephemeralStorage, 21 to 200 GiB) or the database more allocated storage"),
    ),
    test=NextQuery(
        words="Which filesystem is full?",
        language="PromQL",
        query="1 - node_filesystem_avail_bytes / node_filesystem_size_bytes > 0.9",
    ),
)
