"""Scaling policies: the use of CPU or memory that Application Auto Scaling keeps a service at.

AWS makes the alarms that such a policy acts on, and deletes them with it; they are no resources of the stack.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final

from obskit.deploy.resource import Attributes, Fields, Kind, Observed, Resource
from obskit.deploy.resources.scaling_target import ECS, ids_of, resource_id, scaled

if TYPE_CHECKING:
    from obskit.deploy.aws import Aws
    from obskit.deploy.resource import Place, Stack
    from obskit.deploy.spec import StackSpec

_API: Final = "application-autoscaling"
_TRACKING: Final = "TargetTrackingScaling"
_METRICS: Final = {"cpu": "ECSServiceAverageCPUUtilization", "memory": "ECSServiceAverageMemoryUtilization"}
#: More tasks come within minutes of a rise; fewer only when it has been quiet for five, so that a service does
#: not lose at the first lull what it needs in the next minute.
_OUT_SECONDS: Final = 60
_IN_SECONDS: Final = 300


class ScalingPolicyKind(Kind):
    """Policies that track a target. They hang on the stack's services and bear no tags."""

    name = "scaling_policy"
    needs: ClassVar[tuple[str, ...]] = ("scaling_target",)
    replace_on: ClassVar[tuple[str, ...]] = ("PolicyName", "ResourceId", "PolicyType")

    def wanted(self, spec: StackSpec, place: Place) -> Iterable[Resource]:
        """Yield one for CPU and one for memory of each service that scales, unless its target is 0."""
        for service in scaled(spec, place):
            targets = {"cpu": service.size.cpu_target, "memory": service.size.memory_target}
            for what, percent in targets.items():
                if percent:
                    name = f"{service.name}-{what}"
                    yield Resource(
                        kind=self.name,
                        name=name,
                        fields={
                            "PolicyName": spec.full(name),
                            "ResourceId": resource_id(spec.name, service.name),
                            "PolicyType": _TRACKING,
                            "TargetValue": float(percent),
                            "PredefinedMetricType": _METRICS[what],
                            "ScaleOutCooldown": _OUT_SECONDS,
                            "ScaleInCooldown": _IN_SECONDS,
                            "DisableScaleIn": False,
                        },
                        after=(f"scaling_target.{service.name}",),
                        service=service.name,
                    )

    def observe(self, aws: Aws, stack: Stack) -> Iterable[Observed]:
        """Yield all policies on the stack's services, those that somebody else has put there included."""
        ids = ids_of(aws, stack)
        for row in _described(aws) if ids else ():
            if row["ResourceId"] in ids:
                yield Observed(
                    kind=self.name,
                    name=str(row["PolicyName"]).removeprefix(f"{stack.name}-"),
                    fields=_fields(row),
                    attributes={"arn": str(row["PolicyARN"])},
                )

    def create(self, aws: Aws, stack: Stack, resource: Resource) -> Attributes:
        """Put it; putting twice is the same as once."""
        fields = resource.fields
        tracking = {
            "TargetValue": fields["TargetValue"],
            "PredefinedMetricSpecification": {"PredefinedMetricType": fields["PredefinedMetricType"]},
            "ScaleOutCooldown": fields["ScaleOutCooldown"],
            "ScaleInCooldown": fields["ScaleInCooldown"],
            "DisableScaleIn": fields["DisableScaleIn"],
        }
        answer = aws.call(
            _API,
            "put_scaling_policy",
            idempotent=True,
            settle=True,
            **ECS,
            PolicyName=fields["PolicyName"],
            ResourceId=fields["ResourceId"],
            PolicyType=fields["PolicyType"],
            TargetTrackingScalingPolicyConfiguration=tracking,
        )
        return {"arn": str(answer["PolicyARN"])}

    def change(self, aws: Aws, stack: Stack, resource: Resource, before: Observed, paths: frozenset[str]) -> Attributes:
        """Put it anew, which is how AWS changes one."""
        return self.create(aws, stack, resource)

    def delete(self, aws: Aws, stack: Stack, before: Observed) -> None:
        """Delete it; AWS deletes its alarms with it."""
        key: dict[str, Any] = {"PolicyName": before.fields["PolicyName"], "ResourceId": before.fields["ResourceId"]}
        if any(key.items() <= row.items() for row in _described(aws)):
            aws.call(_API, "delete_scaling_policy", idempotent=True, **ECS, **key)


def _described(aws: Aws) -> Iterable[Mapping[str, Any]]:
    yield from aws.pages(_API, "describe_scaling_policies", "ScalingPolicies", **ECS)


def _fields(row: Mapping[str, Any]) -> Fields:
    tracking = row.get("TargetTrackingScalingPolicyConfiguration") or {}
    metric = tracking.get("PredefinedMetricSpecification") or {}
    return {
        "PolicyName": str(row["PolicyName"]),
        "ResourceId": str(row["ResourceId"]),
        "PolicyType": str(row["PolicyType"]),
        "TargetValue": float(tracking.get("TargetValue", 0.0)),
        "PredefinedMetricType": str(metric.get("PredefinedMetricType", "")),
        # AWS takes 300 seconds where nothing was said.
        "ScaleOutCooldown": int(tracking.get("ScaleOutCooldown", 300)),
        "ScaleInCooldown": int(tracking.get("ScaleInCooldown", 300)),
        "DisableScaleIn": bool(tracking.get("DisableScaleIn", False)),
    }


KIND = ScalingPolicyKind()
