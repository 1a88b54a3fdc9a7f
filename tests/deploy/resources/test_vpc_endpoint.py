"""Endpoints of AWS's services in the VPC: made, read back, mended, deleted."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from obskit.deploy.aws import Aws
from obskit.deploy.errors import DeployError
from obskit.deploy.resource import Kind, Place, Resource, Stack
from obskit.deploy.resources import (
    internet_gateway,
    route_table,
    security_group,
    security_group_rules,
    subnet,
    vpc,
    vpc_endpoint,
)
from obskit.deploy.spec import Network, Telemetry
from tests.support.kinds import Known, all_seen, built, delete, mended, paths_that_differ
from tests.support.stack import ACCOUNT, PLACE, REGION, example_spec

ENDPOINTS = vpc_endpoint.KIND
KINDS: tuple[Kind, ...] = (
    vpc.KIND,
    internet_gateway.KIND,
    subnet.KIND,
    route_table.KIND,
    security_group.KIND,
    ENDPOINTS,
)
SPEC = example_spec(network=Network(nat="none", endpoints=True))


def endpoint(name: str) -> Resource:
    """Return one wanted endpoint."""
    return {resource.name: resource for resource in ENDPOINTS.wanted(SPEC, PLACE)}[name]


def modify(aws: Aws, known: Known, name: str, **asked: Any) -> None:
    """Change an endpoint behind the stack's back."""
    aws.call("ec2", "modify_vpc_endpoint", VpcEndpointId=known[f"vpc_endpoint.{name}"]["id"], **asked)


def test_endpoints_are_wanted_only_where_asked_for(place: Place) -> None:
    """They cost money by the hour and zone."""
    assert list(ENDPOINTS.wanted(example_spec(), place)) == []


def test_what_services_need_of_aws_has_an_endpoint(place: Place) -> None:
    """Images, logs, secrets, exec, and what Prometheus asks to find its targets."""
    names = {resource.name for resource in ENDPOINTS.wanted(SPEC, place)}

    assert names == {"s3", "ecr-api", "ecr-dkr", "logs", "secretsmanager", "ecs", "ec2"}


def test_samples_have_a_way_to_their_workspace_and_dns_needs_no_ecs(place: Place) -> None:
    """Endpoints follow what the stack uses."""
    spec = example_spec(network=Network(endpoints=True), telemetry=Telemetry(discovery="dns", workspace=True))
    names = {resource.name for resource in ENDPOINTS.wanted(spec, place)}

    assert "aps-workspaces" in names
    assert not names & {"ecs", "ec2"}


def test_what_was_made_is_as_it_is_wanted(aws: Aws, stack: Stack) -> None:
    """Reading back gives no difference; the policy that AWS writes by itself is none."""
    known = built(aws, stack, SPEC, KINDS)

    for resource in ENDPOINTS.wanted(SPEC, PLACE):
        assert paths_that_differ(ENDPOINTS, aws, stack, resource, known) == frozenset()
    assert known["vpc_endpoint.s3"]["prefix_list"].startswith("pl-")
    assert all_seen(ENDPOINTS, aws, Stack(name="other", place=PLACE)) == {}


def test_an_endpoint_in_the_routes_is_no_difference_of_the_table(aws: Aws, stack: Stack) -> None:
    """The route of a gateway endpoint comes and goes with the endpoint."""
    known = built(aws, stack, SPEC, KINDS)

    for resource in route_table.KIND.wanted(SPEC, PLACE):
        assert paths_that_differ(route_table.KIND, aws, stack, resource, known) == frozenset()


def test_rules_name_the_addresses_of_s3_by_its_name(aws: Aws, stack: Stack) -> None:
    """A prefix list of AWS stands under the service that it belongs to."""
    known = built(aws, stack, SPEC, (*KINDS, security_group_rules.KIND))

    for resource in security_group_rules.KIND.wanted(SPEC, PLACE):
        assert paths_that_differ(security_group_rules.KIND, aws, stack, resource, known) == frozenset()


@pytest.mark.parametrize(
    ("name", "path", "breaks"),
    [
        (
            "logs",
            "SubnetIds.private-2",
            lambda aws, known: modify(aws, known, "logs", RemoveSubnetIds=[known["subnet.private-2"]["id"]]),
        ),
        (
            "logs",
            "SubnetIds.public-1",
            lambda aws, known: modify(aws, known, "logs", AddSubnetIds=[known["subnet.public-1"]["id"]]),
        ),
        (
            "logs",
            "SecurityGroupIds.alb",
            lambda aws, known: modify(aws, known, "logs", AddSecurityGroupIds=[known["security_group.alb"]["id"]]),
        ),
        (
            "s3",
            "RouteTableIds.private-1",
            lambda aws, known: modify(aws, known, "s3", RemoveRouteTableIds=[known["route_table.private-1"]["id"]]),
        ),
        (
            "s3",
            "PolicyDocument",
            lambda aws, known: modify(
                aws, known, "s3", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": []})
            ),
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_change_by_somebody_else_is_seen_as_its_path_and_mended(
    aws: Aws, stack: Stack, name: str, path: str, breaks: Callable[[Aws, Known], None]
) -> None:
    """What is given and taken out of band differs at exactly one path."""
    known = built(aws, stack, SPEC, KINDS)
    breaks(aws, known)

    assert paths_that_differ(ENDPOINTS, aws, stack, endpoint(name), known) == {path}
    assert mended(ENDPOINTS, aws, stack, endpoint(name), known) == frozenset()


def test_private_names_switched_off_are_seen(aws: Aws, stack: Stack) -> None:
    """Without them every client would have to be told the endpoint's own name."""
    known = built(aws, stack, SPEC, KINDS)
    stored(known, "logs").private_dns_enabled = False

    assert paths_that_differ(ENDPOINTS, aws, stack, endpoint("logs"), known) == {"PrivateDnsEnabled"}


def test_a_failed_endpoint_is_replaced(aws: Aws, stack: Stack) -> None:
    """It differs at a path that means replacement, and waiting for it is given up at once."""
    known = built(aws, stack, SPEC, KINDS)
    stored(known, "logs").state = "failed"

    assert paths_that_differ(ENDPOINTS, aws, stack, endpoint("logs"), known) == {"State"}
    assert "State" in ENDPOINTS.replace_on
    with pytest.raises(DeployError, match=r"VPC endpoint .* is failed"):
        ENDPOINTS.waiting(aws, stack, known["vpc_endpoint.logs"])


def test_endpoints_can_be_deleted_and_twice(aws: Aws, stack: Stack) -> None:
    """What EC2 still shows as deleted is gone."""
    built(aws, stack, SPEC, KINDS)

    for name in all_seen(ENDPOINTS, aws, stack):
        delete(ENDPOINTS, aws, stack, name)

    assert all_seen(ENDPOINTS, aws, stack) == {}


def stored(known: Known, name: str) -> Any:
    """Return moto's own object, for what its API cannot change."""
    from moto.ec2.models import ec2_backends

    return ec2_backends[ACCOUNT][REGION].vpc_end_points[known[f"vpc_endpoint.{name}"]["id"]]
