"""The private namespace, and the names of services in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from moto.servicediscovery.models import servicediscovery_backends

from obskit.deploy.aws import Aws
from obskit.deploy.errors import DeployError
from obskit.deploy.resource import Stack
from obskit.deploy.resources import _cloud_map, discovery_service, namespace
from tests.support.entry import shop, wanted, with_fields
from tests.support.kinds import Known, all_seen, built, delete, made, mended, paths_that_differ, ready, seen
from tests.support.stack import ACCOUNT, REGION

SPEC = shop()
NAMESPACE, SERVICE = namespace.KIND, discovery_service.KIND
API = "servicediscovery"


@pytest.fixture
def known(aws: Aws) -> Known:
    """Return what is known of the VPC."""
    return {"vpc.main": {"id": aws.call("ec2", "create_vpc", CidrBlock="10.40.0.0/16")["Vpc"]["VpcId"]}}


@pytest.fixture
def inside(aws: Aws, stack: Stack, known: Known) -> Known:
    """Return what is known once the namespace is there."""
    return built(aws, stack, SPEC, (NAMESPACE,), known)


def test_the_namespace_created_is_the_one_wanted(aws: Aws, stack: Stack, known: Known) -> None:
    """It tells of its hosted zone, by which others find it."""
    found = made(NAMESPACE, aws, stack, wanted(NAMESPACE, SPEC)["main"], known)

    assert paths_that_differ(NAMESPACE, aws, stack, wanted(NAMESPACE, SPEC)["main"], known) == frozenset()
    assert found.fields["Vpc"] == known["vpc.main"]["id"]
    assert found.attributes["zone"].isalnum()


def test_a_namespace_in_another_vpc_is_replaced(aws: Aws, stack: Stack, inside: Known) -> None:
    """Cloud Map does not tell the VPC; the id of the request does."""
    resource = with_fields(wanted(NAMESPACE, SPEC)["main"], Vpc="vpc-0f")

    assert paths_that_differ(NAMESPACE, aws, stack, resource, inside) == {"Vpc"} <= {*NAMESPACE.replace_on}


def test_a_namespace_that_an_interrupted_run_has_made_is_gone_on_with(aws: Aws, stack: Stack, inside: Known) -> None:
    """AWS says that the name is taken, and the tags say by whom."""
    resource = ready(wanted(NAMESPACE, SPEC)["main"], stack, inside)

    assert NAMESPACE.create(aws, stack, resource) == inside["namespace.main"]


def test_somebody_elses_namespace_is_left_alone(aws: Aws, stack: Stack, known: Known) -> None:
    """It has the stack's name, and not its tags."""
    vpc = known["vpc.main"]["id"]
    aws.call(API, "create_private_dns_namespace", Name=SPEC.namespace, Vpc=vpc, CreatorRequestId="theirs")

    assert all_seen(NAMESPACE, aws, stack) == {}
    with pytest.raises(DeployError, match="not this stack's"):
        NAMESPACE.create(aws, stack, ready(wanted(NAMESPACE, SPEC)["main"], stack, known))


def test_every_service_with_a_port_has_a_name(aws: Aws, stack: Stack, inside: Known) -> None:
    """The name in DNS is the service's own: ``loki.shop.internal``."""
    resources = wanted(SERVICE, SPEC)

    assert {"demo-app", "payments", "loki", "prometheus"} <= resources.keys()
    assert all(name == resource.fields["Name"] for name, resource in resources.items())


def test_the_service_created_is_the_one_wanted(aws: Aws, stack: Stack, inside: Known) -> None:
    """With the health check that ECS wants and nothing else."""
    made(SERVICE, aws, stack, wanted(SERVICE, SPEC)["loki"], inside)

    assert paths_that_differ(SERVICE, aws, stack, wanted(SERVICE, SPEC)["loki"], inside) == frozenset()


def test_a_service_that_an_interrupted_run_has_made_is_gone_on_with(aws: Aws, stack: Stack, inside: Known) -> None:
    """There is never a second one of a name."""
    resource = ready(wanted(SERVICE, SPEC)["loki"], stack, inside)

    assert SERVICE.create(aws, stack, resource) == SERVICE.create(aws, stack, resource)


def test_answers_that_are_kept_too_long_are_mended(aws: Aws, stack: Stack, inside: Known) -> None:
    """Callers would go on sending to tasks that are gone."""
    resource = wanted(SERVICE, SPEC)["loki"]
    found = made(SERVICE, aws, stack, resource, inside)
    longer = {"DnsConfig": {"DnsRecords": [{"Type": "A", "TTL": 300}]}}
    aws.call(API, "update_service", Id=found.attributes["id"], Service=longer)

    assert paths_that_differ(SERVICE, aws, stack, resource, inside) == {"DnsConfig.DnsRecords.A"}
    assert mended(SERVICE, aws, stack, resource, inside) == frozenset()


def test_a_service_that_somebody_added_is_seen(aws: Aws, stack: Stack, inside: Known) -> None:
    """The namespace could not be deleted with it. One of another namespace is not the stack's."""
    dns = {"DnsRecords": [{"Type": "A", "TTL": 60}]}
    aws.call(API, "create_service", Name="more", NamespaceId=inside["namespace.main"]["id"], DnsConfig=dns)
    aws.call(API, "create_service", Name="theirs", NamespaceId="ns-other", DnsConfig=dns)

    assert set(all_seen(SERVICE, aws, stack)) == {"more"}


def test_tags_are_written_again(aws: Aws, stack: Stack, inside: Known) -> None:
    """Tags are what makes a thing the stack's."""
    made(SERVICE, aws, stack, wanted(SERVICE, SPEC)["loki"], inside)
    for kind, name in ((NAMESPACE, "main"), (SERVICE, "loki")):
        kind.retag(aws, stack, seen(kind, aws, stack, name), {"owner": "others"})

        assert (seen(kind, aws, stack, name).tags or {})["owner"] == "others"


def test_deleting_takes_tasks_that_were_left_with_it(aws: Aws, stack: Stack, inside: Known) -> None:
    """ECS leaves some when a service is deleted by force; Cloud Map refuses while there is one."""
    found = made(SERVICE, aws, stack, wanted(SERVICE, SPEC)["loki"], inside)
    asked: dict[str, Any] = {"ServiceId": found.attributes["id"], "Attributes": {"AWS_INSTANCE_IPV4": "10.40.1.2"}}
    aws.call(API, "register_instance", InstanceId="task", CreatorRequestId="a", **asked)
    delete(SERVICE, aws, stack, "loki")
    delete(NAMESPACE, aws, stack, "main")

    assert aws.calls["servicediscovery:DeregisterInstance"] == 1
    assert all_seen(SERVICE, aws, stack) == all_seen(NAMESPACE, aws, stack) == {}


@pytest.mark.parametrize("code", ["DuplicateRequest", "ResourceInUse"])
def test_a_task_that_ecs_is_taking_out_is_waited_for(code: str, aws: Aws, stack: Stack, inside: Known) -> None:
    """Both take it out when a service goes; Cloud Map lets only one, and the service goes when none is left."""
    found = made(SERVICE, aws, stack, wanted(SERVICE, SPEC)["loki"], inside)
    identity = found.attributes["id"]
    asked: dict[str, Any] = {"ServiceId": identity, "Attributes": {"AWS_INSTANCE_IPV4": "10.40.1.2"}}
    aws.call(API, "register_instance", InstanceId="task", CreatorRequestId="a", **asked)
    backend = servicediscovery_backends[ACCOUNT][REGION]
    refusals = [code, code]

    def busy(**_: Any) -> Any:
        if not refusals:
            return None
        metadata = {"HTTPStatusCode": 400}
        if len(refusals) == 1:
            backend.deregister_instance(identity, "task")  # ECS has come to its end meanwhile
        error = {"Code": refusals.pop(), "Message": "another operation is in progress"}
        return SimpleNamespace(status_code=400, headers={}), {"Error": error, "ResponseMetadata": metadata}

    aws.client(API).meta.events.register_first(f"before-call.{API}.DeregisterInstance", busy)
    delete(SERVICE, aws, stack, "loki")

    assert refusals == []
    assert all_seen(SERVICE, aws, stack) == {}


def test_another_stacks_are_not_seen(aws: Aws, stack: Stack, inside: Known) -> None:
    """Each stack has a namespace of its own."""
    made(SERVICE, aws, stack, wanted(SERVICE, SPEC)["loki"], inside)
    other = replace(stack, name="other")

    assert all_seen(SERVICE, aws, other) == all_seen(NAMESPACE, aws, other) == {}


class Operations:
    """Cloud Map's answers about one operation, one after the other."""

    def __init__(self, *answers: dict[str, Any]) -> None:
        self._answers = iter(answers)

    def client(self, _service: str, **_: Any) -> Any:
        """Be boto3's session."""
        return self

    @property
    def meta(self) -> Any:
        """Name the one operation."""
        return type("Meta", (), {"method_to_api_mapping": {"get_operation": "GetOperation"}})

    def get_operation(self, **_: Any) -> dict[str, Any]:
        """Give the next answer."""
        return {"Operation": next(self._answers)}


def answering(sleep: Callable[[float], None], *answers: dict[str, Any]) -> Aws:
    """Return AWS that answers so."""
    return Aws(session=Operations(*answers), sleep=sleep, monotonic=lambda: 0.0)


def test_an_operation_is_waited_for() -> None:
    """Its end tells the id of what was made."""
    slept: list[float] = []
    made_up = {"Status": "SUCCESS", "Targets": {"NAMESPACE": "ns-1"}}
    aws = answering(slept.append, {"Status": "SUBMITTED"}, {"Status": "PENDING"}, made_up)

    assert _cloud_map.finish(aws, {"OperationId": "a"}, what="creating") == {"NAMESPACE": "ns-1"}
    assert len(slept) == 2


def test_an_operation_that_failed_says_why() -> None:
    """Only the operation knows: the call that began it was fine."""
    failed = {"Status": "FAIL", "ErrorCode": "CANNOT_CREATE_HOSTED_ZONE", "ErrorMessage": "limit exceeded"}

    with pytest.raises(DeployError, match="creating failed") as caught:
        _cloud_map.finish(answering(lambda _: None, failed), {"OperationId": "a"}, what="creating")

    assert caught.value.where["aws"] == "CANNOT_CREATE_HOSTED_ZONE limit exceeded"
