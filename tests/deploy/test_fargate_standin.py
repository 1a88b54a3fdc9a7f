"""The simulator itself: services, deployments, tasks and events as tests of deploying rely on them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from obskit.deploy.aws import Aws
from tests.standins.fargate import Fargate, exits, pull_fails, runs_out_of_memory, unhealthy
from tests.standins.fargate_shop import BAD, Shop, listening, received, refused, surroundings
from tests.support.stack import REGION, Clock, aws_here


@pytest.fixture(scope="module")
def session() -> Any:
    """Return one session for all: reading botocore's models takes longer than most tests."""
    return aws_here().session


@pytest.fixture
def shop(session: Any) -> Iterator[Shop]:
    """Yield a cluster in the simulation."""
    clock = Clock()
    with Fargate(clock).in_process() as fargate:
        yield surroundings(fargate, Aws(session=session, sleep=clock.sleep, monotonic=clock.monotonic))


def test_create_service_keeps_all_that_it_is_given(shop: Shop) -> None:
    """Moto drops five of these; AWS gives all of them back."""
    shop.create(
        enableExecuteCommand=True,
        enableECSManagedTags=True,
        propagateTags="SERVICE",
        healthCheckGracePeriodSeconds=45,
        availabilityZoneRebalancing="DISABLED",
        **shop.balanced(),
    )

    service = shop.service
    assert True is service["deploymentConfiguration"]["deploymentCircuitBreaker"]["rollback"]
    assert True is service["enableExecuteCommand"]
    assert True is service["enableECSManagedTags"]
    assert service["propagateTags"] == "SERVICE"
    assert service["healthCheckGracePeriodSeconds"] == 45
    assert service["availabilityZoneRebalancing"] == "DISABLED"
    assert service["platformVersion"] == "LATEST"


def test_tasks_come_up_in_the_order_of_their_states(shop: Shop) -> None:
    """PROVISIONING, PENDING, ACTIVATING, RUNNING; all containers are listed; describing moves nothing."""
    shop.create(**shop.balanced())
    seen = []
    for _ in range(40):
        states = {task["lastStatus"] for task in shop.tasks()}
        assert states == {task["lastStatus"] for task in shop.tasks()}
        seen += [state for state in states if state not in seen]
        shop.fargate.advance(1)

    assert seen == ["PROVISIONING", "PENDING", "ACTIVATING", "RUNNING"]
    assert {("app", "RUNNING"), ("router", "RUNNING")} == {
        (c["name"], c["lastStatus"]) for t in shop.tasks() for c in t["containers"]
    }


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"networkConfiguration": None}, "Network Configuration must be provided"),
        ({"taskDefinition": "shop-app:99"}, "Unable to describe task definition"),
        ({"cluster": "other"}, "Cluster not found"),
        ({"healthCheckGracePeriodSeconds": 9}, "only valid for services configured to use load balancers"),
        ({"capacityProviderStrategy": [{"capacityProvider": "FARGATE"}]}, "Specifying both a launch type"),
        (
            {"loadBalancers": [{"targetGroupArn": "arn:none", "containerName": "app", "containerPort": 8080}]},
            "arn:none",
        ),
        ({"serviceRegistries": [{"registryArn": "arn:none/srv-1"}]}, "could not be found"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_create_service_refuses_what_aws_refuses(shop: Shop, changes: dict[str, Any], words: str) -> None:
    """Moto takes nearly all of these."""
    assert words in refused(lambda: shop.create(**changes))


@pytest.mark.parametrize(
    ("container", "port", "words"), [("web", 8080, "container web does not exist"), ("app", 81, "container port 81")]
)
def test_a_load_balancer_needs_a_container_and_a_port_that_exist(
    shop: Shop, container: str, port: int, words: str
) -> None:
    """The task definition decides."""
    balancer = {"targetGroupArn": shop.target_group, "containerName": container, "containerPort": port}
    assert words in refused(lambda: shop.create(loadBalancers=[balancer]))


def test_a_target_group_without_a_listener_is_refused(shop: Shop) -> None:
    """ECS wants the load balancer to know the group before the service does."""
    listener = shop.aws.call("elbv2", "describe_listeners", LoadBalancerArn=shop.balancer)["Listeners"][0]
    shop.aws.call("elbv2", "delete_listener", ListenerArn=listener["ListenerArn"])

    assert "does not have an associated load balancer" in refused(lambda: shop.create(**shop.balanced()))


def test_a_name_is_taken_once(shop: Shop) -> None:
    """The second CreateService is refused; the cluster's is not: it returns the first."""
    shop.create()

    assert refused(shop.create) == "InvalidParameterException: Creation of service was not idempotent."
    first = shop.ecs("create_cluster", clusterName="shop")["cluster"]
    assert first["activeServicesCount"] == 1


def test_a_running_task_has_an_address_in_the_services_subnets_and_is_reachable(shop: Shop) -> None:
    """Its interface is real, its targets go from initial to healthy, Cloud Map tells of it."""
    shop.create(**shop.balanced())
    shop.fargate.advance(20)
    addresses = [task["containers"][0]["networkInterfaces"][0]["privateIpv4Address"] for task in shop.tasks()]

    assert {(address, "initial") for address in addresses} == shop.health()
    assert {"10.0.0", "10.0.1"} == {address.rsplit(".", 1)[0] for address in addresses}
    assert {f"{REGION}a", f"{REGION}b"} == {task["availabilityZone"] for task in shop.tasks()}
    shop.fargate.advance(20)
    assert {(address, "healthy") for address in addresses} == shop.health()
    found = shop.aws.call("servicediscovery", "list_instances", ServiceId=shop.registry.rsplit("/", 1)[-1])
    assert set(addresses) == {row["Attributes"]["AWS_INSTANCE_IPV4"] for row in found["Instances"]}


def test_a_deployment_is_completed_when_its_tasks_are_healthy(shop: Shop) -> None:
    """The events are in ECS's words, newest first."""
    shop.create(**shop.balanced())
    shop.fargate.advance(30)
    assert shop.service["deployments"][0]["rolloutState"] == "IN_PROGRESS"
    shop.fargate.advance(30)

    deployment = shop.service["deployments"][0]
    assert (deployment["rolloutState"], deployment["runningCount"]) == ("COMPLETED", 2)
    assert f"ECS deployment {deployment['id']} completed." == deployment["rolloutStateReason"]
    assert shop.messages[0] == "(service app) has reached a steady state."
    assert f"(service app) (deployment {deployment['id']}) deployment completed." == shop.messages[1]
    assert shop.messages[-1].startswith("(service app) has started 2 tasks: (task ")
    waiter = shop.aws.client("ecs").get_waiter("services_stable")
    waiter.wait(cluster="shop", services=["app"], WaiterConfig={"Delay": 0, "MaxAttempts": 1})


def test_a_task_that_somebody_stops_is_replaced_and_remembered_for_an_hour(shop: Shop) -> None:
    """StopTask leaves UserInitiated, the reason, and exit codes."""
    shop.create()
    shop.fargate.advance(30)
    arn = shop.tasks()[0]["taskArn"]
    shop.ecs("stop_task", cluster="shop", task=arn, reason="drill")
    shop.fargate.advance(30)

    gone = shop.tasks("STOPPED")[0]
    assert (arn, "UserInitiated", "drill", "STOPPED") == tuple(
        gone[key] for key in ("taskArn", "stopCode", "stoppedReason", "lastStatus")
    )
    assert [container["exitCode"] for container in gone["containers"]] == [143, 143]
    assert gone["stoppingAt"] < gone["stoppedAt"]
    assert shop.service["runningCount"] == 2
    assert [t for t in shop.tasks() if t["taskArn"] == arn] == []
    shop.fargate.advance(3600)
    assert shop.tasks("STOPPED") == []
    assert shop.ecs("describe_tasks", cluster="shop", tasks=[arn])["failures"][0]["reason"] == "MISSING"


def test_a_new_revision_rolls_out_beside_the_old_one(shop: Shop) -> None:
    """PRIMARY and ACTIVE; never fewer than the minimum healthy; the old ones drain; at the end there is one."""
    shop.create(**shop.balanced())
    shop.fargate.advance(60)
    old = shop.service["deployments"][0]
    revision = shop.define("repo/shop:1.1")
    shop.ecs("update_service", cluster="shop", service="app", taskDefinition=revision)

    assert [d["status"] for d in shop.service["deployments"]] == ["PRIMARY", "ACTIVE"]
    assert [revision, old["taskDefinition"]] == [d["taskDefinition"] for d in shop.service["deployments"]]
    assert revision == shop.service["taskDefinition"]
    draining = False
    while len(shop.service["deployments"]) > 1:
        assert shop.service["runningCount"] >= 2
        assert sum(t["lastStatus"] != "STOPPED" for t in shop.tasks() + shop.tasks("STOPPED")) <= 4
        draining |= "draining" in {state for _, state in shop.health()}
        shop.fargate.advance(5)
    assert draining
    assert (revision, "COMPLETED") == (shop.service["taskDefinition"], shop.service["deployments"][0]["rolloutState"])
    assert {revision} == {t["taskDefinitionArn"] for t in shop.tasks()}
    stopped = shop.tasks("STOPPED")[0]
    assert stopped["stopCode"] == "ServiceSchedulerInitiated"
    assert stopped["stoppedReason"].startswith("Scaling activity initiated by (deployment ecs-svc/")
    assert any("has begun draining connections on 2 tasks." in message for message in shop.messages)


@pytest.mark.parametrize(
    ("outcome", "code", "reason"),
    [
        (exits(1), "EssentialContainerExited", "Essential container in task exited"),
        (runs_out_of_memory(), "EssentialContainerExited", "Essential container in task exited"),
        (pull_fails("not found"), "TaskFailedToStart", "CannotPullContainerError: not found"),
        (unhealthy(), "ServiceSchedulerInitiated", "Task failed ELB health checks in (target-group "),
    ],
    ids=["exits", "memory", "pull", "unhealthy"],
)
def test_the_circuit_breaker_rolls_back_to_what_was_completed_last(
    shop: Shop, outcome: Any, code: str, reason: str
) -> None:
    """Three failures of two wanted tasks; then the old revision is PRIMARY again and the service looks stable."""
    shop.fargate.images[BAD] = outcome
    shop.create(**shop.balanced())
    shop.fargate.advance(60)
    good = shop.service["deployments"][0]
    shop.ecs("update_service", cluster="shop", service="app", taskDefinition=shop.define(BAD))
    bad = shop.service["deployments"][0]
    for _ in range(60):
        shop.fargate.advance(20)

    stopped = [t for t in shop.tasks("STOPPED") if t["startedBy"] == bad["id"]]
    assert (code, True) == (stopped[0]["stopCode"], stopped[0]["stoppedReason"].startswith(reason))
    assert [good["id"]] == [d["id"] for d in shop.service["deployments"]]
    assert good["taskDefinition"] == shop.service["taskDefinition"]
    assert f"(service app) (deployment {bad['id']}) deployment failed: tasks failed to start." in shop.messages
    assert f"(service app) rolling back to deployment {good['id']}." in shop.messages
    sent = [e for e in shop.fargate.world.bus.sent if e["detail-type"] == "ECS Deployment State Change"]
    assert [
        (bad["id"], "SERVICE_DEPLOYMENT_IN_PROGRESS"),
        (bad["id"], "SERVICE_DEPLOYMENT_FAILED"),
        (good["id"], "SERVICE_DEPLOYMENT_IN_PROGRESS"),
        (good["id"], "SERVICE_DEPLOYMENT_COMPLETED"),
    ] == [(e["detail"]["deploymentId"], e["detail"]["eventName"]) for e in sent[2:]]
    assert f"circuit breaker: rolling back to deploymentId {good['id']}." in sent[4]["detail"]["reason"]
    listed = shop.ecs("list_service_deployments", cluster="shop", service="app")["serviceDeployments"]
    assert [row["status"] for row in listed] == ["ROLLBACK_SUCCESSFUL", "SUCCESSFUL"]
    arn = listed[0]["serviceDeploymentArn"]
    told = shop.ecs("describe_service_deployments", serviceDeploymentArns=[arn])["serviceDeployments"][0]
    assert told["deploymentCircuitBreaker"] == {"status": "TRIGGERED", "failureCount": 3, "threshold": 3}
    assert told["rollback"]["reason"].endswith(f"rolling back to deploymentId {good['id']}.")


def test_without_rollback_a_failed_deployment_stays(shop: Shop) -> None:
    """It starts no more tasks; the old ones go on."""
    shop.fargate.images[BAD] = exits(1)
    configuration = {"deploymentCircuitBreaker": {"enable": True, "rollback": False}}
    shop.create(deploymentConfiguration=configuration)
    shop.fargate.advance(60)
    shop.ecs("update_service", cluster="shop", service="app", taskDefinition=shop.define(BAD))
    shop.fargate.advance(600)

    first, second = shop.service["deployments"]
    assert (first["status"], first["rolloutState"], first["failedTasks"]) == ("PRIMARY", "FAILED", 3)
    assert (second["status"], second["runningCount"]) == ("ACTIVE", 2)
    assert first["rolloutStateReason"] == "ECS deployment circuit breaker: tasks failed to start."


def test_without_the_breaker_a_deployment_is_tried_for_ever_and_more_and_more_slowly(shop: Shop) -> None:
    """ECS says that it cannot consistently start tasks, and never FAILED."""
    shop.fargate.images[BAD] = exits(1)
    shop.create(BAD, deploymentConfiguration={})
    shop.fargate.advance(3500)

    deployment = shop.service["deployments"][0]
    assert deployment["rolloutState"] == "IN_PROGRESS"
    assert 8 < deployment["failedTasks"] < 40
    assert any("is unable to consistently start tasks successfully." in message for message in shop.messages)
    actions = {e["detail"]["eventName"] for e in shop.fargate.world.bus.sent if "Action" in e["detail-type"]}
    assert "SERVICE_TASK_START_IMPAIRED" in actions


@pytest.mark.parametrize(
    ("desired", "given", "threshold"),
    [
        (1, None, 3),
        (25, None, 13),
        (1000, None, 200),
        (4, {"type": "COUNT", "value": 2}, 2),
        (10, {"type": "BOUNDED_PERCENT", "value": 80}, 8),
        (4, {"type": "UNBOUNDED_PERCENT", "value": 25}, 1),
    ],
)
def test_the_breakers_threshold_is_half_of_the_tasks_within_bounds(
    shop: Shop, desired: int, given: Any, threshold: int
) -> None:
    """Between 3 and 200, or what thresholdConfiguration says."""
    breaker = {"enable": True, "rollback": True, **({"thresholdConfiguration": given} if given else {})}
    shop.create(desiredCount=0, deploymentConfiguration={"deploymentCircuitBreaker": breaker})
    service = shop.fargate.world.services["shop:app"]
    service.row["desiredCount"] = desired

    assert threshold == service.threshold()


def test_a_crash_after_running_does_not_count_as_a_failed_task(shop: Shop) -> None:
    """The breaker is blind to a crash loop that reaches RUNNING: ECS sets the count to 0 by then."""
    shop.fargate.images[BAD] = exits(1, after=40)
    shop.create(BAD)
    shop.fargate.advance(600)

    assert shop.service["deployments"][0]["failedTasks"] == 0
    assert shop.service["deployments"][0]["rolloutState"] != "FAILED"
    assert len(shop.tasks("STOPPED")) > 4


def test_events_reach_queue_and_log_group_in_the_documented_shape(shop: Shop) -> None:
    """Version rises with each change of a task; times are ISO texts."""
    queue = listening(shop)
    shop.create(desiredCount=1)
    shop.fargate.advance(60)
    events = received(shop, queue)

    assert {"ECS Task State Change", "ECS Service Action", "ECS Deployment State Change"} == {
        e["detail-type"] for e in events
    }
    tasks = [e["detail"] for e in events if e["detail-type"] == "ECS Task State Change"]
    assert [(t["version"], t["lastStatus"]) for t in tasks] == [(1, "PROVISIONING"), (2, "PENDING"), (3, "RUNNING")]
    assert tasks[-1]["startedAt"] == "2026-03-01T12:00:20.000Z"
    assert events[3]["time"] == "2026-03-01T12:00:20Z"
    assert tasks[-1]["attachments"][0]["type"] == "eni"
    assert sorted({e["source"] for e in events}) == ["aws.ecs"]
    lines = shop.aws.call("logs", "filter_log_events", logGroupName="/aws/events/shop")["events"]
    assert len(events) == len(lines)


def test_events_can_come_doubled_and_shuffled() -> None:
    """The same id twice; the order is not that of the versions."""
    clock = Clock()
    with Fargate(clock, duplicate_events=True, shuffle_events=True).in_process() as fargate:
        shop = surroundings(fargate, aws_here(clock))
        queue = listening(shop)
        shop.create(desiredCount=3)
        fargate.advance(60)
        events = received(shop, queue)

    ids = [event["id"] for event in events]
    assert {2} == {ids.count(identity) for identity in ids}
    versions = [e["detail"]["version"] for e in events if e["detail-type"] == "ECS Task State Change"]
    assert sorted(versions) != versions


def test_a_service_is_deleted_when_it_is_scaled_to_nothing_or_by_force(shop: Shop) -> None:
    """It vanishes from the list at once, drains, and is then INACTIVE; its name is free again."""
    shop.create(**shop.balanced())
    shop.fargate.advance(60)

    assert "scaled above 0" in refused(lambda: shop.ecs("delete_service", cluster="shop", service="app"))
    assert "ClusterContainsServicesException" in refused(lambda: shop.ecs("delete_cluster", cluster="shop"))
    shop.ecs("delete_service", cluster="shop", service="app", force=True)
    assert shop.ecs("list_services", cluster="shop")["serviceArns"] == []
    assert shop.service["status"] == "DRAINING"
    assert "still Draining" in refused(shop.create)
    assert "ClusterContainsTasksException" in refused(lambda: shop.ecs("delete_cluster", cluster="shop"))
    shop.fargate.advance(400)
    assert shop.service["status"] == "INACTIVE"
    assert "ServiceNotActiveException" in refused(
        lambda: shop.ecs("update_service", cluster="shop", service="app", desiredCount=1)
    )
    shop.ecs("delete_cluster", cluster="shop")


def test_unknown_services_are_failures_and_unknown_names_are_errors(shop: Shop) -> None:
    """DescribeServices says MISSING, UpdateService raises."""
    failures = shop.ecs("describe_services", cluster="shop", services=["none"])["failures"]

    assert [row["reason"] for row in failures] == ["MISSING"]
    assert "ServiceNotFoundException" in refused(
        lambda: shop.ecs("update_service", cluster="shop", service="none", desiredCount=1)
    )


def test_scaling_is_no_deployment(shop: Shop) -> None:
    """A new desired count starts and stops tasks under the same deployment."""
    shop.create()
    shop.fargate.advance(30)
    before = shop.service["deployments"][0]["id"]
    shop.ecs("update_service", cluster="shop", service="app", desiredCount=4)
    shop.fargate.advance(30)
    assert shop.service["runningCount"] == 4
    shop.ecs("update_service", cluster="shop", service="app", desiredCount=1)
    shop.fargate.advance(30)

    assert (1, [before]) == (shop.service["runningCount"], [d["id"] for d in shop.service["deployments"]])
    shop.ecs("update_service", cluster="shop", service="app", forceNewDeployment=True)
    assert before != shop.service["deployments"][0]["id"]


def test_spot_takes_the_share_beyond_the_base(shop: Shop) -> None:
    """Base first, then by weight."""
    strategy = [
        {"capacityProvider": "FARGATE", "base": 2, "weight": 1},
        {"capacityProvider": "FARGATE_SPOT", "weight": 3},
    ]
    shop.create(desiredCount=6, launchType=None, capacityProviderStrategy=strategy)

    providers = [task["capacityProviderName"] for task in shop.tasks()]
    assert (providers.count("FARGATE"), providers.count("FARGATE_SPOT")) == (3, 3)
