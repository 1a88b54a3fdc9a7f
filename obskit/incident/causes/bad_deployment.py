"""A release brought it: the new revision crashes, cannot start, or answers wrongly."""

from obskit.incident.causes import Cause
from obskit.incident.evidence import FELT, HINT, STRONG, TELLING, VERDICT, Case, Evidence
from obskit.model import Finding, Judgement, NextQuery, Step

#: How long before the first trouble a release may have begun and still be suspect.
_SUSPECT_SECONDS = 600
#: Fewer failed requests than this are what replacing tasks costs, be the release good or bad.
_FELT_ERRORS = 0.02
#: A release that makes requests so many times slower is felt, however fast they were.
_MANY_TIMES = 5.0
#: Wordings that name the setting that a new revision's tasks lack: more specific than "a bad release".
_NAMED_SETTINGS = tuple(
    f"bad_configuration/{name}"
    for name in ("env_keyerror", "env_missing", "pydantic", "django", "spring", "secret_missing", "pg_database")
)


def judge(evidence: Evidence) -> Judgement | None:
    """Weigh what deployments did, how the new revision's tasks fared, and what they logged."""
    case = Case("bad_deployment", evidence)
    failed = evidence.happened("deployment", "failed", "rolled_back")
    started = evidence.happened("deployment", "started")
    for finding in failed[:1]:
        case.argue(finding.words, VERDICT, finding)
    # of several releases the last one before the trouble is the suspect
    near = sorted((f for f in started if _suspect(evidence, f)), key=lambda f: f.onset)[-1:]
    for finding in near:
        case.argue(finding.words, TELLING, finding)
    crashes = evidence.stops("crash", "entrypoint_broken", "image_platform", "clean_exit")
    if failed or near:
        for stop in crashes[:2]:
            case.argue(stop.words, STRONG if not case.score > VERDICT else TELLING, stop)
        case.logs("bad_deployment", weight=STRONG)
        if near and not failed:
            felt = _soon_after(evidence, near[0])
            case.finding(felt, TELLING if felt and _hurts(evidence, felt) else HINT, "it began with the new revision")
    else:
        case.logs("bad_deployment", weight=TELLING)
        for stop in crashes[:1]:
            case.argue(stop.words, HINT, stop)
        if evidence.events:
            case.argue("no deployment in the window's events", -TELLING)
    if started and not near and not failed:
        case.argue("the deployment began after the trouble", -TELLING, started[0])
    _doubts(case, evidence, crashed=bool(crashes), failed=bool(failed))
    if not evidence.events:
        case.unseen("deployments", "ECS events: whether there was a deployment")
    return case.close()


def _doubts(case: Case, evidence: Evidence, *, crashed: bool, failed: bool) -> None:
    """Add what makes a release look blamed for something more specific."""
    killed = evidence.stops("health_check_failed")
    if case.score > 0 and not (failed or crashed):
        case.doubt_if_unfelt(TELLING)
    if case.score > 0 and not (failed or crashed) and killed and not evidence.worse("http_latency_p95"):
        case.argue(f"{killed[0].words}: the check or the tasks fail, none crashes", -HINT, killed[0])
    done = evidence.happened("deployment", "completed")
    if done and not (failed or crashed):
        case.argue(f"{done[0].words}: its tasks passed their health checks", -HINT, done[0])
    for said in evidence.signatures(*_NAMED_SETTINGS)[:1]:
        if not evidence.signatures("bad_deployment"):
            case.argue(f"{said.words}: its tasks name the setting that they miss", -STRONG, said)


def _suspect(evidence: Evidence, deployment: Finding) -> bool:
    if evidence.onset is None:  # nothing happened that it could be blamed for
        return False
    lead = (evidence.onset - deployment.onset).total_seconds()
    return -2 * evidence.resolution.total_seconds() <= lead <= _SUSPECT_SECONDS


def _hurts(evidence: Evidence, felt: Finding) -> bool:
    """Say whether a change is more than what new processes cost until they are warm: slow, or many times slower."""
    warn = evidence.signals[felt.subject].warn or evidence.signals["http_latency_p95"].warn
    return warn is None or felt.after >= warn.value or felt.after >= _MANY_TIMES * felt.before


def _soon_after(evidence: Evidence, deployment: Finding) -> Finding | None:
    """Return the first user-visible change that began after the deployment."""
    found = [evidence.worse(s) for s in reversed(FELT)]
    felt = (f for f in found if f and (f.subject != "http_error_ratio" or f.after >= _FELT_ERRORS))
    return next((f for f in felt if f.onset >= deployment.onset - evidence.resolution), None)


CAUSE = Cause(
    id="bad_deployment",
    title="a bad release",
    needs=("events", "logs"),
    judge=judge,
    brings_about=(
        "health_check_misconfigured",
        "dependency_down",
        "one_bad_task",
        "worker_saturation",
        "capacity_unavailable",
        "slow_dependency",
        "scaling_at_maximum",
        "telemetry_blind",
    ),
    next_steps=(
        Step(
            words="Roll back to the last revision that worked",
            command="aws ecs update-service --cluster $cluster --service $service --task-definition $before",
        ),
        Step(
            words="Read the last lines of a task that failed",
            command='logcli query \'{service="$service"} |~ "(?i)error|exception|traceback"\' --since 30m --limit 50',
        ),
        Step(
            words="Compare the two revisions: image, command, environment, secrets",
            command="aws ecs describe-task-definition --task-definition $family:REVISION",
        ),
    ),
    test=NextQuery(
        words="Do only the new revision's tasks fail?",
        language="aws",
        query="aws ecs describe-services --cluster $cluster --services $service --query 'services[0].deployments[].[taskDefinition,rolloutState,failedTasks]'",
    ),
)
