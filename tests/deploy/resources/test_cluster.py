"""Tests for the kind ``cluster``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from obskit.deploy.aws import Aws
from obskit.deploy.errors import DeployError
from obskit.deploy.resource import Observed, Place, Resource, Stack
from obskit.deploy.resources.cluster import KIND
from obskit.deploy.spec import StackSpec
from tests.support.kinds import all_seen, delete, made, mended, paths_that_differ, ready, seen
from tests.support.stack import Clock, aws_here

OUT_OF_BAND: dict[str, Callable[[Any], Any]] = {
    "settings.containerInsights": lambda ecs: ecs.update_cluster(
        cluster="shop", settings=[{"name": "containerInsights", "value": "disabled"}]
    ),
    "configuration.executeCommandConfiguration.logging": lambda ecs: ecs.update_cluster(
        cluster="shop", configuration={"executeCommandConfiguration": {"logging": "DEFAULT"}}
    ),
    "capacityProviders": lambda ecs: ecs.put_cluster_capacity_providers(
        cluster="shop",
        capacityProviders=["FARGATE"],
        defaultCapacityProviderStrategy=[{"capacityProvider": "FARGATE", "weight": 1}],
    ),
    "defaultCapacityProviderStrategy.FARGATE.weight": lambda ecs: ecs.put_cluster_capacity_providers(
        cluster="shop",
        capacityProviders=["FARGATE_SPOT", "FARGATE"],
        defaultCapacityProviderStrategy=[{"capacityProvider": "FARGATE", "weight": 7}],
    ),
    "defaultCapacityProviderStrategy.FARGATE_SPOT": lambda ecs: ecs.put_cluster_capacity_providers(
        cluster="shop",
        capacityProviders=["FARGATE", "FARGATE_SPOT"],
        defaultCapacityProviderStrategy=[
            {"capacityProvider": "FARGATE", "weight": 1},
            {"capacityProvider": "FARGATE_SPOT", "weight": 1, "base": 2},
        ],
    ),
}


@pytest.fixture
def wanted(spec: StackSpec, place: Place) -> Resource:
    """Return the cluster that the spec wants."""
    (one,) = KIND.wanted(spec, place)
    return one


def test_a_created_cluster_is_as_wanted(aws: Aws, stack: Stack, wanted: Resource) -> None:
    """What create makes, observe reads back without a difference, tags included."""
    found = made(KIND, aws, stack, wanted)

    assert paths_that_differ(KIND, aws, stack, wanted) == frozenset()
    assert found.tags == ready(wanted, stack).tags
    assert found.attributes["name"] == "shop"


@pytest.mark.parametrize("path", OUT_OF_BAND)
def test_a_change_out_of_band_is_seen_as_its_path_and_mended(
    aws: Aws, stack: Stack, wanted: Resource, path: str
) -> None:
    """Whatever somebody changes by hand shows up as exactly that, and change takes it back."""
    made(KIND, aws, stack, wanted)
    OUT_OF_BAND[path](aws.client("ecs"))

    assert paths_that_differ(KIND, aws, stack, wanted) == {path}
    assert mended(KIND, aws, stack, wanted) == frozenset()


def test_a_namespace_of_service_connect_is_seen(aws: Aws, stack: Stack, wanted: Resource) -> None:
    """A default namespace that somebody has set changes what new services do, so it is a difference."""
    made(KIND, aws, stack, wanted)
    aws.client("ecs").update_cluster(cluster="shop", serviceConnectDefaults={"namespace": "other"})

    assert paths_that_differ(KIND, aws, stack, wanted) == {"serviceConnectDefaults"}
    assert mended(KIND, aws, stack, wanted) == frozenset()


def test_a_deleted_cluster_is_not_seen(aws: Aws, stack: Stack, wanted: Resource) -> None:
    """AWS goes on describing a deleted cluster as INACTIVE; it is gone all the same."""
    made(KIND, aws, stack, wanted)
    delete(KIND, aws, stack, "main")

    assert all_seen(KIND, aws, stack) == {}


def test_a_cluster_of_somebody_else_is_neither_seen_nor_taken(aws: Aws, stack: Stack, wanted: Resource) -> None:
    """A cluster that only has the name is left alone, and creating says so."""
    aws.client("ecs").create_cluster(clusterName="shop", tags=[{"key": "obskit:stack", "value": "shop-two"}])

    assert all_seen(KIND, aws, stack) == {}
    with pytest.raises(DeployError, match="exists and is not this stack's") as caught:
        KIND.create(aws, stack, ready(wanted, stack))
    assert caught.value.where["stack"] == "shop-two"


def test_creating_twice_is_creating_once(aws: Aws, stack: Stack, wanted: Resource) -> None:
    """An interrupted run may have created it: the next one goes on with it."""
    first = KIND.create(aws, stack, ready(wanted, stack))

    assert KIND.create(aws, stack, ready(wanted, stack)) == first


def test_tags_are_written_onto_one_that_exists(aws: Aws, stack: Stack, wanted: Resource) -> None:
    """Retagging changes the tag and keeps what others have put there."""
    before = made(KIND, aws, stack, wanted)
    aws.client("ecs").tag_resource(
        resourceArn=before.attributes["arn"],
        tags=[{"key": "owner", "value": "nobody"}, {"key": "cost", "value": "42"}],
    )

    KIND.retag(aws, stack, before, {"owner": "platform"})

    tags = seen(KIND, aws, stack, "main").tags or {}
    assert (tags["owner"], tags["cost"]) == ("platform", "42")


def test_deleting_waits_until_aws_has_noticed_that_tasks_have_ended(stack: Stack) -> None:
    """ECS refuses to delete a cluster for a while after its last task; that is no failure."""
    refusals = ["ClusterContainsTasksException", "ClusterContainsServicesException"]
    from botocore.stub import Stubber

    clock = Clock()
    aws = aws_here(clock)
    before = Observed(kind="cluster", name="main", fields={}, attributes={"arn": "arn:cluster", "name": "shop"})

    with Stubber(aws.client("ecs")) as stub:
        for code in refusals:
            stub.add_client_error("delete_cluster", code, "The Cluster cannot be deleted while Tasks are active.")
        stub.add_response("delete_cluster", {"cluster": {"status": "INACTIVE"}})
        KIND.delete(aws, stack, before)
        stub.assert_no_pending_responses()
    assert clock.now > 0


@pytest.mark.parametrize(
    ("described", "words"),
    [
        ({"status": "ACTIVE"}, ""),
        ({"status": "PROVISIONING"}, "it is PROVISIONING"),
        (
            {"status": "ACTIVE", "attachmentsStatus": "UPDATE_IN_PROGRESS"},
            "its capacity providers are UPDATE_IN_PROGRESS",
        ),
        ({}, "it is MISSING"),
    ],
)
def test_a_cluster_is_waited_for_until_it_can_take_services(
    stack: Stack, described: dict[str, Any], words: str
) -> None:
    """Its capacity providers come after it; a service that names one of them too early is refused."""
    from botocore.stub import Stubber

    aws = aws_here()
    with Stubber(aws.client("ecs")) as stub:
        stub.add_response("describe_clusters", {"clusters": [described] if described else []})

        assert KIND.waiting(aws, stack, {"arn": "arn:cluster", "name": "shop"}) == words


def test_a_cluster_that_failed_is_not_waited_for(stack: Stack) -> None:
    """AWS does not try again by itself."""
    from botocore.stub import Stubber

    aws = aws_here()
    with Stubber(aws.client("ecs")) as stub:
        stub.add_response("describe_clusters", {"clusters": [{"status": "FAILED"}]})

        with pytest.raises(DeployError, match="cluster shop failed"):
            KIND.waiting(aws, stack, {"arn": "arn:cluster", "name": "shop"})


def test_another_refusal_of_a_deletion_is_a_failure(stack: Stack) -> None:
    """Only what passes by itself is waited for."""
    from botocore.stub import Stubber

    aws = aws_here()
    before = Observed(kind="cluster", name="main", fields={}, attributes={"arn": "arn:cluster", "name": "shop"})
    with Stubber(aws.client("ecs")) as stub:
        stub.add_client_error("delete_cluster", "AccessDeniedException", "no")

        with pytest.raises(DeployError, match="AccessDenied"):
            KIND.delete(aws, stack, before)
