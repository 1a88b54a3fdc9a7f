"""The database's subnet group and parameter group."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from obskit.deploy.aws import Aws
from obskit.deploy.errors import DeployError
from obskit.deploy.resource import STACK_TAG, Kind, Resource, Stack
from obskit.deploy.resources.db_parameter_group import KIND as PARAMETERS
from obskit.deploy.resources.db_subnet_group import KIND as SUBNETS
from obskit.deploy.spec import Database, StackSpec
from tests.support import kinds
from tests.support.kinds import Known
from tests.support.stack import PLACE, example_spec

pytestmark = pytest.mark.usefixtures("data_as_aws")

BOTH = (SUBNETS, PARAMETERS)


@pytest.fixture
def known(aws: Aws) -> Known:
    """Return private subnets in two zones, and a third that no zone of the stack has."""
    vpc = aws.call("ec2", "create_vpc", CidrBlock="10.40.0.0/16")["Vpc"]["VpcId"]
    made = [
        aws.call(
            "ec2",
            "create_subnet",
            VpcId=vpc,
            CidrBlock=f"10.40.{n}.0/24",
            AvailabilityZone=zone,
            TagSpecifications=kinds.birth("subnet", f"private-{n}"),
        )
        for n, zone in enumerate(PLACE.zones, 1)
    ]
    return {
        f"subnet.private-{n}": {"id": one["Subnet"]["SubnetId"], "zone": zone}
        for n, (one, zone) in enumerate(zip(made, PLACE.zones, strict=True), 1)
    }


def wanted(kind: Kind, spec: StackSpec) -> Resource:
    """Return the one resource of a kind."""
    (one,) = kind.wanted(spec, PLACE)
    return one


@pytest.mark.parametrize("kind", BOTH, ids=lambda kind: kind.name)
def test_no_group_without_a_database(kind: Kind) -> None:
    """Where there is no database, nothing is made for one."""
    assert list(kind.wanted(example_spec(database=None), PLACE)) == []


@pytest.mark.parametrize("kind", BOTH, ids=lambda kind: kind.name)
def test_a_group_lives_from_creation_to_deletion(
    kind: Kind, aws: Aws, stack: Stack, spec: StackSpec, known: Known
) -> None:
    """Created it differs in nothing, created again too, and deleted it is gone."""
    resource = wanted(kind, spec)
    kinds.made(kind, aws, stack, resource, known)
    kinds.made(kind, aws, stack, resource, known)

    assert frozenset() == kinds.paths_that_differ(kind, aws, stack, resource, known)
    kinds.delete(kind, aws, stack, "main")
    assert kinds.all_seen(kind, aws, stack) == {}


@pytest.mark.parametrize("kind", BOTH, ids=lambda kind: kind.name)
def test_a_group_takes_new_tags(kind: Kind, aws: Aws, stack: Stack, spec: StackSpec, known: Known) -> None:
    """A changed owner is written onto what exists."""
    before = kinds.made(kind, aws, stack, wanted(kind, spec), known)

    kind.retag(aws, stack, before, {**(before.tags or {}), "owner": "payments"})

    assert (kinds.seen(kind, aws, stack, "main").tags or {})["owner"] == "payments"


@pytest.mark.parametrize("kind", BOTH, ids=lambda kind: kind.name)
def test_a_group_of_somebody_else_is_neither_seen_nor_taken(
    kind: Kind, aws: Aws, stack: Stack, spec: StackSpec, known: Known
) -> None:
    """The name alone does not make it ours."""
    resource = kinds.ready(wanted(kind, spec), stack, known)
    kind.create(aws, stack, replace(resource, tags={**resource.tags, STACK_TAG: "other"}))

    assert kinds.all_seen(kind, aws, stack) == {}
    with pytest.raises(DeployError, match="belongs to somebody else"):
        kind.create(aws, stack, resource)


def _third_zone(aws: Aws, known: Known) -> None:
    ids = [known[f"subnet.private-{n}"]["id"] for n in (1, 2, 3)]
    aws.call("rds", "modify_db_subnet_group", DBSubnetGroupName="shop-main", SubnetIds=ids)


def _other_zone(aws: Aws, known: Known) -> None:
    ids = [known[f"subnet.private-{n}"]["id"] for n in (1, 3)]
    aws.call("rds", "modify_db_subnet_group", DBSubnetGroupName="shop-main", SubnetIds=ids)


@pytest.mark.parametrize(
    ("surprise", "paths"),
    [
        (_third_zone, {"Subnets.private-3"}),
        (_other_zone, {"Subnets.private-2", "Subnets.private-3"}),
    ],
)
def test_other_subnets_are_seen_and_put_back(
    aws: Aws,
    stack: Stack,
    spec: StackSpec,
    known: Known,
    surprise: Callable[[Aws, Known], None],
    paths: set[str],
) -> None:
    """A subnet that was added or taken away is called by its name."""
    resource = wanted(SUBNETS, spec)
    kinds.made(SUBNETS, aws, stack, resource, known)
    surprise(aws, known)

    assert paths == kinds.paths_that_differ(SUBNETS, aws, stack, resource, known)
    assert frozenset() == kinds.mended(SUBNETS, aws, stack, resource, known)


@pytest.mark.parametrize(
    ("name", "value"), [("rds.force_ssl", "0"), ("log_statement", "all"), ("max_connections", "9")]
)
def test_other_parameters_are_seen_and_put_back(aws: Aws, stack: Stack, spec: StackSpec, name: str, value: str) -> None:
    """Ours are set again, and what somebody else has set is reset."""
    resource = wanted(PARAMETERS, spec)
    kinds.made(PARAMETERS, aws, stack, resource)
    row = {"ParameterName": name, "ParameterValue": value, "ApplyMethod": "immediate"}
    aws.call("rds", "modify_db_parameter_group", DBParameterGroupName="shop-main-postgres16", Parameters=[row])

    assert {f"Parameters.{name}"} == kinds.paths_that_differ(PARAMETERS, aws, stack, resource)
    assert frozenset() == kinds.mended(PARAMETERS, aws, stack, resource)


def test_a_group_whose_parameters_were_never_set_is_mended(aws: Aws, stack: Stack, spec: StackSpec) -> None:
    """An interruption between the group and its parameters is a difference like any other."""
    resource = wanted(PARAMETERS, spec)
    ready = kinds.ready(resource, stack)
    aws.call(
        "rds",
        "create_db_parameter_group",
        DBParameterGroupName="shop-main-postgres16",
        DBParameterGroupFamily="postgres16",
        Description="postgres16 of stack shop",
        Tags=[{"Key": key, "Value": value} for key, value in ready.tags.items()],
    )

    assert {"Parameters.log_min_duration_statement"} == kinds.paths_that_differ(PARAMETERS, aws, stack, resource)
    assert frozenset() == kinds.mended(PARAMETERS, aws, stack, resource)


@pytest.mark.parametrize("version", ["14", "15", "16", "17"])
def test_a_parameter_that_is_set_to_its_default_is_set(aws: Aws, stack: Stack, version: str) -> None:
    """RDS forces TLS by itself from 15 on and tells then of no user who has: every plan would set it again."""
    resource = wanted(PARAMETERS, example_spec(database=Database(engine_version=version)))
    kinds.made(PARAMETERS, aws, stack, resource)

    assert frozenset() == kinds.paths_that_differ(PARAMETERS, aws, stack, resource)


def test_a_new_major_version_has_a_group_of_its_own_beside_the_old_one(aws: Aws, stack: Stack) -> None:
    """The database can only move to a group that exists, and the old one only go when it has moved."""
    names = []
    for version in ("16", "17.2"):
        resource = wanted(PARAMETERS, example_spec(database=Database(engine_version=version)))
        names.append(PARAMETERS.create(aws, stack, kinds.ready(resource, stack))["name"])

    assert PARAMETERS.create_first
    assert names == ["shop-main-postgres16", "shop-main-postgres17"]
    assert sorted(one.attributes["name"] for one in PARAMETERS.observe(aws, stack)) == names


def test_connections_without_tls_are_refused(spec: StackSpec) -> None:
    """CKV2_AWS_69: PostgreSQL is told to take TLS alone."""
    assert wanted(PARAMETERS, spec).fields["Parameters"]["rds.force_ssl"] == "1"  # type: ignore[index, call-overload]
