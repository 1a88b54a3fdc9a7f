"""The database: created with a password that is held nowhere, changed at once, deleted with a snapshot."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from moto.rds.models import DBInstance, rds_backends

from obskit.deploy.aws import Aws
from obskit.deploy.errors import AwsError, DeployError
from obskit.deploy.plan import plan
from obskit.deploy.resource import STACK_TAG, Resource, Stack
from obskit.deploy.resources import _rds
from obskit.deploy.resources.database import KIND
from obskit.deploy.resources.db_parameter_group import KIND as PARAMETERS
from obskit.deploy.resources.db_subnet_group import KIND as SUBNETS
from obskit.deploy.spec import Database, StackSpec
from obskit.errors import UsageError
from tests.support import kinds
from tests.support.kinds import Known
from tests.support.stack import ACCOUNT, PLACE, REGION, example_spec

pytestmark = pytest.mark.usefixtures("data_as_aws")

PASSWORD = "correct-horse-battery-staple"


@pytest.fixture
def known(aws: Aws, stack: Stack, spec: StackSpec) -> Known:
    """Return all that a database stands on, and its secret."""
    vpc = aws.call("ec2", "create_vpc", CidrBlock="10.40.0.0/16")["Vpc"]["VpcId"]
    base: dict[str, Any] = {}
    for number, zone in enumerate(PLACE.zones, 1):
        subnet = aws.call("ec2", "create_subnet", VpcId=vpc, CidrBlock=f"10.40.{number}.0/24", AvailabilityZone=zone)
        base[f"subnet.private-{number}"] = {"id": subnet["Subnet"]["SubnetId"]}
    group = aws.call("ec2", "create_security_group", GroupName="database", Description="database", VpcId=vpc)
    base["security_group.database"] = {"id": group["GroupId"]}
    text = json.dumps({"username": "app", "password": PASSWORD})
    aws.call("secretsmanager", "create_secret", Name="shop/database", SecretString=text)
    return kinds.built(aws, stack, spec, [SUBNETS, PARAMETERS], base)


def wanted(**changes: Any) -> Resource:
    """Return the database of a spec."""
    (one,) = KIND.wanted(example_spec(database=Database(**changes)), PLACE)
    return one


def inside() -> DBInstance:
    """Return the database within moto, to let it do what RDS does by itself."""
    found: DBInstance = rds_backends[ACCOUNT][REGION].databases["shop-main"]
    return found


def differing(aws: Aws, stack: Stack, resource: Resource, known: Known) -> set[str]:
    """Return the paths that a plan shows, with what is left to others left out as a plan does."""
    made = kinds.ready(resource, stack, known)
    wants = replace(made, after=())
    steps = plan([wants], KIND.observe(aws, stack), {KIND.name: KIND}).steps
    return {change.path for step in steps for change in step.changes}


def test_no_database_where_none_is_wanted() -> None:
    """The section can be left out."""
    assert list(KIND.wanted(example_spec(database=None), PLACE)) == []


def test_a_created_database_differs_in_nothing_and_tells_its_address(aws: Aws, stack: Stack, known: Known) -> None:
    """Others need endpoint, port and resource id."""
    resource = wanted()

    found = kinds.made(KIND, aws, stack, resource, known)

    assert differing(aws, stack, resource, known) == set()
    assert found.keeps_data
    assert found.attributes["id"] == "shop-main"
    assert found.attributes["endpoint"].endswith("eu-west-1.rds.amazonaws.com")
    assert found.attributes["port"] == "5432"
    assert found.attributes["resource_id"].startswith("db-")


def test_it_is_private_encrypted_backed_up_and_protected() -> None:
    """What the security checks ask for is there without a word in the spec."""
    fields = wanted().fields

    for name in ("StorageEncrypted", "DeletionProtection", "CopyTagsToSnapshot", "AutoMinorVersionUpgrade"):
        assert fields[name] is True
    assert fields["PubliclyAccessible"] is False
    assert fields["BackupRetentionPeriod"] == 7
    assert fields["EnableCloudwatchLogsExports"] == ("postgresql", "upgrade")


def test_the_password_comes_from_the_secret_and_is_in_no_field(aws: Aws, stack: Stack, known: Known) -> None:
    """Only RDS and the secret know it."""
    resource = kinds.ready(wanted(), stack, known)

    found = kinds.made(KIND, aws, stack, wanted(), known)

    assert vars(inside())["_master_user_password"] == PASSWORD
    assert PASSWORD not in repr((resource, found))
    assert "secret.database" in resource.needs


@pytest.mark.parametrize("text", ["no JSON", '{"username": "app"}', '["app"]'])
def test_a_secret_without_a_password_is_an_error_that_does_not_show_it(
    aws: Aws, stack: Stack, known: Known, text: str
) -> None:
    """The text may be the password."""
    aws.call("secretsmanager", "put_secret_value", SecretId="shop/database", SecretString=text)

    with pytest.raises(DeployError, match="holds no password") as caught:
        KIND.create(aws, stack, kinds.ready(wanted(), stack, known))
    assert text not in str(caught.value)
    assert caught.value.__cause__ is None


SURPRISES: list[tuple[dict[str, Any], set[str]]] = [
    ({"DBInstanceClass": "db.t4g.small"}, {"DBInstanceClass"}),
    ({"BackupRetentionPeriod": 1}, {"BackupRetentionPeriod"}),
    ({"DeletionProtection": False}, {"DeletionProtection"}),
    ({"MultiAZ": True}, {"MultiAZ"}),
    ({"PubliclyAccessible": True}, {"PubliclyAccessible"}),
    ({"CopyTagsToSnapshot": False}, {"CopyTagsToSnapshot"}),
    ({"AutoMinorVersionUpgrade": False}, {"AutoMinorVersionUpgrade"}),
    ({"EnableIAMDatabaseAuthentication": True}, {"EnableIAMDatabaseAuthentication"}),
    ({"EnablePerformanceInsights": False}, {"EnablePerformanceInsights"}),
    ({"MaxAllocatedStorage": 500}, {"MaxAllocatedStorage"}),
    ({"StorageType": "gp2"}, {"StorageType"}),
    ({"DBPortNumber": 5433}, {"Port"}),
    (
        {"CloudwatchLogsExportConfiguration": {"DisableLogTypes": ["postgresql"]}},
        {"EnableCloudwatchLogsExports"},
    ),
]


@pytest.mark.parametrize(("asked", "paths"), SURPRISES, ids=lambda value: next(iter(value)))
def test_a_change_by_somebody_else_is_one_path_and_is_mended(
    aws: Aws, stack: Stack, known: Known, asked: dict[str, Any], paths: set[str]
) -> None:
    """Whatever is changed out of band is shown as exactly that, and put back."""
    resource = wanted()
    kinds.made(KIND, aws, stack, resource, known)
    aws.call("rds", "modify_db_instance", DBInstanceIdentifier="shop-main", **asked)

    assert differing(aws, stack, resource, known) == paths
    assert frozenset() == kinds.mended(KIND, aws, stack, resource, known)


def _another_group(aws: Aws) -> dict[str, Any]:
    vpc = aws.call("ec2", "describe_subnets")["Subnets"][0]["VpcId"]
    group = aws.call("ec2", "create_security_group", GroupName="open", Description="open", VpcId=vpc)
    return {"VpcSecurityGroupIds": [group["GroupId"]]}


def _default_parameters(aws: Aws) -> dict[str, Any]:
    name = "default-postgres16"
    aws.call(
        "rds",
        "create_db_parameter_group",
        DBParameterGroupName=name,
        DBParameterGroupFamily="postgres16",
        Description="x",
    )
    return {"DBParameterGroupName": name}


@pytest.mark.parametrize("surprise", [_another_group, _default_parameters])
def test_another_group_is_seen_and_put_back(
    aws: Aws, stack: Stack, known: Known, surprise: Callable[[Aws], dict[str, Any]]
) -> None:
    """Security and parameter groups are compared by what they are."""
    resource = wanted()
    kinds.made(KIND, aws, stack, resource, known)
    asked = surprise(aws)
    aws.call("rds", "modify_db_instance", DBInstanceIdentifier="shop-main", **asked)

    assert differing(aws, stack, resource, known) == set(asked)
    assert frozenset() == kinds.mended(KIND, aws, stack, resource, known)


def test_a_stopped_database_is_started(aws: Aws, stack: Stack, known: Known) -> None:
    """A database that somebody has stopped is a difference."""
    resource = wanted()
    kinds.made(KIND, aws, stack, resource, known)
    aws.call("rds", "stop_db_instance", DBInstanceIdentifier="shop-main")

    assert differing(aws, stack, resource, known) == {"DBInstanceStatus"}
    assert frozenset() == kinds.mended(KIND, aws, stack, resource, known)


def test_a_minor_upgrade_by_rds_is_no_difference(aws: Aws, stack: Stack, known: Known) -> None:
    """The spec says 16: RDS chooses which."""
    resource = wanted()
    kinds.made(KIND, aws, stack, resource, known)
    inside().engine_version = "16.9"

    assert differing(aws, stack, resource, known) == set()


def test_mending_after_a_lost_answer_leaves_to_rds_what_is_rdss(aws: Aws, stack: Stack, known: Known) -> None:
    """Whoever goes on with a database that is there asks neither for an older version nor for less storage."""
    resource = wanted()
    before = kinds.made(KIND, aws, stack, resource, known)
    inside().engine_version, inside().allocated_storage = "16.9", 60

    KIND.change(
        aws,
        stack,
        kinds.ready(resource, stack, known),
        before=replace(before, fields={**before.fields, "AllocatedStorage": 60}),
        paths=frozenset({"AllocatedStorage", "EngineVersion.Minor"}),
    )

    assert (inside().engine_version, inside().allocated_storage) == ("16.9", 60)


def test_a_pinned_minor_version_is_compared_and_upgraded_but_never_downgraded(
    aws: Aws, stack: Stack, known: Known
) -> None:
    """Who names a minor version gets that one, and RDS upgrades no more by itself."""
    resource = wanted(engine_version="16.4")
    kinds.made(KIND, aws, stack, resource, known)
    assert resource.fields["AutoMinorVersionUpgrade"] is False

    inside().engine_version = "16.3"
    assert differing(aws, stack, resource, known) == {"EngineVersion.Minor"}
    assert frozenset() == kinds.mended(KIND, aws, stack, resource, known)

    inside().engine_version = "16.9"
    with pytest.raises(UsageError, match=r"cannot go back to 16\.4"):
        kinds.mended(KIND, aws, stack, resource, known)


def test_a_major_upgrade_is_asked_for_by_its_name(aws: Aws, stack: Stack, known: Known) -> None:
    """RDS wants to be told that a major upgrade is meant."""
    kinds.made(KIND, aws, stack, wanted(engine_version="15"), known)
    inside().engine_version = "15.9"
    resource = wanted()

    assert differing(aws, stack, resource, known) == {"EngineVersion.Major"}
    kinds.mended(KIND, aws, stack, resource, known)

    assert inside().engine_version == "16"
    assert vars(inside())["allow_major_version_upgrade"] is True


def test_storage_that_rds_has_grown_is_no_difference(aws: Aws, stack: Stack, known: Known) -> None:
    """Within the limit the size is RDS's."""
    resource = wanted()
    kinds.made(KIND, aws, stack, resource, known)
    inside().allocated_storage = 60

    assert differing(aws, stack, resource, known) == set()


def test_storage_without_a_limit_is_the_specs_and_can_only_grow(aws: Aws, stack: Stack, known: Known) -> None:
    """Where RDS does not grow it, the spec does; nobody can shrink it."""
    kinds.made(KIND, aws, stack, wanted(storage_limit=0), known)
    larger = wanted(storage=50, storage_limit=0)

    assert differing(aws, stack, larger, known) == {"AllocatedStorage"}
    assert frozenset() == kinds.mended(KIND, aws, stack, larger, known)
    with pytest.raises(UsageError, match="cannot shrink to 20"):
        kinds.mended(KIND, aws, stack, wanted(storage_limit=0), known)


def test_growing_can_be_switched_off(aws: Aws, stack: Stack, known: Known) -> None:
    """A limit of 0 takes the limit away."""
    kinds.made(KIND, aws, stack, wanted(), known)
    fixed = wanted(storage_limit=0)

    assert differing(aws, stack, fixed, known) == {"MaxAllocatedStorage"}
    assert frozenset() == kinds.mended(KIND, aws, stack, fixed, known)


def test_what_rds_is_about_to_change_counts_as_changed_and_is_waited_for(aws: Aws, stack: Stack, known: Known) -> None:
    """A second plan is quiet; the change is done when nothing is pending."""
    found = kinds.made(KIND, aws, stack, wanted(), known)
    inside().pending_modified_values = {"DBInstanceClass": "db.m7g.large"}  # type: ignore[attr-defined]

    assert differing(aws, stack, wanted(instance="db.m7g.large"), known) == set()
    assert KIND.waiting(aws, stack, found.attributes) == "RDS has still to change DBInstanceClass"


def test_all_pending_values_are_laid_over_what_is() -> None:
    """Version, logs and subnets are pending in shapes of their own."""
    row = {
        "EngineVersion": "16.4",
        "EnabledCloudwatchLogsExports": ["postgresql"],
        "DBSubnetGroup": {"DBSubnetGroupName": "old"},
        "PendingModifiedValues": {
            "EngineVersion": "17.2",
            "IAMDatabaseAuthenticationEnabled": True,
            "DBSubnetGroupName": "new",
            "PendingCloudwatchLogsExports": {"LogTypesToEnable": ["upgrade"], "LogTypesToDisable": ["postgresql"]},
        },
    }

    fields = _rds.fields_of(row)

    assert fields["EngineVersion"] == {"Major": "17", "Minor": "2"}
    assert fields["EnableCloudwatchLogsExports"] == ("upgrade",)
    assert fields["EnableIAMDatabaseAuthentication"] is True
    assert fields["DBSubnetGroupName"] == "new"


@pytest.mark.parametrize(
    ("status", "words"),
    [("creating", "it is creating"), ("modifying", "it is modifying"), ("storage-optimization", ""), ("available", "")],
)
def test_waiting_tells_what_rds_does(aws: Aws, stack: Stack, known: Known, status: str, words: str) -> None:
    """It can be used before storage is optimised, not before it is made."""
    found = kinds.made(KIND, aws, stack, wanted(), known)
    inside().status = status

    assert KIND.waiting(aws, stack, found.attributes) == words


@pytest.mark.parametrize("status", ["failed", "incompatible-parameters", "storage-full"])
def test_a_failed_database_is_not_waited_for(aws: Aws, stack: Stack, known: Known, status: str) -> None:
    """Time does not mend it, and a plan shows it."""
    found = kinds.made(KIND, aws, stack, wanted(), known)
    inside().status = status

    with pytest.raises(DeployError, match=f"shop-main is {status}"):
        KIND.waiting(aws, stack, found.attributes)
    assert differing(aws, stack, wanted(), known) == {"DBInstanceStatus"}


def test_an_interrupted_creation_is_seen_and_waited_for(aws: Aws, stack: Stack, known: Known) -> None:
    """While RDS still makes it, nobody knows its address: the next run waits for that."""
    resource = wanted()
    kinds.made(KIND, aws, stack, resource, known)
    inside().status = "creating"
    polls = []

    def sleep(seconds: float) -> None:
        polls.append(seconds)
        inside().status = "available"

    assert differing(aws, stack, resource, known) == {"DBInstanceStatus"}
    assert frozenset() == kinds.mended(KIND, replace(aws, sleep=sleep), stack, resource, known)
    assert len(polls) == 1


def test_create_goes_on_with_a_database_that_is_there(aws: Aws, stack: Stack, known: Known) -> None:
    """Creating twice is creating once."""
    kinds.made(KIND, aws, stack, wanted(), known)
    kinds.made(KIND, aws, stack, wanted(), known)

    assert len(kinds.all_seen(KIND, aws, stack)) == 1


def test_a_database_of_somebody_else_is_neither_seen_nor_taken(aws: Aws, stack: Stack, known: Known) -> None:
    """The name alone does not make it ours."""
    resource = kinds.ready(wanted(), stack, known)
    KIND.create(aws, stack, replace(resource, tags={**resource.tags, STACK_TAG: "other"}))

    assert kinds.all_seen(KIND, aws, stack) == {}
    with pytest.raises(DeployError, match="belongs to somebody else"):
        KIND.create(aws, stack, resource)


def test_a_database_takes_new_tags(aws: Aws, stack: Stack, known: Known) -> None:
    """A changed owner is written onto what exists."""
    before = kinds.made(KIND, aws, stack, wanted(), known)

    KIND.retag(aws, stack, before, {**(before.tags or {}), "owner": "payments"})

    assert (kinds.seen(KIND, aws, stack, "main").tags or {})["owner"] == "payments"


def test_a_protected_database_is_not_deleted(aws: Aws, stack: Stack, known: Known) -> None:
    """Protection that the same command takes off protects from nothing; somebody else may have put it on, too."""
    before = kinds.made(KIND, aws, stack, wanted(), known)

    with pytest.raises(DeployError, match="protected") as caught:
        KIND.delete(aws, stack, before)
    assert "database.protected = false" in caught.value.hint
    assert inside().deletion_protection
    assert aws.calls["rds:DeleteDBInstance"] == aws.calls["rds:ModifyDBInstance"] == 0

    kinds.mended(KIND, aws, stack, wanted(protected=False), known)
    kinds.delete(KIND, aws, stack, "main")
    assert kinds.all_seen(KIND, aws, stack) == {}


def test_deleting_leaves_a_snapshot_each_time(aws: Aws, stack: Stack, known: Known) -> None:
    """A stack that is built and destroyed twice leaves two snapshots."""
    for _ in range(2):
        kinds.made(KIND, aws, stack, wanted(protected=False), known)
        kinds.delete(KIND, aws, stack, "main")

    assert kinds.all_seen(KIND, aws, stack) == {}
    snapshots = aws.call("rds", "describe_db_snapshots")["DBSnapshots"]
    assert [one["DBSnapshotIdentifier"] for one in snapshots] == ["shop-main-final-1", "shop-main-final-2"]


def test_a_database_that_is_being_deleted_is_not_seen(aws: Aws, stack: Stack, known: Known) -> None:
    """It is on its way; deleting it again is no error, and it is waited for."""
    before = kinds.made(KIND, aws, stack, wanted(), known)
    inside().status = "deleting"

    assert kinds.all_seen(KIND, aws, stack) == {}
    KIND.delete(aws, stack, before)
    assert KIND.leaving(aws, stack, before) == "it is deleting"
    assert aws.calls["rds:DeleteDBInstance"] == 0


def test_a_database_of_which_no_snapshot_can_be_taken_is_left_to_a_human(aws: Aws, stack: Stack, known: Known) -> None:
    """Nothing is deleted without a snapshot."""
    before = kinds.made(KIND, aws, stack, wanted(protected=False), known)
    inside().status = "incompatible-network"

    with pytest.raises(DeployError, match="no final snapshot") as caught:
        KIND.delete(aws, stack, before)
    assert "console" in caught.value.hint
    assert kinds.all_seen(KIND, aws, stack).keys() == {"main"}


def test_what_never_comes_is_given_up(aws: Aws, stack: Stack, known: Known) -> None:
    """An hour is enough."""
    kinds.made(KIND, aws, stack, wanted(), known)
    inside().status = "deleting"

    with pytest.raises(AwsError, match="TimedOut"):
        KIND.create(aws, stack, kinds.ready(wanted(), stack, known))
