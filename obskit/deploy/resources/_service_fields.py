"""An ECS service in its three shapes: made from a service of the stack, as AWS describes it, as AWS takes it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from obskit.deploy.resource import Fields, Observed, Ref, Value
from obskit.deploy.resources import _services
from obskit.deploy.resources._ec2 import by_name
from obskit.deploy.resources._network import subnet_names
from obskit.deploy.resources.cluster import strategy_list, strategy_of

if TYPE_CHECKING:
    from obskit.deploy.resource import Place
    from obskit.deploy.services import FargateService
    from obskit.deploy.spec import StackSpec

#: Fields that UpdateService takes as they are.
_PLAIN: Final = (
    "taskDefinition",
    "desiredCount",
    "platformVersion",
    "healthCheckGracePeriodSeconds",
    "enableECSManagedTags",
    "propagateTags",
    "enableExecuteCommand",
    "availabilityZoneRebalancing",
)
#: What has to be sent to take away what somebody has added, by field.
_NOTHING: Final[Mapping[str, Any]] = {
    "healthCheckGracePeriodSeconds": 0,
    "loadBalancers": [],
    "serviceRegistries": [],
    "serviceConnectConfiguration": {"enabled": False},
}
#: The same within ``deploymentConfiguration``; AWS holds these where nobody has said anything.
_QUIET_DEPLOYMENT: Final[Mapping[str, Any]] = {
    "strategy": "ROLLING",
    "bakeTimeInMinutes": 0,
    "lifecycleHooks": [],
    "alarms": {"alarmNames": [], "enable": False, "rollback": False},
    "earlySuccessCriteria": {"enable": False},
}
#: The circuit breaker's own formula: half of the wanted tasks, within AWS's bounds.
_OWN_THRESHOLD: Final = {"type": "BOUNDED_PERCENT", "value": 50}
#: What AWS takes LATEST for; a service keeps saying either.
_LATEST: Final = ("LATEST", "1.4.0")


def wanted(service: FargateService, spec: StackSpec, place: Place) -> Fields:
    """Return the fields of a service that is wanted. Pure."""
    size, public = service.size, service.public
    spot = {"FARGATE_SPOT": {"base": 0, "weight": size.spot}} if size.spot else {}
    # ECS places nothing on a provider of weight 0, the base included.
    on_demand = {"FARGATE": {"base": size.minimum, "weight": max(100 - size.spot, 1)}}
    breaker: dict[str, Value] = {"enable": True, "rollback": True}
    if service.breaker_threshold:
        breaker["thresholdConfiguration"] = {"type": "COUNT", "value": service.breaker_threshold}
    target = f"{service.program.name}:{service.port}"
    fields: dict[str, Value] = {
        "serviceName": service.name,
        "cluster": Ref("cluster.main", "name"),
        "schedulingStrategy": "REPLICA",
        "deploymentController": {"type": "ECS"},
        "taskDefinition": Ref(f"task_definition.{service.name}", "arn"),
        "desiredCount": size.minimum,
        "capacityProviderStrategy": {**on_demand, **spot},
        "platformVersion": "LATEST",
        "networkConfiguration": {
            "subnets": {name: Ref(f"subnet.{name}") for name in subnet_names(spec, place, "private")},
            "securityGroups": (Ref(f"security_group.{service.name}"),),
            "assignPublicIp": "DISABLED",
        },
        "deploymentConfiguration": {
            "minimumHealthyPercent": service.minimum_healthy,
            "maximumPercent": service.maximum,
            "deploymentCircuitBreaker": breaker,
        },
        "enableECSManagedTags": True,
        "propagateTags": "SERVICE",
        "enableExecuteCommand": False,
        # Rebalancing starts a task in the emptier zone before it stops one: there has to be room for it.
        "availabilityZoneRebalancing": "ENABLED" if service.maximum > 100 else "DISABLED",
    }
    if public:
        fields["loadBalancers"] = {target: {"targetGroupArn": Ref(f"target_group.{service.name}", "arn")}}
        fields["healthCheckGracePeriodSeconds"] = service.grace_seconds or None
    if service.port:
        fields["serviceRegistries"] = ({"registryArn": Ref(f"discovery_service.{service.name}", "arn")},)
    return fields


def observed(row: Mapping[str, Any], subnets: Mapping[str, str]) -> Fields:
    """Return a service that AWS describes as fields.

    Args:
        row: Of DescribeServices.
        subnets: Id -> name of the stack's own.
    """
    version = str(row.get("platformVersion") or "LATEST")
    network = (row.get("networkConfiguration") or {}).get("awsvpcConfiguration") or {}
    fields: dict[str, Value] = {
        "serviceName": str(row["serviceName"]),
        "cluster": str(row["clusterArn"]).rpartition("/")[2],
        "schedulingStrategy": str(row.get("schedulingStrategy", "REPLICA")),
        "deploymentController": {"type": str((row.get("deploymentController") or {}).get("type", "ECS"))},
        "taskDefinition": str(row.get("taskDefinition", "")),
        "desiredCount": int(row.get("desiredCount", 0)),
        "capacityProviderStrategy": strategy_of(row.get("capacityProviderStrategy")),
        "platformVersion": "LATEST" if version in _LATEST else version,
        "networkConfiguration": {
            # by name: what is wanted cannot know how ids will be sorted
            "subnets": by_name(network.get("subnets"), subnets),
            "securityGroups": tuple(sorted(network.get("securityGroups") or ())),
            "assignPublicIp": str(network.get("assignPublicIp", "DISABLED")),
        },
        "deploymentConfiguration": _deployment(row.get("deploymentConfiguration") or {}),
        "enableECSManagedTags": bool(row.get("enableECSManagedTags", False)),
        "propagateTags": str(row.get("propagateTags", "NONE")),
        "enableExecuteCommand": bool(row.get("enableExecuteCommand", False)),
        "availabilityZoneRebalancing": str(row.get("availabilityZoneRebalancing") or "DISABLED"),
        "loadBalancers": {
            f"{one.get('containerName')}:{one.get('containerPort')}": {"targetGroupArn": one.get("targetGroupArn")}
            for one in row.get("loadBalancers") or ()
        }
        or None,
        "healthCheckGracePeriodSeconds": int(row.get("healthCheckGracePeriodSeconds") or 0) or None,
        "serviceRegistries": tuple({k: v for k, v in one.items() if v} for one in row.get("serviceRegistries") or ())
        or None,
    }
    rollout = _services.primary(row).get("rolloutState", "COMPLETED")
    if rollout != "COMPLETED":
        # Nobody wants that: the next apply begins anew after a first deployment that failed, with nothing to go back
        # to, and waits for one that an interrupted run, or a release, has begun.
        fields["rollout"] = str(rollout)
    connect = _services.primary(row).get("serviceConnectConfiguration") or {}
    if connect.get("enabled"):
        fields["serviceConnectConfiguration"] = {"enabled": True}
    return fields


def _deployment(described: Mapping[str, Any]) -> Fields:
    found = {key: value for key, value in described.items() if value != _QUIET_DEPLOYMENT.get(key, ())}
    breaker = dict(found.get("deploymentCircuitBreaker") or {"enable": False, "rollback": False})
    if breaker.get("thresholdConfiguration") == _OWN_THRESHOLD:
        del breaker["thresholdConfiguration"]
    if breaker.get("resetOnHealthyTask", True):
        breaker.pop("resetOnHealthyTask", None)
    for key in ("alarms", "earlySuccessCriteria"):
        if not (found.get(key) or {}).get("enable"):
            found.pop(key, None)
    found = {key: _frozen(value) for key, value in found.items()}
    return {"minimumHealthyPercent": 100, "maximumPercent": 200, **found, "deploymentCircuitBreaker": breaker}


def _frozen(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _frozen(inner) for key, inner in value.items()}
    return tuple(_frozen(one) for one in value) if isinstance(value, list) else value


def quieted(wanted: Mapping[str, Any], before: Observed) -> dict[str, Any]:
    """Return a deployment configuration that also takes away what somebody has added."""
    there = before.fields.get("deploymentConfiguration")
    added = {key: _QUIET_DEPLOYMENT[key] for key in _QUIET_DEPLOYMENT if isinstance(there, Mapping) and key in there}
    breaker = dict(wanted["deploymentCircuitBreaker"])
    held = there.get("deploymentCircuitBreaker") if isinstance(there, Mapping) else None
    if isinstance(held, Mapping) and "thresholdConfiguration" in held:
        breaker.setdefault("thresholdConfiguration", _OWN_THRESHOLD)
    if isinstance(held, Mapping) and "resetOnHealthyTask" in held:
        breaker.setdefault("resetOnHealthyTask", True)
    return {**wanted, **added, "deploymentCircuitBreaker": breaker}


def asked(fields: Fields, names: Iterable[str]) -> dict[str, Any]:
    """Return some fields as CreateService and UpdateService take them."""
    found: dict[str, Any] = {}
    for name in names:
        value = fields.get(name)
        if value is None:
            found |= {name: _NOTHING[name]} if name in _NOTHING else {}
        elif name in _PLAIN or name == "deploymentConfiguration":
            found[name] = value
        elif name == "capacityProviderStrategy":
            found[name] = strategy_list(value)
        elif name == "serviceRegistries" and isinstance(value, tuple):
            found[name] = list(value)
        elif name == "networkConfiguration" and isinstance(value, Mapping):
            found[name] = {"awsvpcConfiguration": _network(value)}
        elif name == "loadBalancers" and isinstance(value, Mapping):
            found[name] = [_balancer(target, row) for target, row in value.items()]
    return found


def _network(value: Fields) -> dict[str, Any]:
    subnets, groups = value.get("subnets"), value.get("securityGroups")
    return {
        "subnets": list(subnets.values()) if isinstance(subnets, Mapping) else [],
        "securityGroups": list(groups) if isinstance(groups, tuple) else [],
        "assignPublicIp": value.get("assignPublicIp"),
    }


def _balancer(target: str, row: Value) -> dict[str, Any]:
    container, _, port = target.rpartition(":")
    arn = row.get("targetGroupArn") if isinstance(row, Mapping) else None
    return {"targetGroupArn": arn, "containerName": container, "containerPort": int(port)}
