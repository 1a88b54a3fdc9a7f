"""ListServiceDeployments and DescribeServiceDeployments, which moto 5.2.5 does not know.

AWS (API model): every deployment stays listed, newest first, with a status of its own; one that was rolled back from is
ROLLBACK_SUCCESSFUL once the old revision runs, whatever DescribeServices shows by then.

Simulation: a deployment that failed without rollback, and one that a newer one overtook, is STOPPED; alarms, hooks and
life-cycle stages are left out.
"""

from __future__ import annotations

from typing import Any

from moto.ecs.exceptions import InvalidParameterException, ServiceNotFoundException

from tests.standins.aws import Row
from tests.standins.fargate_services import Deployment, Service
from tests.standins.fargate_world import World

_BRIEF = ("serviceDeploymentArn", "serviceArn", "clusterArn", "startedAt", "createdAt", "finishedAt", "status")


def list_service_deployments(world: World, asked: Row) -> Row:
    """List a service's deployments, newest first."""
    cluster = str(asked.get("cluster") or "default").rsplit("/", 1)[-1]
    service = world.services.get(f"{cluster}:{str(asked['service']).rsplit('/', 1)[-1]}")
    if service is None:
        raise ServiceNotFoundException
    rows = [_row(service, deployment) for deployment in reversed(service.history)]
    rows = [row for row in rows if row["status"] in (asked.get("status") or (row["status"],))]
    briefs = [{k: row[k] for k in (*_BRIEF, "statusReason") if k in row} for row in rows]
    return {"serviceDeployments": briefs}


def describe_service_deployments(world: World, asked: Row) -> Row:
    """Describe deployments by ARN."""
    if len(asked["serviceDeploymentArns"]) > 20:
        raise InvalidParameterException("Service deployments cannot exceed 20 in number.")
    known = {
        row["serviceDeploymentArn"]: row
        for service in world.services.values()
        for row in (_row(service, deployment) for deployment in service.history)
    }
    arns = asked["serviceDeploymentArns"]
    failures = [{"arn": arn, "reason": "MISSING"} for arn in arns if arn not in known]
    return {"serviceDeployments": [known[arn] for arn in arns if arn in known], "failures": failures}


def arn_of(service: Service, deployment: Deployment, kind: str = "service-deployment") -> str:
    """Return the ARN of a deployment, or of the service revision that it deploys."""
    number = deployment.id.removeprefix("ecs-svc/")
    return service.world.arn(kind, f"{service.cluster_name}/{service.name}/{number}")


def _row(service: Service, deployment: Deployment) -> Row:
    own = [t for t in service.tasks if t.deployment is deployment]
    breaker = service.breaker
    tripped = "TRIGGERED" if deployment.state == "FAILED" else "MONITORING"
    row: dict[str, Any] = {
        "serviceDeploymentArn": arn_of(service, deployment),
        "serviceArn": service.arn,
        "clusterArn": service.row["clusterArn"],
        "createdAt": deployment.created,
        "startedAt": deployment.created,
        "updatedAt": deployment.updated,
        "status": _status(service, deployment),
        "statusReason": deployment.reason,
        "deploymentConfiguration": service.row["deploymentConfiguration"],
        "targetServiceRevision": {
            "arn": arn_of(service, deployment, "service-revision"),
            "requestedTaskCount": service.row["desiredCount"],
            "runningTaskCount": sum(t.row["lastStatus"] == "RUNNING" for t in own),
            "pendingTaskCount": sum(t.wanted and t.row["lastStatus"] != "RUNNING" for t in own),
        },
        "deploymentCircuitBreaker": {
            "status": tripped if breaker.get("enable") else "DISABLED",
            "failureCount": deployment.worst,
            "threshold": service.threshold(),
        },
    }
    if deployment.finished:
        row["finishedAt"] = deployment.finished
    if deployment.rolled_back:
        row["rollback"] = {"reason": deployment.rolled_back, "startedAt": deployment.updated}
    return row


def _status(service: Service, deployment: Deployment) -> str:
    if deployment.rolled_back:
        going_on = deployment in service.deployments
        return "ROLLBACK_IN_PROGRESS" if going_on else "ROLLBACK_SUCCESSFUL"
    if deployment.completed:
        return "SUCCESSFUL"
    current = bool(service.deployments) and deployment is service.deployments[0]
    return "IN_PROGRESS" if current and deployment.state == "IN_PROGRESS" else "STOPPED"
