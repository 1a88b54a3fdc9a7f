"""Log groups: how long they keep lines, and whose they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from obskit.deploy.aws import Aws
from obskit.deploy.errors import DeployError
from obskit.deploy.resource import Place, Resource, Stack
from obskit.deploy.resources import cluster
from obskit.deploy.resources.log_group import KIND, groups
from obskit.deploy.services import Container, FargateService
from obskit.deploy.spec import Network, Size, StackSpec, Telemetry
from tests.support.kinds import all_seen, built, delete, made, mended, paths_that_differ, ready, seen

SERVICE = FargateService(name="demo-app", size=Size(), containers=(Container(name="app", image="x:1"),))
INSIGHTS = "/aws/ecs/containerinsights/shop/performance"


def by_name(spec: StackSpec) -> dict[str, Resource]:
    """Return the wanted groups by name."""
    return {one.name: one for one in groups(spec, [SERVICE])}


@pytest.fixture
def wanted(spec: StackSpec) -> dict[str, Resource]:
    """Return the wanted groups of the example by name."""
    return by_name(spec)


def test_what_writes_lines_has_a_group(spec: StackSpec, wanted: dict[str, Resource]) -> None:
    """Services and events always; Container Insights and flow logs where they are on."""
    names = {name: one.fields["logGroupName"] for name, one in wanted.items()}
    assert names == {"demo-app": "/obskit/shop/demo-app", "events": "/aws/events/shop", "insights": INSIGHTS}
    other = replace(spec, telemetry=Telemetry(insights="disabled"), network=Network(flow_logs=True))
    assert set(by_name(other)) == {"demo-app", "events", "flow-logs"}


def test_all_groups_keep_lines_as_long_as_the_spec_says(spec: StackSpec) -> None:
    """A group without a retention keeps, and costs, for ever."""
    found = by_name(replace(spec, telemetry=Telemetry(log_days=90)))
    assert {one.fields["retentionInDays"] for one in found.values()} == {90}


def test_what_was_created_is_what_was_wanted(aws: Aws, stack: Stack, wanted: dict[str, Resource]) -> None:
    """The ARN has no ``:*`` at its end: others add what they need."""
    for resource in wanted.values():
        arn = made(KIND, aws, stack, resource).attributes["arn"]
        assert arn.endswith(f":log-group:{resource.fields['logGroupName']}")
        assert paths_that_differ(KIND, aws, stack, resource) == frozenset()
    assert set(all_seen(KIND, aws, stack)) == set(wanted)


GROUP = "/obskit/shop/demo-app"
DRIFTS: dict[str, Callable[[Aws], Any]] = {
    "a shorter retention": lambda aws: aws.call("logs", "put_retention_policy", logGroupName=GROUP, retentionInDays=1),
    "no retention": lambda aws: aws.call("logs", "delete_retention_policy", logGroupName=GROUP),
}


@pytest.mark.parametrize("drift", DRIFTS)
def test_a_change_by_hand_is_seen_at_its_path_and_mended(
    drift: str, aws: Aws, stack: Stack, wanted: dict[str, Resource]
) -> None:
    """Losing lines too early is seen as well as keeping them for ever."""
    made(KIND, aws, stack, wanted["demo-app"])
    DRIFTS[drift](aws)
    assert paths_that_differ(KIND, aws, stack, wanted["demo-app"]) == {"retentionInDays"}
    assert mended(KIND, aws, stack, wanted["demo-app"]) == frozenset()


def test_a_group_of_the_other_class_is_replaced() -> None:
    """AWS cannot change the class."""
    assert KIND.replace_on == ("logGroupClass",)


def test_the_group_that_container_insights_made_is_taken_over(
    aws: Aws, stack: Stack, spec: StackSpec, wanted: dict[str, Resource]
) -> None:
    """AWS makes it, without tags, when the cluster was there first; it must not stay behind either."""
    built(aws, stack, spec, (cluster.KIND,))
    aws.call("logs", "create_log_group", logGroupName=INSIGHTS)
    assert seen(KIND, aws, stack, "insights").tags == {}
    assert paths_that_differ(KIND, aws, stack, wanted["insights"]) == {"retentionInDays"}
    assert made(KIND, aws, stack, wanted["insights"]).tags == ready(wanted["insights"], stack).tags
    delete(KIND, aws, stack, "insights")
    assert all_seen(KIND, aws, stack) == {}


def test_the_group_that_container_insights_makes_after_the_cluster_is_nobodys(
    aws: Aws, stack: Stack, spec: StackSpec, wanted: dict[str, Resource]
) -> None:
    """Its last line comes minutes later: a destroy could never prove that nothing is left. Applying takes it over."""
    built(aws, stack, spec, (cluster.KIND,))
    delete(cluster.KIND, aws, stack, "main")
    aws.call("logs", "create_log_group", logGroupName=INSIGHTS)

    assert all_seen(KIND, aws, stack) == {}
    assert made(KIND, aws, stack, wanted["insights"]).tags == ready(wanted["insights"], stack).tags


def test_the_cluster_goes_before_the_groups(spec: StackSpec, place: Place) -> None:
    """And comes after its own, so that Container Insights finds one that has tags and a retention."""
    (resource,) = cluster.KIND.wanted(spec, place)
    (without,) = cluster.KIND.wanted(replace(spec, telemetry=Telemetry(insights="disabled")), place)

    assert "log_group" in cluster.KIND.needs
    assert (resource.needs, without.needs) == (frozenset({"log_group.insights"}), frozenset[str]())


def test_lines_of_services_and_events_are_kept(aws: Aws, stack: Stack, spec: StackSpec) -> None:
    """They are evidence that nobody else has; the rest says nothing without what it is about."""
    for resource in by_name(replace(spec, network=Network(flow_logs=True))).values():
        made(KIND, aws, stack, resource)

    kept = {name for name, one in all_seen(KIND, aws, stack).items() if one.keeps_data}
    assert kept == {"demo-app", "events"}
    assert KIND.needs == ()


def test_a_group_of_somebody_else_is_not_touched(aws: Aws, stack: Stack, wanted: dict[str, Resource]) -> None:
    """Its lines are somebody's."""
    aws.call("logs", "create_log_group", logGroupName=GROUP)
    with pytest.raises(DeployError, match="not this stack's"):
        KIND.create(aws, stack, ready(wanted["demo-app"], stack))
    assert all_seen(KIND, aws, stack) == {}


def test_an_interrupted_creation_goes_on(aws: Aws, stack: Stack, wanted: dict[str, Resource]) -> None:
    """The group may be there without its retention."""
    resource = ready(wanted["demo-app"], stack)
    aws.call("logs", "create_log_group", logGroupName=GROUP, tags=dict(resource.tags))
    made(KIND, aws, stack, resource)
    assert paths_that_differ(KIND, aws, stack, resource) == frozenset()


def test_deleting_twice_is_no_error(aws: Aws, stack: Stack, wanted: dict[str, Resource]) -> None:
    """The second finds nothing."""
    made(KIND, aws, stack, wanted["events"])
    delete(KIND, aws, stack, "events")
    assert all_seen(KIND, aws, stack) == {}


def test_another_stacks_groups_are_not_seen(
    aws: Aws, stack: Stack, spec: StackSpec, wanted: dict[str, Resource]
) -> None:
    """``/aws/events/shop`` begins ``/aws/events/shop2``."""
    other = replace(stack, name="shop2")
    for resource in by_name(replace(spec, name="shop2")).values():
        made(KIND, aws, other, resource)
    assert all_seen(KIND, aws, stack) == {}


def test_new_tags_are_written(aws: Aws, stack: Stack, wanted: dict[str, Resource]) -> None:
    """`retag` leaves other tags alone."""
    before = made(KIND, aws, stack, wanted["events"])
    KIND.retag(aws, stack, before, {"owner": "somebody"})
    assert seen(KIND, aws, stack, "events").tags == {**(before.tags or {}), "owner": "somebody"}


def test_the_example_has_a_group_for_each_of_its_services(spec: StackSpec, stack: Stack) -> None:
    """Applications and watchers alike."""
    found = [one.name for one in KIND.wanted(spec, stack.place)]
    assert found == ["demo-app", *(watcher.name for watcher in spec.watchers), "events", "insights"]


def test_a_group_that_container_insights_made_for_another_stack_stays(
    aws: Aws, stack: Stack, wanted: dict[str, Resource]
) -> None:
    """A tag says more than a name."""
    aws.call("logs", "create_log_group", logGroupName=INSIGHTS, tags={"obskit:stack": "other"})
    assert all_seen(KIND, aws, stack) == {}
    with pytest.raises(DeployError, match="not this stack's"):
        KIND.create(aws, stack, ready(wanted["insights"], stack))


def test_creating_takes_the_group_of_container_insights(aws: Aws, stack: Stack, wanted: dict[str, Resource]) -> None:
    """It may have been made between looking and creating."""
    aws.call("logs", "create_log_group", logGroupName=INSIGHTS)
    assert made(KIND, aws, stack, wanted["insights"]).tags == ready(wanted["insights"], stack).tags
