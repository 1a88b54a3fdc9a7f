"""ECS cannot pull the image: it is missing, out of reach, not allowed, or for another platform."""

from obskit.incident.causes import Cause
from obskit.incident.evidence import HINT, TELLING, VERDICT, Case, Evidence
from obskit.model import Judgement, NextQuery, Step

_PULLS = (
    "image_not_found",
    "image_pull_network",
    "image_pull_denied",
    "image_pull_throttled",
    "image_platform",
    "image_disk_full",
    "image_pull_failed",
)


def judge(evidence: Evidence) -> Judgement | None:
    """Weigh what ECS says about pulls; it is unambiguous."""
    case = Case("image_pull_failed", evidence)
    if case.stops(*_PULLS, weight=VERDICT + TELLING):
        for deployment in evidence.happened("deployment", "started", "failed", "rolled_back")[:1]:
            case.argue(deployment.words, HINT, deployment)
    case.logs("image_pull_failed", weight=TELLING)
    return case.close()


CAUSE = Cause(
    id="image_pull_failed",
    title="the image cannot be pulled",
    needs=("events",),
    judge=judge,
    brings_about=(
        "bad_deployment",
        "capacity_unavailable",
        "dependency_down",
        "health_check_misconfigured",
        "scaling_at_maximum",
        "access_denied",
        "network_unreachable",
        "throttled",
    ),
    next_steps=(
        Step(
            words="Does the tag exist?",
            command="aws ecr describe-images --repository-name $service --query 'sort_by(imageDetails,&imagePushedAt)[-5:].[imageTags,imagePushedAt]'",
        ),
        Step(
            words="Roll back to the revision whose image is there",
            command="aws ecs update-service --cluster $cluster --service $service --task-definition $before",
        ),
        Step(
            words="Time-outs: NAT or the endpoints ecr.api, ecr.dkr and s3; denied: the execution role (not the task role)"
        ),
    ),
    test=NextQuery(
        words="What did the pull say?",
        language="aws",
        query="aws ecs describe-services --cluster $cluster --services $service --query 'services[0].events[:10].message'",
    ),
)
