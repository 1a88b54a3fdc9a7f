"""Scaling targets: between how many tasks Application Auto Scaling may move a service."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final

from obskit.deploy.resource import Attributes, Fields, Kind, Observed, Resource
from obskit.deploy.resources import _services
from obskit.deploy.services import services

if TYPE_CHECKING:
    from obskit.deploy.aws import Aws
    from obskit.deploy.resource import Place, Stack
    from obskit.deploy.services import FargateService
    from obskit.deploy.spec import StackSpec

#: What is scaled, in every call.
ECS: Final[Mapping[str, Any]] = {"ServiceNamespace": "ecs", "ScalableDimension": "ecs:service:DesiredCount"}
_API: Final = "application-autoscaling"
#: Scaling is suspended by hand during incidents; a plan shows that it still is.
_AWAKE: Final = {
    "DynamicScalingInSuspended": False,
    "DynamicScalingOutSuspended": False,
    "ScheduledScalingSuspended": False,
}


class ScalingTargetKind(Kind):
    """What may be scaled. It hangs on a service that bears the stack's tags, and bears none itself."""

    name = "scaling_target"
    needs: ClassVar[tuple[str, ...]] = ("service",)
    replace_on: ClassVar[tuple[str, ...]] = ("ResourceId",)

    def wanted(self, spec: StackSpec, place: Place) -> Iterable[Resource]:
        """Yield one for each service with more than one possible number of tasks."""
        for service in scaled(spec, place):
            fields: Fields = {
                "ResourceId": resource_id(spec.name, service.name),
                "MinCapacity": service.size.minimum,
                "MaxCapacity": service.size.maximum,
                "SuspendedState": _AWAKE,
            }
            after = (f"service.{service.name}",)
            yield Resource(kind=self.name, name=service.name, fields=fields, after=after, service=service.name)

    def observe(self, aws: Aws, stack: Stack) -> Iterable[Observed]:
        """Yield the targets of the stack's services."""
        ids = ids_of(aws, stack)
        for row in _described(aws, list(ids)):
            suspended = row.get("SuspendedState") or {}
            fields: Fields = {
                "ResourceId": str(row["ResourceId"]),
                "MinCapacity": int(row["MinCapacity"]),
                "MaxCapacity": int(row["MaxCapacity"]),
                "SuspendedState": {key: bool(suspended.get(key, False)) for key in _AWAKE},
            }
            yield Observed(
                kind=self.name, name=ids[row["ResourceId"]], fields=fields, attributes={"id": str(row["ResourceId"])}
            )

    def create(self, aws: Aws, stack: Stack, resource: Resource) -> Attributes:
        """Register it; registering twice is the same as once."""
        aws.call(_API, "register_scalable_target", idempotent=True, settle=True, **ECS, **resource.fields)
        return {"id": str(resource.fields["ResourceId"])}

    def change(self, aws: Aws, stack: Stack, resource: Resource, before: Observed, paths: frozenset[str]) -> Attributes:
        """Register it anew, which is how AWS changes one."""
        return self.create(aws, stack, resource)

    def delete(self, aws: Aws, stack: Stack, before: Observed) -> None:
        """Deregister it; AWS deletes its policies and their alarms with it."""
        target = before.attributes["id"]
        if any(True for _ in _described(aws, [target])):
            aws.call(_API, "deregister_scalable_target", idempotent=True, **ECS, ResourceId=target)


def scaled(spec: StackSpec, place: Place) -> tuple[FargateService, ...]:
    """Return the services that have more than one possible number of tasks. Pure."""
    return tuple(one for one in services(spec, place) if one.size.maximum > one.size.minimum)


def resource_id(cluster: str, service: str) -> str:
    """Return how Application Auto Scaling calls a service."""
    return f"service/{cluster}/{service}"


def ids_of(aws: Aws, stack: Stack) -> dict[str, str]:
    """Return what may be scaled of the stack: resource id -> name of the service."""
    return {
        resource_id(stack.name, str(row["serviceName"])): str(_services.name_of(row, stack))
        for row in _services.ours(aws, stack)
    }


def _described(aws: Aws, ids: list[str]) -> Iterable[Mapping[str, Any]]:
    """Yield targets by their resource ids, of which AWS takes fifty at once."""
    for start in range(0, len(ids), 50):
        chunk = ids[start : start + 50]
        yield from aws.pages(_API, "describe_scalable_targets", "ScalableTargets", **ECS, ResourceIds=chunk)


KIND = ScalingTargetKind()
