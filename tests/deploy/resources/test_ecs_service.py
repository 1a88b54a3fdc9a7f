"""Tests for the kind ``service``, on a simulated Fargate."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from obskit.deploy.aws import Aws
from obskit.deploy.errors import DeployError
from obskit.deploy.plan import differences
from obskit.deploy.resource import Attributes, Stack
from obskit.deploy.resources import _ecs, _service_fields, _services, task_definition
from obskit.deploy.resources.service import KIND
from tests.standins.fargate import Clock, Fargate, exits
from tests.support.ecs import SERVICE, ground, made_up, one_service, wanted_service, wanted_task
from tests.support.kinds import Known, all_seen, delete, made, mended, paths_that_differ, ready, seen
from tests.support.stack import aws_here, stack_of

SPEC = one_service(maximum=2)
#: Longer than a deployment takes that goes well.
_DEPLOYED_SECONDS = 900.0


@pytest.fixture
def fargate(clock: Clock) -> Iterator[Fargate]:
    """Yield the simulation."""
    simulation = Fargate(clock=clock)
    with simulation.in_process():
        yield simulation


@pytest.fixture
def aws(clock: Clock, fargate: Fargate) -> Aws:
    """Return the simulation's AWS."""
    return aws_here(clock)


@pytest.fixture
def stack() -> Stack:
    """Return the stack's identity."""
    return stack_of(SPEC)


@pytest.fixture
def known(aws: Aws, stack: Stack) -> Known:
    """Return what the service stands on."""
    return ground(aws, stack, SPEC)


def update(**asked: Any) -> Callable[[Any, Known], Any]:
    """Return what changes the service by hand."""
    return lambda ecs, _: ecs.update_service(cluster="shop", service=SERVICE, **asked)


def network(**asked: Any) -> Callable[[Any, Known], Any]:
    """Return what changes the service's network by hand; values are addresses."""

    def change(ecs: Any, known: Known) -> Any:
        given = {"subnets": ("subnet.private-1", "subnet.private-2"), "securityGroups": (f"security_group.{SERVICE}",)}
        ids = {key: [known[one]["id"] for one in value] for key, value in (given | asked).items() if key in given}
        public = asked.get("assignPublicIp", "DISABLED")
        configuration = {"awsvpcConfiguration": {**ids, "assignPublicIp": public}}
        return ecs.update_service(cluster="shop", service=SERVICE, networkConfiguration=configuration)

    return change


def deployment(**asked: Any) -> Callable[[Any, Known], Any]:
    """Return what changes how the service is deployed by hand."""
    return update(deploymentConfiguration=asked)


#: Path -> what somebody does by hand.
OUT_OF_BAND: dict[str, Callable[[Any, Known], Any]] = {
    "desiredCount": update(desiredCount=1),
    "capacityProviderStrategy.FARGATE.base": update(
        capacityProviderStrategy=[{"capacityProvider": "FARGATE", "weight": 100}], forceNewDeployment=True
    ),
    "capacityProviderStrategy.FARGATE_SPOT": update(
        capacityProviderStrategy=[
            {"capacityProvider": "FARGATE", "weight": 100, "base": 2},
            {"capacityProvider": "FARGATE_SPOT", "weight": 1},
        ],
        forceNewDeployment=True,
    ),
    "platformVersion": update(platformVersion="1.3.0"),
    "networkConfiguration.assignPublicIp": network(assignPublicIp="ENABLED"),
    "networkConfiguration.subnets.private-2": network(subnets=("subnet.private-1",)),
    "networkConfiguration.subnets.public-1": network(
        subnets=("subnet.public-1", "subnet.private-2", "subnet.private-1")
    ),
    "networkConfiguration.securityGroups": network(securityGroups=("security_group.alb",)),
    "deploymentConfiguration.deploymentCircuitBreaker.rollback": deployment(
        deploymentCircuitBreaker={"enable": True, "rollback": False}
    ),
    "deploymentConfiguration.deploymentCircuitBreaker.thresholdConfiguration": deployment(
        deploymentCircuitBreaker={
            "enable": True,
            "rollback": True,
            "thresholdConfiguration": {"type": "COUNT", "value": 7},
        }
    ),
    "deploymentConfiguration.deploymentCircuitBreaker.resetOnHealthyTask": deployment(
        deploymentCircuitBreaker={"enable": True, "rollback": True, "resetOnHealthyTask": False}
    ),
    "deploymentConfiguration.earlySuccessCriteria": deployment(earlySuccessCriteria={"enable": True}),
    "deploymentController.type": update(deploymentController={"type": "CODE_DEPLOY"}),
    "deploymentConfiguration.minimumHealthyPercent": deployment(minimumHealthyPercent=50),
    "deploymentConfiguration.alarms": deployment(alarms={"alarmNames": ["a"], "enable": True, "rollback": True}),
    "deploymentConfiguration.bakeTimeInMinutes": deployment(bakeTimeInMinutes=5),
    "healthCheckGracePeriodSeconds": update(healthCheckGracePeriodSeconds=5),
    "enableECSManagedTags": update(enableECSManagedTags=False),
    "propagateTags": update(propagateTags="NONE"),
    "enableExecuteCommand": update(enableExecuteCommand=True),
    "availabilityZoneRebalancing": update(availabilityZoneRebalancing="DISABLED"),
    "serviceRegistries": update(serviceRegistries=[]),
}


def test_a_created_service_is_as_wanted_and_runs(aws: Aws, stack: Stack, known: Known) -> None:
    """AWS's defaults, resolved names and sorted ids are no difference; waiting ends when all tasks run."""
    found = made(KIND, aws, stack, wanted_service(SPEC), known)

    assert paths_that_differ(KIND, aws, stack, wanted_service(SPEC), known) == frozenset()
    assert found.tags == ready(wanted_service(SPEC), stack).tags
    (row,) = aws.client("ecs").describe_services(cluster="shop", services=[SERVICE])["services"]
    assert (row["runningCount"], row["deployments"][0]["rolloutState"]) == (2, "COMPLETED")


def test_changes_out_of_band_are_seen_as_their_paths_and_mended(aws: Aws, stack: Stack, known: Known) -> None:
    """Whatever somebody changes by hand shows up as exactly that, and change takes it back."""
    made(KIND, aws, stack, wanted_service(SPEC), known)
    for path, change in OUT_OF_BAND.items():
        change(aws.client("ecs"), known)
        aws.sleep(_DEPLOYED_SECONDS)

        assert paths_that_differ(KIND, aws, stack, wanted_service(SPEC), known) == {path}
        assert mended(KIND, aws, stack, wanted_service(SPEC), known) == frozenset(), path


def test_a_balancer_taken_away_is_put_back(aws: Aws, stack: Stack, known: Known) -> None:
    """Without its load balancer a service has no grace period either; one change mends both."""
    made(KIND, aws, stack, wanted_service(SPEC), known)
    aws.client("ecs").update_service(cluster="shop", service=SERVICE, loadBalancers=[], healthCheckGracePeriodSeconds=0)
    aws.sleep(_DEPLOYED_SECONDS)

    paths = paths_that_differ(KIND, aws, stack, wanted_service(SPEC), known)
    assert paths == {"loadBalancers", "healthCheckGracePeriodSeconds"}
    assert mended(KIND, aws, stack, wanted_service(SPEC), known) == frozenset()


def test_a_scaled_service_leaves_its_count_to_autoscaling(aws: Aws, stack: Stack, known: Known) -> None:
    """What autoscaling does is no drift; the minimum is only written at the birth."""
    spec = one_service(maximum=6)
    made(KIND, aws, stack, wanted_service(spec), known)
    aws.client("ecs").update_service(cluster="shop", service=SERVICE, desiredCount=5)

    assert wanted_service(spec).left_to_others == ("desiredCount",)
    assert paths_that_differ(KIND, aws, stack, wanted_service(spec), known) == frozenset()


def test_spot_takes_its_part_of_what_is_beyond_the_minimum() -> None:
    """The minimum never runs on Spot, whatever the weights are."""
    fields = wanted_service(one_service(spot=70)).fields

    assert fields["capacityProviderStrategy"] == {
        "FARGATE": {"base": 2, "weight": 30},
        "FARGATE_SPOT": {"base": 0, "weight": 70},
    }


def test_on_demand_keeps_a_weight_where_all_shall_be_spot() -> None:
    """ECS places nothing on a provider of weight 0, not even its base."""
    fields = wanted_service(one_service(spot=100)).fields

    assert fields["capacityProviderStrategy"] == {
        "FARGATE": {"base": 2, "weight": 1},
        "FARGATE_SPOT": {"base": 0, "weight": 100},
    }


def test_a_threshold_of_its_own_is_a_count_of_tasks() -> None:
    """Without one the circuit breaker goes by AWS's own formula."""
    fields = wanted_service(one_service(breaker_threshold=4)).fields

    breaker = {"enable": True, "rollback": True, "thresholdConfiguration": {"type": "COUNT", "value": 4}}
    assert fields["deploymentConfiguration"] == {
        "minimumHealthyPercent": 100,
        "maximumPercent": 200,
        "deploymentCircuitBreaker": breaker,
    }


def test_service_connect_switched_on_by_hand_is_seen_and_switched_off() -> None:
    """It puts a proxy into every task: AWS tells of it in the deployment only."""
    row = {"serviceName": SERVICE, "clusterArn": "arn:aws:ecs:r:a:cluster/shop"}
    newest = {"status": "PRIMARY", "serviceConnectConfiguration": {"enabled": True, "namespace": "n"}}
    seen_on = _service_fields.observed({**row, "deployments": [newest]}, {})
    seen_off = _service_fields.observed(row, {})

    assert [one.path for one in differences(seen_off, seen_on)] == ["serviceConnectConfiguration"]
    asked = _service_fields.asked(seen_off, ["serviceConnectConfiguration"])
    assert asked == {"serviceConnectConfiguration": {"enabled": False}}


def test_a_private_service_has_no_balancer_and_no_grace_period(aws: Aws, stack: Stack) -> None:
    """ECS refuses a grace period without a load balancer."""
    spec = one_service(path="", maximum=2)
    known = ground(aws, stack, spec)
    found = made(KIND, aws, stack, wanted_service(spec), known)

    assert paths_that_differ(KIND, aws, stack, wanted_service(spec), known) == frozenset()
    assert found.fields["loadBalancers"] is None
    assert "listener.https" not in wanted_service(spec).needs


def test_a_public_service_comes_after_what_forwards_to_it() -> None:
    """ECS refuses a target group that no load balancer forwards to."""
    assert "listener.https" in wanted_service(SPEC).needs
    assert f"listener_rule.{SERVICE}" in wanted_service(one_service(path="/pay/*")).needs


def deployed(aws: Aws, stack: Stack, known: Known, image: str) -> Attributes:
    """Register a revision with another image and have the service run it; return what is waited for."""
    spec = one_service(maximum=2, image=image)
    before = seen(task_definition.KIND, aws, stack, SERVICE)
    wanted = ready(wanted_task(spec), stack, made_up([wanted_task(spec)]))
    known = {
        **known,
        f"task_definition.{SERVICE}": task_definition.KIND.change(aws, stack, wanted, before, frozenset()),
    }
    service = seen(KIND, aws, stack, SERVICE)
    resource = ready(wanted_service(spec), stack, known)
    return KIND.change(aws, stack, resource, service, frozenset({"taskDefinition"}))


def wait(aws: Aws, stack: Stack, attributes: Attributes) -> list[str]:
    """Wait for a deployment; return why it was waited for, each reason once."""
    reasons: dict[str, None] = {}

    def why() -> str:
        reason = KIND.waiting(aws, stack, attributes)
        reasons[reason] = None
        return reason

    aws.until(why, patience_seconds=KIND.patience_seconds, what="the deployment")
    return list(reasons)


def test_a_deployment_is_waited_for_until_its_own_tasks_run(aws: Aws, stack: Stack, known: Known) -> None:
    """The old tasks do not count: at first none of two is running, at last all are."""
    first = made(KIND, aws, stack, wanted_service(SPEC), known)
    attributes = deployed(aws, stack, known, "2.0.0")

    reasons = wait(aws, stack, attributes)
    assert attributes["deployment"] != first.attributes["deployment"]
    assert reasons[0] == "0 of 2 tasks running"
    assert reasons[-1] == ""


def test_a_deployment_that_was_rolled_back_is_a_failure(aws: Aws, stack: Stack, known: Known, fargate: Fargate) -> None:
    """After a rollback the service is stable, with the old revision: that must not look like success."""
    made(KIND, aws, stack, wanted_service(SPEC), known)
    fargate.images["shop/demo-app:2.0.0"] = exits(3, after=5.0)
    attributes = deployed(aws, stack, known, "2.0.0")

    with pytest.raises(DeployError, match="deployment of service demo-app failed") as caught:
        wait(aws, stack, attributes)
    assert caught.value.where["deployment"] == attributes["deployment"]
    assert "exit 3" in caught.value.where["stopped"]
    fargate.advance(3600)
    with pytest.raises(DeployError, match="failed"):  # and it stays one, however late it is asked
        KIND.waiting(aws, stack, attributes)
    (row,) = aws.client("ecs").describe_services(cluster="shop", services=[SERVICE])["services"]
    assert row["taskDefinition"].endswith(":1")


def test_a_first_deployment_that_failed_is_begun_anew(aws: Aws, stack: Stack, known: Known, fargate: Fargate) -> None:
    """There is nothing that AWS could go back to: it would stay at no task for ever, and look as it shall be."""
    fargate.images["shop/demo-app:1.0.0"] = exits(3, after=5.0)
    with pytest.raises(DeployError, match="deployment of service demo-app failed"):
        made(KIND, aws, stack, wanted_service(SPEC), known)
    failed = seen(KIND, aws, stack, SERVICE)

    assert failed.fields["rollout"] == "FAILED"
    assert paths_that_differ(KIND, aws, stack, wanted_service(SPEC), known) == {"rollout"}
    with pytest.raises(DeployError, match="deployment of service demo-app failed"):
        mended(KIND, aws, stack, wanted_service(SPEC), known)
    assert seen(KIND, aws, stack, SERVICE).attributes["deployment"] != failed.attributes["deployment"]
    del fargate.images["shop/demo-app:1.0.0"]
    assert mended(KIND, aws, stack, wanted_service(SPEC), known) == frozenset()


def test_a_deployment_on_its_way_is_waited_for_and_nothing_is_sent(aws: Aws, stack: Stack, known: Known) -> None:
    """An interrupted run has begun it, or a release: both are no reason to begin another one."""
    made(KIND, aws, stack, wanted_service(SPEC), known)
    known = {**known, f"task_definition.{SERVICE}": {"arn": other_revision(aws)}}
    aws.client("ecs").update_service(
        cluster="shop", service=SERVICE, taskDefinition=known[f"task_definition.{SERVICE}"]["arn"]
    )
    assert paths_that_differ(KIND, aws, stack, wanted_service(SPEC), known) == {"rollout"}
    begun = seen(KIND, aws, stack, SERVICE).attributes["deployment"]
    aws.calls.clear()

    assert mended(KIND, aws, stack, wanted_service(SPEC), known) == frozenset()
    assert "ecs:UpdateService" not in aws.calls
    assert seen(KIND, aws, stack, SERVICE).attributes["deployment"] == begun


def test_autoscaling_in_full_swing_is_no_deployment(aws: Aws, stack: Stack, known: Known) -> None:
    """Tasks that are started or stopped to meet another count belong to a deployment that was completed."""
    spec = one_service(maximum=6)
    made(KIND, aws, stack, wanted_service(spec), known)
    for count in (6, 3):
        aws.client("ecs").update_service(cluster="shop", service=SERVICE, desiredCount=count)
        assert paths_that_differ(KIND, aws, stack, wanted_service(spec), known) == frozenset()


def other_revision(aws: Aws, image: str = "2.0.0", release: str = "") -> str:
    """Register a revision with another image, as CI does, and return its ARN."""
    newest = aws.client("ecs").describe_task_definition(taskDefinition="shop-demo-app")["taskDefinition"]
    asked = {key: newest[key] for key in ("family", "networkMode", "requiresCompatibilities", "cpu", "memory")}
    roles = {key: newest[key] for key in ("executionRoleArn", "taskRoleArn", "volumes")}
    containers = [
        {**one, "image": f"shop/demo-app:{image}"} if one["name"] == "app" else one
        for one in newest["containerDefinitions"]
    ]
    tags = [{"key": "obskit:release", "value": release}] if release else []
    answer = aws.client("ecs").register_task_definition(**asked, **roles, containerDefinitions=containers, tags=tags)
    return str(answer["taskDefinition"]["taskDefinitionArn"])


def test_a_release_on_its_way_is_not_overtaken(aws: Aws, stack: Stack, known: Known) -> None:
    """Whether the plan was made before the release began or after it: what begins a deployment is refused."""
    made(KIND, aws, stack, wanted_service(SPEC), known)
    planned = seen(KIND, aws, stack, SERVICE)
    released = other_revision(aws, release="begun")
    aws.client("ecs").update_service(cluster="shop", service=SERVICE, taskDefinition=released)
    resource = ready(wanted_service(SPEC), stack, known)

    for before in (planned, seen(KIND, aws, stack, SERVICE)):
        with pytest.raises(DeployError, match="somebody else is deploying demo-app") as caught:
            KIND.change(aws, stack, resource, before, frozenset({"capacityProviderStrategy"}))
        assert caught.value.where["revision"] == "shop-demo-app:2"
        assert "obskit deploy rollback demo-app" in caught.value.hint
    KIND.change(aws, stack, resource, planned, frozenset({"healthCheckGracePeriodSeconds"}))  # no deployment


@pytest.mark.parametrize(("ours", "good"), [("1.0.0", False), ("2.0.0", True)])
def test_a_revision_made_before_a_release_does_not_undo_it(
    aws: Aws, stack: Stack, known: Known, ours: str, good: bool
) -> None:
    """It was registered, then waited for others, and somebody released meanwhile: with an older image it is refused."""
    made(KIND, aws, stack, wanted_service(SPEC), known)
    planned = seen(KIND, aws, stack, SERVICE)
    target = other_revision(aws, ours)
    aws.client("ecs").update_service(cluster="shop", service=SERVICE, taskDefinition=other_revision(aws, "2.0.0"))
    aws.sleep(_DEPLOYED_SECONDS)
    resource = ready(wanted_service(SPEC), stack, {**known, f"task_definition.{SERVICE}": {"arn": target}})

    if good:
        wait(aws, stack, KIND.change(aws, stack, resource, planned, frozenset({"taskDefinition"})))
        assert seen(KIND, aws, stack, SERVICE).fields["taskDefinition"] == target
    else:
        with pytest.raises(DeployError, match="somebody has deployed demo-app since the plan was made") as caught:
            KIND.change(aws, stack, resource, planned, frozenset({"taskDefinition"}))
        assert (caught.value.where["runs"], caught.value.hint) == ("shop-demo-app:3", "apply again")


ROW: dict[str, Any] = {
    "status": "ACTIVE",
    "deployments": [
        {
            "id": "ecs-svc/2",
            "status": "PRIMARY",
            "taskDefinition": "arn:aws:ecs:r:a:task-definition/f:2",
            "desiredCount": 3,
            "runningCount": 2,
            "failedTasks": 1,
            "rolloutState": "IN_PROGRESS",
        },
        {"id": "ecs-svc/1", "status": "ACTIVE", "taskDefinition": "f:1", "rolloutState": "COMPLETED"},
    ],
}


def turned(**changes: Any) -> dict[str, Any]:
    """Return the service with its newest deployment turned."""
    newest, *rest = ROW["deployments"]
    return {**ROW, "deployments": [newest | changes, *rest]}


@pytest.mark.parametrize(
    ("row", "identity", "state", "words"),
    [
        (ROW, "ecs-svc/2", "going", "2 of 3 tasks running, 1 have failed"),
        (turned(runningCount=3), "ecs-svc/2", "going", "3 of 3 tasks running, 1 have failed"),
        (turned(rolloutState="COMPLETED"), "ecs-svc/2", "going", "2 of 3 tasks running, 1 have failed"),
        (turned(rolloutState="COMPLETED", runningCount=3), "ecs-svc/2", "done", ""),
        (turned(rolloutState="FAILED", rolloutStateReason="too bad"), "ecs-svc/2", "failed", "too bad"),
        (turned(rolloutState="COMPLETED", runningCount=3), "", "done", ""),
        (ROW, "ecs-svc/1", "failed", "another one has taken its place, with f:2"),
        (ROW, "ecs-svc/0", "failed", "it is gone; the service is now at f:2"),
        ({**ROW, "status": "DRAINING"}, "ecs-svc/2", "failed", "the service is DRAINING"),
        ({"status": "ACTIVE"}, "ecs-svc/2", "failed", "it is gone; the service is now at no task definition"),
    ],
)
def test_a_deployment_is_judged_by_its_id(row: dict[str, Any], identity: str, state: str, words: str) -> None:
    """Nothing but the state of the very deployment that was started says that it is done."""
    assert _services.judged(row, identity) == _services.Progress(state, words)  # type: ignore[arg-type]


def test_a_deployment_that_aws_has_not_heard_of_yet_is_asked_for_again(stack: Stack) -> None:
    """DescribeServices may lag behind UpdateService by seconds: that is no rollback."""
    from botocore.stub import Stubber

    clock = Clock()
    aws = aws_here(clock)
    late = {"services": [{**ROW, "deployments": ROW["deployments"][1:]}]}
    with Stubber(aws.client("ecs")) as stub:
        stub.add_response("describe_services", late)
        stub.add_response("describe_services", {"services": [ROW]})

        words = KIND.waiting(aws, stack, {"name": SERVICE, "arn": "arn", "deployment": "ecs-svc/2"})
    assert words == "2 of 3 tasks running, 1 have failed"
    assert clock.now > 0


def test_a_deleted_service_is_gone_with_its_tasks(aws: Aws, stack: Stack, known: Known) -> None:
    """Its tasks hold network interfaces, which hold subnets and groups: all have to stop first."""
    made(KIND, aws, stack, wanted_service(SPEC), known)
    before = seen(KIND, aws, stack, SERVICE)
    KIND.delete(aws, stack, before)

    assert KIND.leaving(aws, stack, before) != ""
    assert all_seen(KIND, aws, stack) == {}
    aws.until(lambda: KIND.leaving(aws, stack, before), patience_seconds=900, what="leaving")
    interfaces = aws.client("ec2").describe_network_interfaces()["NetworkInterfaces"]
    assert [one for one in interfaces if "ecs" in one.get("Description", "").lower()] == []
    KIND.delete(aws, stack, before)


def test_a_service_is_created_anew_after_the_old_one_has_drained(aws: Aws, stack: Stack, known: Known) -> None:
    """ECS refuses a name whose service is still draining; a replacement waits for it."""
    first = made(KIND, aws, stack, wanted_service(SPEC), known)
    KIND.delete(aws, stack, first)
    second = made(KIND, aws, stack, wanted_service(SPEC), known)

    assert second.attributes["deployment"] != first.attributes["deployment"]
    delete(KIND, aws, stack, SERVICE)


def test_a_service_of_somebody_else_is_neither_seen_nor_taken(aws: Aws, stack: Stack, known: Known) -> None:
    """A service that only has the name is left alone, and creating says so."""
    resource = replace(ready(wanted_service(SPEC), stack, known), tags={"obskit:stack": "other"})
    KIND.create(aws, stack, resource)

    assert all_seen(KIND, aws, stack) == {}
    with pytest.raises(DeployError, match="exists and is not this stack's"):
        KIND.create(aws, stack, ready(wanted_service(SPEC), stack, known))


def test_creating_twice_is_creating_once(aws: Aws, stack: Stack, known: Known) -> None:
    """An interrupted run may have created it: the next one goes on with it."""
    first = KIND.create(aws, stack, ready(wanted_service(SPEC), stack, known))

    assert KIND.create(aws, stack, ready(wanted_service(SPEC), stack, known)) == first


def test_tags_are_written_onto_one_that_exists(aws: Aws, stack: Stack, known: Known) -> None:
    """Retagging keeps what others have put there."""
    before = made(KIND, aws, stack, wanted_service(SPEC), known)
    KIND.retag(aws, stack, before, {"owner": "somebody"})

    tags = seen(KIND, aws, stack, SERVICE).tags or {}
    assert tags == {**(before.tags or {}), "owner": "somebody"}


def test_a_stack_without_a_cluster_has_no_service(aws: Aws, stack: Stack) -> None:
    """Looking at a stack that is not there is no error."""
    assert all_seen(KIND, aws, stack) == {}
    assert _ecs.request({}) == {"containerDefinitions": []}


def test_a_first_deployment_waits_for_its_image(aws: Aws, stack: Stack, known: Known, fargate: Fargate) -> None:
    """Without one it would fail for minutes, with no earlier revision to go back to; so it is said how to push it."""
    fargate.unpushed.add("shop/demo-app:1.0.0")
    resource = ready(wanted_service(SPEC), stack, known)

    with pytest.raises(DeployError, match=r"shop/demo-app:1\.0\.0 has not been pushed yet") as raised:
        KIND.create(aws, stack, resource)
    assert "docker push" in raised.value.hint
    assert list(KIND.observe(aws, stack)) == []
    fargate.unpushed.clear()
    KIND.create(aws, stack, resource)
    assert [one.name for one in KIND.observe(aws, stack)] == ["demo-app"]


def test_a_first_deployment_does_not_wait_for_what_a_cache_will_fetch(
    aws: Aws, stack: Stack, known: Known, fargate: Fargate
) -> None:
    """A pull-through cache has an image once somebody has fetched it: that is no image to push."""
    cached = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/quay/prometheuscommunity/ecs-exporter:v1"
    newest = aws.client("ecs").describe_task_definition(taskDefinition="shop-demo-app")["taskDefinition"]
    containers = [
        {**one, "image": cached} if one["name"] == "ecs-exporter" else one for one in newest["containerDefinitions"]
    ]
    keys = ("family", "networkMode", "requiresCompatibilities", "cpu", "memory", "executionRoleArn", "volumes")
    asked = {key: newest[key] for key in keys}
    answer = aws.client("ecs").register_task_definition(**asked, containerDefinitions=containers)
    known = {**known, f"task_definition.{SERVICE}": {"arn": answer["taskDefinition"]["taskDefinitionArn"]}}

    assert KIND.create(aws, stack, ready(wanted_service(SPEC), stack, known))["name"] == SERVICE
    assert fargate.unpushed == set()
