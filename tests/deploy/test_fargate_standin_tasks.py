"""The simulator itself: containers within a task, tasks without a service, tags, time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.standins.fargate import Fargate, exits, unhealthy
from tests.standins.fargate_shop import GOOD, Shop, surroundings
from tests.support.stack import Clock, aws_here


@pytest.fixture
def shop() -> Iterator[Shop]:
    """Yield a cluster in the simulation."""
    clock = Clock()
    with Fargate(clock).in_process() as fargate:
        yield surroundings(fargate, aws_here(clock))


def containers(program: dict[str, Any], *others: dict[str, Any]) -> dict[str, Any]:
    """Return a change of a definition's containers."""
    return {"containerDefinitions": [{"name": "app", "image": GOOD, **program}, *others]}


FETCHER = {"name": "fetch", "image": "fetcher:1", "essential": False}
AFTER_FETCHING = {"dependsOn": [{"containerName": "fetch", "condition": "SUCCESS"}]}


def test_a_container_that_others_wait_for_has_ended_well(shop: Shop) -> None:
    """It fetched what they need; the task runs on without it."""
    revision = shop.define(GOOD, **containers(AFTER_FETCHING, FETCHER))
    shop.create(taskDefinition=revision)
    shop.fargate.advance(30)

    states = {c["name"]: (c["lastStatus"], c.get("exitCode")) for c in shop.tasks()[0]["containers"]}
    assert states == {"app": ("RUNNING", None), "fetch": ("STOPPED", 0)}


def test_a_task_whose_fetcher_fails_never_runs(shop: Shop) -> None:
    """A condition SUCCESS that is not met fails the start."""
    shop.fargate.images["fetcher:1"] = exits(2)
    shop.create(taskDefinition=shop.define(GOOD, **containers(AFTER_FETCHING, FETCHER)))
    shop.fargate.advance(30)

    assert {task["stopCode"] for task in shop.tasks("STOPPED")} == {"TaskFailedToStart"}
    assert shop.service["deployments"][0]["failedTasks"] > 0


def test_a_container_that_is_not_essential_may_end(shop: Shop) -> None:
    """The task runs on and shows its exit code."""
    shop.fargate.images["fetcher:1"] = exits(3, after=60)
    shop.create(taskDefinition=shop.define(GOOD, **containers({}, FETCHER)))
    shop.fargate.advance(120)

    assert [c.get("exitCode") for c in shop.tasks()[0]["containers"]] == [None, 3]
    assert shop.tasks("STOPPED") == []


def test_a_container_health_check_decides_over_a_task(shop: Shop) -> None:
    """UNKNOWN, then HEALTHY; one that fails is replaced in ECS's words."""
    check: dict[str, Any] = {"healthCheck": {"command": ["CMD", "true"], "interval": 10, "retries": 2}}
    shop.create(taskDefinition=shop.define(GOOD, **containers(check)))
    shop.fargate.advance(21)
    assert shop.tasks()[0]["healthStatus"] == "UNKNOWN"
    assert shop.service["deployments"][0]["rolloutState"] == "IN_PROGRESS"
    shop.fargate.advance(20)
    assert shop.tasks()[0]["healthStatus"] == "HEALTHY"
    assert shop.service["deployments"][0]["rolloutState"] == "COMPLETED"

    shop.fargate.images["repo/shop:3.0"] = unhealthy()
    program = {"name": "app", "image": "repo/shop:3.0", "healthCheck": check["healthCheck"]}
    revision = shop.define(GOOD, containerDefinitions=[program])
    shop.ecs("update_service", cluster="shop", service="app", taskDefinition=revision)
    shop.fargate.advance(60)
    assert shop.tasks("STOPPED")[0]["stoppedReason"] == "Task failed container health checks"
    assert any(message.endswith("failed container health checks.") for message in shop.messages)


def test_a_task_can_run_without_a_service(shop: Shop) -> None:
    """RunTask needs no memory per container, and nobody replaces it."""
    network = {"awsvpcConfiguration": {"subnets": shop.subnets, "securityGroups": [shop.group]}}
    asked = {"cluster": "shop", "taskDefinition": shop.define(GOOD), "networkConfiguration": network}
    task = shop.ecs("run_task", launchType="FARGATE", startedBy="me", **asked)["tasks"][0]
    shop.fargate.advance(30)
    listed = shop.ecs("list_tasks", cluster="shop", startedBy="me")["taskArns"]
    (running,) = shop.ecs("describe_tasks", cluster="shop", tasks=listed)["tasks"]

    assert (running["taskArn"], running["lastStatus"]) == (task["taskArn"], "RUNNING")
    assert running["group"] == "family:shop-app"


def test_tags_come_from_where_they_are_wanted_from(shop: Shop) -> None:
    """The service's own, and ECS's; both show up only when they are asked for."""
    tags = [{"key": "owner", "value": "me"}]
    shop.create(tags=tags, propagateTags="SERVICE", enableECSManagedTags=True)
    arns = shop.ecs("list_tasks", cluster="shop", serviceName="app")["taskArns"]
    told = shop.ecs("describe_tasks", cluster="shop", tasks=arns, include=["TAGS"])["tasks"][0]["tags"]

    assert {row["key"] for row in told} == {"owner", "aws:ecs:clusterName", "aws:ecs:serviceName"}
    assert "tags" not in shop.tasks()[0]
    shop.ecs("tag_resource", resourceArn=shop.service["serviceArn"], tags=[{"key": "a", "value": "b"}])
    described = shop.ecs("describe_services", cluster="shop", services=["app"], include=["TAGS"])["services"][0]
    assert {row["key"] for row in described["tags"]} == {"owner", "a"}


def test_time_of_day_follows_the_clock(shop: Shop) -> None:
    """Whatever AWS dates is dated by the virtual clock."""
    shop.fargate.advance(90)
    shop.create()

    assert shop.fargate.began + timedelta(seconds=90) == shop.service["createdAt"]
