"""ECS's calls about services, tasks and clusters, answered from the simulation.

What AWS refuses, and the words, are from the API model, the "API failure reasons" page, and public issue threads;
moto 5.2.5 drops CreateService's deploymentConfiguration, enableExecuteCommand, enableECSManagedTags,
healthCheckGracePeriodSeconds and availabilityZoneRebalancing, takes a name twice, takes unknown target groups and
containers, ignores ListTasks' serviceName, moves tasks when they are described, deletes a cluster that has services.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, Final

from moto.ecs.exceptions import (
    ClusterNotFoundException,
    ECSException,
    InvalidParameterException,
    ServiceNotFoundException,
)

from tests.standins.aws import ACCOUNT, Row
from tests.standins.fargate_checks import check_network, check_service
from tests.standins.fargate_history import describe_service_deployments, list_service_deployments
from tests.standins.fargate_services import DEPLOYED, Deployment, Service
from tests.standins.fargate_tasks import Task, new_task
from tests.standins.fargate_world import World

_PAGE: Final = 100
#: What a service has where CreateService says nothing (API model, documented defaults).
_DEFAULTS: Final[Row] = {
    "loadBalancers": [],
    "serviceRegistries": [],
    "placementConstraints": [],
    "placementStrategy": [],
    "schedulingStrategy": "REPLICA",
    "deploymentController": {"type": "ECS"},
    "enableECSManagedTags": False,
    "enableExecuteCommand": False,
    "propagateTags": "NONE",
    "availabilityZoneRebalancing": "ENABLED",
}
_DEPLOYMENT_DEFAULTS: Final[Row] = {
    "deploymentCircuitBreaker": {"enable": False, "rollback": False},
    "maximumPercent": 200,
    "minimumHealthyPercent": 100,
    "strategy": "ROLLING",
    "bakeTimeInMinutes": 0,
}
_NOT_KEPT: Final = ("cluster", "service", "tags", "clientToken", "forceNewDeployment", "role", "force")


def create_service(world: World, asked: Row) -> Row:
    """Keep all that is given, and start."""
    cluster = _cluster(world, asked)
    key = f"{cluster.name}:{asked['serviceName']}"
    existing = world.services.get(key)
    token = asked.get("clientToken")
    if existing is not None and existing.status != "INACTIVE":
        if token and world.tokens.get(key) == token:
            return {"service": describe(existing)}
        if existing.status == "DRAINING":
            raise InvalidParameterException("Unable to Start a service that is still Draining.")
        raise InvalidParameterException("Creation of service was not idempotent.")
    row = copy.deepcopy(_DEFAULTS) | {k: v for k, v in asked.items() if k not in _NOT_KEPT}
    row["deploymentConfiguration"] = _deployment_configuration({}, asked.get("deploymentConfiguration"))
    row["desiredCount"] = int(asked.get("desiredCount") or 0)
    check_service(world, cluster, row)
    strategy = row.get("capacityProviderStrategy") or (
        None if row.get("launchType") else cluster.default_capacity_provider_strategy
    )
    row |= {"capacityProviderStrategy": strategy} if strategy else {"launchType": row.get("launchType") or "EC2"}
    if row["loadBalancers"]:
        row.setdefault("healthCheckGracePeriodSeconds", 0)
    row |= {
        "serviceArn": world.arn("service", f"{cluster.name}/{row['serviceName']}"),
        "clusterArn": cluster.arn,
        "status": "ACTIVE",
        "platformVersion": row.get("platformVersion") or "LATEST",
        "platformFamily": "Linux",
        "createdAt": world.timeline.moment(),
        "createdBy": f"arn:aws:iam::{ACCOUNT}:role/deployer",
        "roleArn": f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS",
    }
    service = Service(world, cluster.name, row, list(asked.get("tags") or ()))
    world.services[key] = service
    world.ecs.services[key] = service  # type: ignore[assignment]
    if token:
        world.tokens[key] = token
    service.deploy()
    world.settle()
    return {"service": describe(service) | {"tags": service.tags}}


def _deployment_configuration(before: Row, given: Row | None) -> Row:
    merged = copy.deepcopy(_DEPLOYMENT_DEFAULTS) | before | (given or {})
    merged["deploymentCircuitBreaker"] = dict(merged["deploymentCircuitBreaker"])
    return merged


def update_service(world: World, asked: Row) -> Row:
    """Change a service; a new deployment where `DEPLOYED` fields change, or by force."""
    service = _service(world, asked)
    if service.status != "ACTIVE":
        raise ECSException("ServiceNotActiveException", "Service was not ACTIVE.")
    given = {k: v for k, v in asked.items() if k not in _NOT_KEPT and v is not None}
    row = copy.deepcopy(service.row) | given
    if "deploymentConfiguration" in given:
        row["deploymentConfiguration"] = _deployment_configuration(
            service.row["deploymentConfiguration"], given["deploymentConfiguration"]
        )
    if "capacityProviderStrategy" in given:
        row.pop("launchType", None)
    check_service(world, _cluster(world, asked), row)
    anew = bool(asked.get("forceNewDeployment")) or any(service.row.get(key) != row.get(key) for key in DEPLOYED)
    count = row["desiredCount"] != service.row["desiredCount"]
    service.row = row
    if anew:
        service.deploy()
    elif count:
        service.steady = False
        service.announce("SERVICE_DESIRED_COUNT_UPDATED")
    service.reconcile_soon()
    world.settle()
    return {"service": describe(service)}


def delete_service(world: World, asked: Row) -> Row:
    """Drain a service; it vanishes from lists, and is INACTIVE when its last task has ended."""
    service = _service(world, asked)
    if service.status == "INACTIVE":
        raise ServiceNotFoundException
    if service.row["desiredCount"] > 0 and not asked.get("force"):
        raise InvalidParameterException("The service cannot be stopped while it is scaled above 0.")
    service.row |= {"status": "DRAINING", "desiredCount": 0}
    service.reconcile_soon()
    world.settle()
    return {"service": describe(service)}


def describe_services(world: World, asked: Row) -> Row:
    """Describe, INACTIVE ones too; what never was is a failure."""
    cluster = _cluster(world, asked)
    found, failures = [], []
    names = asked.get("services") or []
    if len(names) > 10:
        raise InvalidParameterException("Services cannot exceed 10 in number.")
    for name in names:
        service = world.services.get(f"{cluster.name}:{str(name).rsplit('/', 1)[-1]}")
        if service is None:
            arn = name if str(name).startswith("arn:") else world.arn("service", f"{cluster.name}/{name}")
            failures.append({"arn": arn, "reason": "MISSING"})
        else:
            found.append(describe(service) | _tags(service.tags, asked))
    return {"services": found, "failures": failures}


def describe(service: Service) -> Row:
    """Return the row of a service, counted."""
    tasks = service.tasks
    row = {k: v for k, v in copy.deepcopy(service.row).items() if v is not None}
    row |= _counts(tasks)
    row["deployments"] = [_deployment(service, d, tasks) for d in service.deployments]
    row["events"] = list(service.events)
    return row


def _counts(tasks: list[Task]) -> Row:
    running = sum(t.row["lastStatus"] == "RUNNING" for t in tasks)
    return {"runningCount": running, "pendingCount": sum(t.wanted and t.row["lastStatus"] != "RUNNING" for t in tasks)}


def _deployment(service: Service, deployment: Deployment, tasks: list[Task]) -> Row:
    own = [t for t in tasks if t.deployment is deployment]
    primary = deployment.status == "PRIMARY"
    row = {
        "id": deployment.id,
        "status": deployment.status,
        "desiredCount": service.row["desiredCount"] if primary else 0,
        "failedTasks": deployment.failures,
        "createdAt": deployment.created,
        "updatedAt": deployment.updated,
        "platformFamily": "Linux",
        "rolloutState": deployment.state,
        "rolloutStateReason": deployment.reason,
        **_counts(own),
    }
    keys = ("taskDefinition", "networkConfiguration", "platformVersion", "launchType", "capacityProviderStrategy")
    return row | {k: deployment.settings[k] for k in keys if deployment.settings.get(k) is not None}


def list_services(world: World, asked: Row) -> Row:
    """List ACTIVE services."""
    cluster = _cluster(world, asked)
    arns = [s.arn for s in world.services.values() if s.cluster_name == cluster.name and s.status == "ACTIVE"]
    return _page("serviceArns", sorted(arns), asked, limit=int(asked.get("maxResults") or 10))


def list_tasks(world: World, asked: Row) -> Row:
    """List by service, desired status, family and who started them."""
    cluster, wanted = _cluster(world, asked), asked.get("desiredStatus") or "RUNNING"
    group = f"service:{str(asked['serviceName']).rsplit('/', 1)[-1]}" if asked.get("serviceName") else None
    if group and f"{cluster.name}:{group.removeprefix('service:')}" not in world.services:
        raise ServiceNotFoundException
    arns = [
        task.task_arn
        for task in world.tasks.values()
        if task.cluster == cluster.name
        and task.row["desiredStatus"] == wanted
        and group in (None, task.row["group"])
        and asked.get("startedBy") in (None, task.row["startedBy"])
        and asked.get("family") in (None, task.definition.family)
    ]
    return _page("taskArns", arns, asked)


def describe_tasks(world: World, asked: Row) -> Row:
    """Describe; looking changes nothing."""
    cluster, found, failures = _cluster(world, asked), [], []
    if not asked.get("tasks"):
        raise InvalidParameterException("Tasks cannot be empty.")
    if len(asked["tasks"]) > _PAGE:
        raise InvalidParameterException("Tasks cannot exceed 100 in number.")
    for name in asked["tasks"]:
        arn = world.arn("task", f"{cluster.name}/{str(name).rsplit('/', 1)[-1]}")
        if arn in world.tasks:
            found.append(copy.deepcopy(world.tasks[arn].row) | _tags(world.tasks[arn].tags, asked))
        else:
            failures.append({"arn": arn, "reason": "MISSING"})
    return {"tasks": found, "failures": failures}


def stop_task(world: World, asked: Row) -> Row:
    """Stop a task; a service replaces it."""
    cluster = _cluster(world, asked)
    task = world.tasks.get(world.arn("task", f"{cluster.name}/{str(asked['task']).rsplit('/', 1)[-1]}"))
    if task is None:
        raise InvalidParameterException("The referenced task was not found.")
    task.stop("UserInitiated", asked.get("reason") or "Task stopped by user")
    world.settle()
    return {"task": copy.deepcopy(task.row)}


def run_task(world: World, asked: Row) -> Row:
    """Start tasks that belong to no service."""
    cluster = _cluster(world, asked)
    definition = world.ecs.describe_task_definition(asked["taskDefinition"])
    check_network(world, asked)
    group = asked.get("group") or f"family:{definition.family}"
    started = [
        new_task(
            world,
            cluster.name,
            definition,
            asked["networkConfiguration"]["awsvpcConfiguration"],
            group=group,
            started_by=asked.get("startedBy") or "",
            launch={"launchType": asked.get("launchType") or "FARGATE"},
        )
        for _ in range(int(asked.get("count") or 1))
    ]
    for task in started:
        task.tags = list(asked.get("tags") or ())
        task.begin()
    return {"tasks": [copy.deepcopy(t.row) for t in started], "failures": []}


def delete_cluster(world: World, asked: Row) -> Row:
    """Delete a cluster that has neither services nor tasks."""
    cluster = _cluster(world, asked)
    if any(s.cluster_name == cluster.name and s.status == "ACTIVE" for s in world.services.values()):
        raise ECSException(
            "ClusterContainsServicesException", "The Cluster cannot be deleted while Services are active."
        )
    if any(t.cluster == cluster.name and not t.stopped for t in world.tasks.values()):
        raise ECSException("ClusterContainsTasksException", "The Cluster cannot be deleted while Tasks are active.")
    return {"cluster": world.ecs.delete_cluster(cluster.name)}


def count_clusters(world: World) -> None:
    """Write onto moto's clusters what runs in them."""
    for cluster in world.ecs.clusters.values():
        tasks = [t for t in world.tasks.values() if t.cluster == cluster.name and not t.stopped]
        services = [s for s in world.services.values() if s.cluster_name == cluster.name and s.status == "ACTIVE"]
        cluster.active_services_count = len(services)
        cluster.running_tasks_count = _counts(tasks)["runningCount"]
        cluster.pending_tasks_count = _counts(tasks)["pendingCount"]


def _cluster(world: World, asked: Row) -> Any:
    cluster = world.ecs.clusters.get(str(asked.get("cluster") or "default").rsplit("/", 1)[-1])
    if cluster is None or cluster.status != "ACTIVE":
        raise ClusterNotFoundException
    return cluster


def _service(world: World, asked: Row) -> Service:
    service = world.services.get(f"{_cluster(world, asked).name}:{str(asked['service']).rsplit('/', 1)[-1]}")
    if service is None:
        raise ServiceNotFoundException
    return service


def _tags(tags: list[Row], asked: Row) -> Row:
    return {"tags": list(tags)} if "TAGS" in (asked.get("include") or ()) else {}


def _page(key: str, rows: list[str], asked: Row, limit: int = _PAGE) -> Row:
    limit = min(int(asked.get("maxResults") or limit), _PAGE)
    start = int(asked.get("nextToken") or 0)
    more = {"nextToken": str(start + limit)} if start + limit < len(rows) else {}
    return {key: rows[start : start + limit], **more}


#: By the name of moto's method.
ACTIONS: Final[dict[str, Callable[[World, Row], Row]]] = {
    "create_service": create_service,
    "delete_cluster": delete_cluster,
    "delete_service": delete_service,
    "describe_service_deployments": describe_service_deployments,
    "describe_services": describe_services,
    "describe_tasks": describe_tasks,
    "list_service_deployments": list_service_deployments,
    "list_services": list_services,
    "list_tasks": list_tasks,
    "run_task": run_task,
    "stop_task": stop_task,
    "update_service": update_service,
}
