"""Tests for the kinds ``scaling_target`` and ``scaling_policy``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from obskit.deploy.aws import Aws
from obskit.deploy.resource import Place, Resource, Stack
from obskit.deploy.resources import scaling_policy, scaling_target
from obskit.deploy.resources._tags import as_list
from obskit.deploy.resources.scaling_target import ECS
from obskit.deploy.spec import StackSpec
from tests.support.ecs import SERVICE, one_service
from tests.support.kinds import all_seen, delete, made, mended, paths_that_differ, ready
from tests.support.stack import PLACE

TARGET, POLICY = scaling_target.KIND, scaling_policy.KIND
API = "application-autoscaling"
ID = "service/shop/demo-app"


@pytest.fixture
def spec() -> StackSpec:
    """Return a stack with one service that scales."""
    return one_service()


@pytest.fixture
def target(aws: Aws, stack: Stack, spec: StackSpec) -> Resource:
    """Return the wanted scaling target of a service that is there."""
    running(aws, stack.name, {"obskit:stack": stack.name, "obskit:resource": f"service.{SERVICE}"})
    (one,) = TARGET.wanted(spec, PLACE)
    return one


@pytest.fixture
def policy(aws: Aws, stack: Stack, spec: StackSpec, target: Resource) -> Resource:
    """Return the wanted policy for CPU of a target that is there."""
    made(TARGET, aws, stack, target)
    return next(iter(POLICY.wanted(spec, PLACE)))


def running(aws: Aws, cluster: str, tags: dict[str, str]) -> None:
    """Have a cluster with a service."""
    ecs = aws.client("ecs")
    ecs.create_cluster(clusterName=cluster)
    ecs.register_task_definition(
        family="f", cpu="256", memory="512", containerDefinitions=[{"name": "a", "image": "i"}]
    )
    ecs.create_service(
        cluster=cluster, serviceName=SERVICE, taskDefinition="f", desiredCount=1, tags=as_list(tags, "key", "value")
    )


def register(**asked: Any) -> Callable[[Any], Any]:
    """Return what changes the target by hand."""
    return lambda client: client.register_scalable_target(**ECS, ResourceId=ID, **asked)


TARGETS: dict[str, Callable[[Any], Any]] = {
    "MinCapacity": register(MinCapacity=1),
    "MaxCapacity": register(MaxCapacity=60),
    "SuspendedState.DynamicScalingInSuspended": register(
        SuspendedState={
            "DynamicScalingInSuspended": True,
            "DynamicScalingOutSuspended": False,
            "ScheduledScalingSuspended": False,
        }
    ),
}
TRACKING: dict[str, Any] = {
    "TargetValue": 60.0,
    "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"},
    "ScaleOutCooldown": 60,
    "ScaleInCooldown": 300,
    "DisableScaleIn": False,
}
POLICIES: dict[str, dict[str, Any]] = {
    "TargetValue": {"TargetValue": 90.0},
    "PredefinedMetricType": {
        "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageMemoryUtilization"}
    },
    "ScaleOutCooldown": {"ScaleOutCooldown": 0},
    "ScaleInCooldown": {"ScaleInCooldown": 10},
    "DisableScaleIn": {"DisableScaleIn": True},
}


def put(aws: Aws, name: str, **changes: Any) -> None:
    """Put a policy by hand."""
    aws.client(API).put_scaling_policy(
        **ECS,
        ResourceId=ID,
        PolicyName=name,
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration=TRACKING | changes,
    )


def test_a_registered_target_is_as_wanted(aws: Aws, stack: Stack, target: Resource) -> None:
    """What create makes, observe reads back without a difference."""
    found = made(TARGET, aws, stack, target)

    assert paths_that_differ(TARGET, aws, stack, target) == frozenset()
    assert (found.attributes, found.tags) == ({"id": ID}, None)


@pytest.mark.parametrize("path", TARGETS)
def test_a_target_changed_out_of_band_is_seen_and_mended(aws: Aws, stack: Stack, target: Resource, path: str) -> None:
    """Bounds moved by hand, and scaling suspended by hand, show up as exactly that."""
    made(TARGET, aws, stack, target)
    TARGETS[path](aws.client(API))

    assert paths_that_differ(TARGET, aws, stack, target) == {path}
    assert mended(TARGET, aws, stack, target) == frozenset()


def test_a_put_policy_is_as_wanted(aws: Aws, stack: Stack, policy: Resource) -> None:
    """What create makes, observe reads back without a difference, numbers whatever their type."""
    made(POLICY, aws, stack, policy)

    assert paths_that_differ(POLICY, aws, stack, policy) == frozenset()


@pytest.mark.parametrize("path", POLICIES)
def test_a_policy_changed_out_of_band_is_seen_and_mended(aws: Aws, stack: Stack, policy: Resource, path: str) -> None:
    """Whatever of a policy is changed by hand shows up as exactly that."""
    made(POLICY, aws, stack, policy)
    put(aws, "shop-demo-app-cpu", **POLICIES[path])

    assert paths_that_differ(POLICY, aws, stack, policy) == {path}
    assert mended(POLICY, aws, stack, policy) == frozenset()


def test_a_policy_that_somebody_has_added_is_seen(aws: Aws, stack: Stack, policy: Resource) -> None:
    """Two policies pull at one service: the one that nobody wants has to go, so it has to be seen."""
    made(POLICY, aws, stack, policy)
    put(aws, "by-hand")

    assert set(all_seen(POLICY, aws, stack)) == {"demo-app-cpu", "by-hand"}
    delete(POLICY, aws, stack, "by-hand")
    assert set(all_seen(POLICY, aws, stack)) == {"demo-app-cpu"}


def test_the_alarms_of_a_policy_go_with_it(aws: Aws, stack: Stack, policy: Resource) -> None:
    """AWS makes and deletes them: after a deletion nothing is left of it."""
    made(POLICY, aws, stack, policy)
    alarms = aws.client("cloudwatch").describe_alarms
    assert len(alarms()["MetricAlarms"]) == 2

    delete(POLICY, aws, stack, "demo-app-cpu")

    assert all_seen(POLICY, aws, stack) == {}
    assert alarms()["MetricAlarms"] == []


def test_a_deregistered_target_is_gone(aws: Aws, stack: Stack, target: Resource) -> None:
    """Deleting twice is no error."""
    made(TARGET, aws, stack, target)
    delete(TARGET, aws, stack, SERVICE)

    assert all_seen(TARGET, aws, stack) == {}


def test_only_what_scales_is_scaled(place: Place) -> None:
    """No target where minimum and maximum are the same; no policy where its target is 0."""
    fixed = one_service(minimum=2, maximum=2)
    memory = one_service(cpu_target=0)

    assert [*TARGET.wanted(fixed, place), *POLICY.wanted(fixed, place)] == []
    assert [one.name for one in POLICY.wanted(memory, place)] == ["demo-app-memory"]


@pytest.mark.parametrize("tags", [{}, {"obskit:stack": "other", "obskit:resource": "service.demo-app"}])
def test_a_service_of_somebody_else_is_left_alone(
    aws: Aws, stack: Stack, spec: StackSpec, tags: dict[str, str]
) -> None:
    """A cluster that only has the stack's name must not lose its scaling when the stack is destroyed."""
    running(aws, stack.name, tags)
    for kind in (TARGET, POLICY):
        for resource in kind.wanted(spec, PLACE):
            kind.create(aws, stack, ready(resource, stack))

    assert all_seen(TARGET, aws, stack) == {}
    assert all_seen(POLICY, aws, stack) == {}
