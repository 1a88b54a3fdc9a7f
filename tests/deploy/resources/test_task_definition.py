"""Tests for the kind ``task_definition``."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from obskit.deploy import fargate
from obskit.deploy.aws import Aws
from obskit.deploy.errors import DeployError
from obskit.deploy.plan import with_others
from obskit.deploy.resource import Stack
from obskit.deploy.resources import _ecs, _tags, cluster, service
from obskit.deploy.resources.task_definition import KIND
from obskit.deploy.services import services
from tests.standins.fargate import Clock, Fargate
from tests.support.ecs import SERVICE, ground, made_up, one_service, wanted_service, wanted_task
from tests.support.kinds import all_seen, built, delete, made, mended, paths_that_differ, ready, seen
from tests.support.stack import PLACE, aws_here, example_spec, stack_of

Definition = dict[str, Any]
SPEC = one_service(image_owner="spec", storage=50, environment=(("LEVEL", "info"), ("EMPTY", "")))
KNOWN = made_up([wanted_task(SPEC)])


@pytest.fixture
def aws(clock: Clock) -> Iterator[Aws]:
    """Yield AWS that fills in what ECS fills in."""
    with Fargate(clock=clock).in_process():
        yield aws_here(clock)


@pytest.fixture
def stack() -> Stack:
    """Return the stack's identity."""
    return stack_of(SPEC)


def app(definition: Definition) -> Definition:
    """Return the program's container."""
    return next(c for c in definition["containerDefinitions"] if c["name"] == "app")


def put(rows: list[Any], row: Any) -> None:
    """Put a row into a list."""
    rows.append(row)


def stop_after(seconds: int, definition: Definition) -> None:
    """Give the program another stop time."""
    app(definition).update(stopTimeout=seconds)


#: Path -> what somebody does to the newest revision before registering another.
OUT_OF_BAND: dict[str, Callable[[Definition], Any]] = {
    "cpu": lambda d: d.update(cpu="1024", memory="2048"),
    "containers.app.image": lambda d: app(d).update(image="evil:latest"),
    "containers.app.memory": lambda d: app(d).update(memory=512),
    "containers.app.command": lambda d: app(d).update(command=["sleep", "1"]),
    "containers.app.user": lambda d: app(d).pop("user"),
    "containers.app.readonlyRootFilesystem": lambda d: app(d).update(readonlyRootFilesystem=False),
    "containers.app.environment.LEVEL": lambda d: app(d)["environment"].remove({"name": "LEVEL", "value": "info"}),
    "containers.app.environment.DEBUG": lambda d: put(app(d)["environment"], {"name": "DEBUG", "value": ""}),
    "containers.app.secrets.KEY": lambda d: app(d).update(secrets=[{"name": "KEY", "valueFrom": "key"}]),
    "containers.app.portMappings.9000/udp": lambda d: put(
        app(d)["portMappings"], {"containerPort": 9000, "protocol": "udp"}
    ),
    "containers.app.mountPoints./tmp.readOnly": lambda d: app(d)["mountPoints"][0].update(readOnly=True),
    "containers.app.stopTimeout": lambda d: app(d).update(stopTimeout=5),
    "containers.app.ulimits.nofile.softLimit": lambda d: app(d)["ulimits"][0].update(softLimit=1024),
    "containers.app.healthCheck": lambda d: app(d).update(healthCheck={"command": ["CMD", "true"]}),
    "containers.app.linuxParameters": lambda d: app(d).update(linuxParameters={"initProcessEnabled": True}),
    "containers.app.logConfiguration.options.mode": lambda d: app(d)["logConfiguration"]["options"].update(
        mode="blocking"
    ),
    "containers.extra": lambda d: put(d["containerDefinitions"], {"name": "extra", "image": "busybox:1"}),
    "ephemeralStorage.sizeInGiB": lambda d: d["ephemeralStorage"].update(sizeInGiB=21),
    "taskRoleArn": lambda d: d.update(taskRoleArn="arn:aws:iam::123456789012:role/admin"),
    "runtimePlatform.cpuArchitecture": lambda d: d["runtimePlatform"].update(cpuArchitecture="ARM64"),
    "volumes.extra": lambda d: put(d["volumes"], {"name": "extra"}),
    "pidMode": lambda d: d.update(pidMode="task"),
}


def registered(aws: Aws, stack: Stack, turn: Callable[[Definition], Any]) -> Definition:
    """Register what is wanted, turned, as somebody would who keeps the tags; return AWS's answer."""
    wanted = ready(wanted_task(SPEC), stack, KNOWN)
    asked = copy.deepcopy(_ecs.request(wanted.fields))
    turn(asked)
    tags = _tags.as_list(wanted.tags, "key", "value")
    answer: Definition = aws.client("ecs").register_task_definition(**asked, tags=tags)["taskDefinition"]
    return answer


def test_a_registered_definition_is_as_wanted(aws: Aws, stack: Stack) -> None:
    """ECS fills in host ports, protocols and empty lists, and sorts as it likes: that is no difference."""
    found = made(KIND, aws, stack, wanted_task(SPEC), KNOWN)

    assert paths_that_differ(KIND, aws, stack, wanted_task(SPEC), KNOWN) == frozenset()
    assert found.attributes["family"] == "shop-demo-app"
    assert found.tags == ready(wanted_task(SPEC), stack).tags


@pytest.mark.parametrize("path", OUT_OF_BAND)
def test_a_revision_out_of_band_is_seen_as_its_path_and_mended(aws: Aws, stack: Stack, path: str) -> None:
    """Whatever a newer revision has that is not wanted is told by its path, and a newer one takes it back."""
    made(KIND, aws, stack, wanted_task(SPEC), KNOWN)
    registered(aws, stack, OUT_OF_BAND[path])
    expected = {path} | ({"memory"} if path == "cpu" else set())

    assert paths_that_differ(KIND, aws, stack, wanted_task(SPEC), KNOWN) == expected
    assert mended(KIND, aws, stack, wanted_task(SPEC), KNOWN) == frozenset()
    assert seen(KIND, aws, stack, SERVICE).attributes["revision"] == "3"


@pytest.mark.parametrize("spec", [example_spec(), SPEC, one_service(architecture="ARM64", read_only=False)])
def test_fields_and_request_are_the_same_thing(spec: Any) -> None:
    """What is wanted goes to AWS and comes back without loss, for every program of a stack."""
    for one in services(spec, PLACE):
        fields = _ecs.definition(one, spec, PLACE)

        assert _ecs.fields(_ecs.request(fields)) == fields
        assert fargate.problems(_ecs.request(fields)) == ()


def test_the_defaults_that_aws_fills_in_are_no_difference() -> None:
    """Each spelling of the same definition gives the same fields."""
    short: Mapping[str, Any] = {
        "family": "f",
        "requiresCompatibilities": ["FARGATE"],
        "volumes": [{"name": "v"}],
        "containerDefinitions": [
            {
                "name": "a",
                "image": "i:1",
                "portMappings": [{"containerPort": 80}],
                "mountPoints": [{"sourceVolume": "v", "containerPath": "/v"}],
                "healthCheck": {"command": ["CMD", "true"]},
                "dependsOn": [{"containerName": "b", "condition": "START"}],
                "dockerLabels": {"environment": "prod", "cpu": "0"},
            }
        ],
    }
    long: Mapping[str, Any] = {
        "taskDefinitionArn": "arn:…:7",
        "revision": 7,
        "status": "ACTIVE",
        "registeredAt": "2025-01-01",
        "registeredBy": "somebody",
        "requiresAttributes": [{"name": "x"}],
        "compatibilities": ["EC2", "FARGATE"],
        "placementConstraints": [],
        "enableFaultInjection": False,
        "runtimePlatform": {"operatingSystemFamily": "LINUX", "cpuArchitecture": "X86_64"},
        "tags": [],
        "family": "f",
        "requiresCompatibilities": ["FARGATE"],
        "volumes": [{"name": "v", "host": {}}],
        "containerDefinitions": [
            {
                "name": "a",
                "image": "i:1",
                "cpu": 0,
                "essential": True,
                "privileged": False,
                "environment": [],
                "volumesFrom": [],
                "systemControls": [],
                "linuxParameters": {"capabilities": {}},
                "restartPolicy": {"enabled": False},
                "versionConsistency": "enabled",
                "readonlyRootFilesystem": False,
                "portMappings": [{"containerPort": 80, "hostPort": 80, "protocol": "tcp"}],
                "mountPoints": [{"sourceVolume": "v", "containerPath": "/v", "readOnly": False}],
                "healthCheck": {"command": ["CMD", "true"], "interval": 30, "timeout": 5, "retries": 3},
                "dependsOn": [{"containerName": "b", "condition": "START"}],
                "dockerLabels": {"environment": "prod", "cpu": "0"},
            }
        ],
    }

    assert _ecs.fields(short) == _ecs.fields(long)
    assert _ecs.request(_ecs.fields(long))["containerDefinitions"][0]["dockerLabels"] == {
        "environment": "prod",
        "cpu": "0",
    }


def test_the_revision_that_the_service_runs_is_the_one_that_counts(aws: Aws, stack: Stack) -> None:
    """A newer revision that nobody runs is no difference; it may be another deployment's, under way."""
    known = ground(aws, stack, SPEC)
    made(service.KIND, aws, stack, wanted_service(SPEC), known)
    registered(aws, stack, OUT_OF_BAND["containers.app.memory"])

    assert paths_that_differ(KIND, aws, stack, wanted_task(SPEC), KNOWN) == frozenset()
    assert seen(KIND, aws, stack, SERVICE).attributes["revision"] == "1"


def test_a_revision_without_tags_that_the_service_runs_is_still_ours(aws: Aws, stack: Stack) -> None:
    """CI tools register revisions without tags; the service that runs one says whose it is."""
    known = ground(aws, stack, SPEC)
    made(service.KIND, aws, stack, wanted_service(SPEC), known)
    asked = _ecs.request(ready(wanted_task(SPEC), stack, KNOWN).fields)
    app(asked)["image"] = "shop/demo-app:2.0.0"
    other = aws.client("ecs").register_task_definition(**asked)["taskDefinition"]["taskDefinitionArn"]
    aws.client("ecs").update_service(cluster="shop", service=SERVICE, taskDefinition=other)

    found = seen(KIND, aws, stack, SERVICE)
    assert found.attributes["arn"] == other
    assert found.tags == {}
    KIND.retag(aws, stack, found, {"owner": "platform"})
    assert seen(KIND, aws, stack, SERVICE).tags == {"owner": "platform"}
    assert mended(KIND, aws, stack, wanted_task(SPEC), KNOWN) == {"containers.app.image"}  # until the service runs it
    assert len(aws.client("ecs").list_task_definitions(familyPrefix="shop-demo-app")["taskDefinitionArns"]) == 3


def test_an_image_that_ci_owns_is_kept(aws: Aws, stack: Stack) -> None:
    """A change of something else registers a revision with the image that runs, not the one of the file."""
    spec = one_service(image_owner="ci")
    wanted = wanted_task(spec)
    known = made_up([wanted])
    made(KIND, aws, stack, wanted, known)
    asked = _ecs.request(ready(wanted, stack, known).fields)
    app(asked)["image"] = "shop/demo-app:2.0.0"
    aws.client("ecs").register_task_definition(**asked, tags=_tags.as_list(ready(wanted, stack).tags, "key", "value"))

    assert wanted.left_to_others == ("containers.app.image",)
    assert paths_that_differ(KIND, aws, stack, wanted, known) == frozenset()
    larger = wanted_task(one_service(image_owner="ci", cpu=1024, memory=2048))
    assert mended(KIND, aws, stack, larger, known) == frozenset()
    found = seen(KIND, aws, stack, SERVICE)
    assert found.fields["cpu"] == "1024"
    assert _ecs.request(found.fields)["containerDefinitions"][0]["image"] == "shop/demo-app:2.0.0"


def test_a_revision_that_an_interrupted_run_has_registered_is_taken(aws: Aws, stack: Stack) -> None:
    """Running again must not leave a trail of equal revisions."""
    made(KIND, aws, stack, wanted_task(SPEC), KNOWN)
    again = KIND.create(aws, stack, ready(wanted_task(SPEC), stack, KNOWN))

    assert again["revision"] == "1"


def test_a_revision_that_was_deregistered_under_the_service_is_replaced(aws: Aws, stack: Stack) -> None:
    """ECS starts no task of an INACTIVE revision for a new deployment: a plan has to show it."""
    known = ground(aws, stack, SPEC)
    made(service.KIND, aws, stack, wanted_service(SPEC), known)
    aws.client("ecs").deregister_task_definition(taskDefinition="shop-demo-app:1")

    assert paths_that_differ(KIND, aws, stack, wanted_task(SPEC), KNOWN) == {"status"}
    mended(KIND, aws, stack, wanted_task(SPEC), KNOWN)
    assert aws.client("ecs").list_task_definitions(familyPrefix="shop-demo-app")["taskDefinitionArns"]


def test_deleting_takes_all_revisions_of_the_family(aws: Aws, stack: Stack) -> None:
    """Nothing stays behind, however many revisions there were."""
    made(KIND, aws, stack, wanted_task(SPEC), KNOWN)
    for number in range(12):
        registered(aws, stack, partial(stop_after, 2 + number))

    delete(KIND, aws, stack, SERVICE)

    assert all_seen(KIND, aws, stack) == {}
    for status in ("ACTIVE", "INACTIVE"):
        left = aws.client("ecs").list_task_definitions(familyPrefix="shop-demo-app", status=status)
        assert left["taskDefinitionArns"] == []


def test_a_second_stack_is_not_seen(aws: Aws, stack: Stack) -> None:
    """A stack whose name begins like this one's has families that begin alike."""
    other = replace(SPEC, name="shop-two")
    resource = wanted_task(other)
    built(aws, stack_of(other), other, (cluster.KIND,))
    KIND.create(aws, stack_of(other), ready(resource, stack_of(other), made_up([resource])))

    assert all_seen(KIND, aws, stack) == {}
    assert set(all_seen(KIND, aws, stack_of(other))) == {SERVICE}


def test_a_family_of_somebody_else_is_not_taken(aws: Aws, stack: Stack) -> None:
    """Registering into a family that others use would change what they deploy next."""
    asked = _ecs.request(ready(wanted_task(SPEC), stack, KNOWN).fields)
    aws.client("ecs").register_task_definition(**asked)

    with pytest.raises(DeployError, match="exists and is not this stack's"):
        KIND.create(aws, stack, ready(wanted_task(SPEC), stack, KNOWN))


def released(aws: Aws, image: str, **tags: str) -> str:
    """Have the service run a revision with another image, as CI does, and return its ARN."""
    newest = aws.client("ecs").describe_task_definition(taskDefinition="shop-demo-app")["taskDefinition"]
    asked = _ecs.request(_ecs.fields(newest))
    app(asked)["image"] = image
    answer = aws.client("ecs").register_task_definition(**asked, tags=_tags.as_list(tags, "key", "value"))
    arn = str(answer["taskDefinition"]["taskDefinitionArn"])
    aws.client("ecs").update_service(cluster="shop", service=SERVICE, taskDefinition=arn)
    return arn


def test_a_release_between_plan_and_apply_is_kept(aws: Aws, stack: Stack) -> None:
    """The plan holds the image of its moment: applied later, it must not bring an older one back."""
    spec = one_service(image_owner="ci")
    known = ground(aws, stack, spec)
    made(service.KIND, aws, stack, wanted_service(spec), known)
    planned = seen(KIND, aws, stack, SERVICE)
    larger = ready(wanted_task(one_service(image_owner="ci", cpu=1024, memory=2048)), stack, known)
    resource = with_others(larger, planned)
    released(aws, "shop/demo-app:2.0.0")

    with pytest.raises(DeployError, match="somebody else is deploying demo-app"):
        KIND.change(aws, stack, resource, planned, frozenset({"cpu", "memory"}))
    aws.sleep(900.0)
    KIND.change(aws, stack, resource, planned, frozenset({"cpu", "memory"}))
    newest = aws.client("ecs").describe_task_definition(taskDefinition="shop-demo-app")["taskDefinition"]
    assert (app(newest)["image"], newest["cpu"]) == ("shop/demo-app:2.0.0", "1024")


def test_a_release_that_is_on_its_way_when_planned_is_not_overtaken(aws: Aws, stack: Stack) -> None:
    """A deployment that an earlier apply has begun may be: that is how a mistake in the stack file is mended."""
    spec = one_service(image_owner="ci")
    known = ground(aws, stack, spec)
    made(service.KIND, aws, stack, wanted_service(spec), known)
    larger = ready(wanted_task(one_service(image_owner="ci", cpu=1024, memory=2048)), stack, known)
    released(aws, "shop/demo-app:2.0.0", **{"obskit:release": "begun"})

    with pytest.raises(DeployError, match="somebody else is deploying demo-app") as caught:
        KIND.change(aws, stack, larger, seen(KIND, aws, stack, SERVICE), frozenset({"cpu"}))
    assert caught.value.where["revision"] == "shop-demo-app:2"
    released(aws, "shop/demo-app:1.0.0")
    assert KIND.change(aws, stack, larger, seen(KIND, aws, stack, SERVICE), frozenset({"cpu"}))["revision"] == "4"


def test_the_newest_revision_is_found_by_one_small_question(stack: Stack) -> None:
    """CI makes hundreds of revisions; and a family whose name begins alike is another one."""
    from botocore.stub import Stubber

    aws = aws_here()
    arn = "arn:aws:ecs:eu-west-1:123456789012:task-definition/"
    asked = {"familyPrefix": "shop-demo-app", "status": "ACTIVE", "sort": "DESC", "maxResults": 10}
    found = [f"{arn}shop-demo-app-two:99", f"{arn}shop-demo-app:12", f"{arn}shop-demo-app:9"]
    wanted = ready(wanted_task(SPEC), stack, KNOWN)
    tags = _tags.as_list(wanted.tags, "key", "value")
    newest = {"taskDefinitionArn": found[1], "revision": 12, **_ecs.request(wanted.fields), "status": "ACTIVE"}
    with Stubber(aws.client("ecs")) as stub:
        stub.add_response("list_task_definitions", {"taskDefinitionArns": found, "nextToken": "more"}, asked)
        stub.add_response(
            "describe_task_definition",
            {"taskDefinition": newest, "tags": tags},
            {"taskDefinition": found[1], "include": ["TAGS"]},
        )

        assert KIND.create(aws, stack, wanted)["revision"] == "12"
        stub.assert_no_pending_responses()


def test_families_without_a_living_revision_are_not_asked_for(aws: Aws, stack: Stack) -> None:
    """AWS lists those of stacks long gone, too, and each would be two calls."""
    made(KIND, aws, stack, wanted_task(SPEC), KNOWN)
    asked: list[dict[str, Any]] = []
    aws.client("ecs").meta.events.register(
        "provide-client-params.ecs.ListTaskDefinitionFamilies", lambda params, **_: asked.append(params)
    )
    all_seen(KIND, aws, stack)

    assert asked == [{"familyPrefix": "shop-", "status": "ACTIVE"}]
