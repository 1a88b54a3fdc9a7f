"""The service may be well; it is the watching that broke: scrapes fail, or log lines no longer arrive."""

from obskit.incident.causes import Cause
from obskit.incident.causes._cpu import short_of_cpu
from obskit.incident.evidence import ABNORMAL_STOPS, HINT, STRONG, TELLING, Case, Evidence
from obskit.model import Judgement, NextQuery, Step

#: Which pillar is blind: the reason of a judgement, and what its first steps depend on.
_NO_METRICS, _NO_LINES = "metrics are not scraped", "log lines do not arrive"


def judge(evidence: Evidence) -> Judgement | None:
    """Weigh lost telemetry of one kind against signs of life of another."""
    case = Case("telemetry_blind", evidence)
    scrapes = evidence.worse("task_up")
    silent = evidence.worse("log_lines")
    up = evidence.level("task_up")
    if scrapes and up and up.top < 0.5:
        case.finding(scrapes, TELLING)
        if evidence.seen("log_lines") and not silent:
            case.argue("its logs go on as before: the service lives, the scrapes fail", STRONG)
    if not scrapes:
        _silence(case, evidence)
    if case.score <= 0:
        return None
    running = evidence.level("ecs_running_tasks")
    if running and running.peak >= running.before > 0 and not evidence.stops(*ABNORMAL_STOPS):
        case.argue("ECS runs as many tasks as before and stopped none", TELLING)
    busy = evidence.worse("container_cpu_cores")
    if scrapes and (busy or short_of_cpu(evidence)):
        words = busy.words if busy else "the tasks are short of CPU"
        case.argue(f"{words}: an overloaded task answers its scrapes too late", -STRONG, busy)
    balancer = evidence.level("alb_requests")
    if balancer and balancer.after > 0.5 * balancer.before:
        case.argue("the balancer forwards requests as before", TELLING)
    for stop in evidence.stops(*ABNORMAL_STOPS)[:1]:
        case.argue(f"{stop.words}: tasks really stopped", -TELLING, stop)
    if evidence.worse("http_error_ratio"):
        case.argue("users see errors: it is not the watching alone", -HINT)
    return case.close(reason=_NO_METRICS if scrapes else _NO_LINES)


def _silence(case: Case, evidence: Evidence) -> None:
    """Weigh that log lines ended while metrics go on."""
    counted = evidence.worse("log_lines")
    gone = counted is not None and counted.kind in ("lost", "shift") and counted.after < 0.1 * max(counted.before, 1e-9)
    quiet = counted if gone else evidence.fell_silent()  # as the log store counts, else as the lines themselves tell
    if quiet is None:
        return
    case.finding(quiet, TELLING, "its metrics go on as before")
    requests = evidence.level("http_requests", since=quiet.onset)
    if requests and requests.before > 0 and requests.after > 0.5 * requests.before:
        case.argue("requests are served as before: the service lives, its lines do not arrive", STRONG)
    elif requests and requests.before > 0:
        case.argue("requests stopped as well: who serves nobody has nothing to write", -STRONG)
    others = [name for name in evidence.neighbours() if evidence.fell_silent(name)]
    if others and requests:
        case.argue(f"{', '.join(sorted(others)[:3])} fell silent as well: it is their common way", TELLING)
    for loss in ("alloy_entries_dropped", "loki_lines_discarded"):
        case.finding(evidence.worse(loss), STRONG, "lines are lost on their way")


CAUSE = Cause(
    id="telemetry_blind",
    title="the telemetry is blind",
    needs=("metrics", "logs"),
    told_by=("task_up", "log_lines"),
    judge=judge,
    first_steps={
        _NO_METRICS: (
            Step(
                words="What does Prometheus say of the targets?",
                command="curl -s PROMETHEUS/api/v1/targets?state=active | jq '.data.activeTargets[] | select(.health!=\"up\") | [.scrapeUrl,.lastError]'",
            ),
            Step(
                words="Ask a task itself",
                command="aws ecs execute-command --cluster $cluster --task $task --interactive --command 'curl -s localhost:PORT/metrics'",
            ),
        ),
        _NO_LINES: (
            Step(
                words="Does Alloy take lines in and hand them on?",
                command="curl -s ALLOY:12345/metrics | grep -E 'loki_source_api_entries_written|loki_write_(sent|dropped)_entries_total'",
            ),
            Step(
                words="Does the log router beside each task run?",
                command="aws ecs describe-tasks --cluster $cluster --tasks $(aws ecs list-tasks --cluster $cluster --service-name $service"
                " --query 'taskArns' --output text) --query 'tasks[].containers[].[name,lastStatus,exitCode,reason]'",
            ),
            Step(
                words="Does the program still write to where lines are taken from? A release may have changed its log driver",
                command="aws ecs describe-task-definition --task-definition $(aws ecs describe-services --cluster $cluster"
                " --services $service --query 'services[0].taskDefinition' --output text)"
                " --query 'taskDefinition.containerDefinitions[].[name,logConfiguration.logDriver,logConfiguration.options]'",
            ),
            Step(words="What does the router itself say?", command="aws logs tail ROUTER_LOG_GROUP --follow"),
        ),
    },
    test=NextQuery(words="Which targets cannot be scraped?", language="PromQL", query='up{service="$service"} == 0'),
)
