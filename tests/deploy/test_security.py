"""Security findings: every id has a resource that passes and one that fails; waivers have reasons and are used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from obskit.deploy.desired import desired
from obskit.deploy.resource import Join, Ref, Resource
from obskit.deploy.resources import kinds
from obskit.deploy.security import SecurityFinding, all_checks, findings
from obskit.deploy.security._waivers import DEFAULT_WAIVERS
from obskit.deploy.security.credentials import credential
from obskit.deploy.spec import Database, Entry, Network, StackSpec, Telemetry, Waiver
from tests.support.stack import PLACE, example_spec

#: All that the facts of ECS name, for kinds that a stack has or might have.
IDS = (
    *(f"ECS.{n}" for n in (2, 3, 4, 5, 8, 9, 10, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21)),
    *(f"CKV_AWS_{n}" for n in (65, 97, 223, 224, 249, 332, 333, 334, 335, 336, 42, 184, 329, 330)),
    *(f"CKV_AWS_{n}" for n in (2, 91, 103, 131, 150, 261, 328, 376, 378, 51, 136, 163, 32, 66, 158, 338)),
    *(f"CKV_AWS_{n}" for n in (149, 304, 16, 17, 118, 129, 133, 157, 161, 211, 353, 354, 23, 130)),
    *(f"CKV2_AWS_{n}" for n in (20, 28, 74, 76, 57, 60, 69, 5, 11, 12, 38, 39)),
)
#: What the strictest spec cannot meet, because obskit decides it: all of it waived by obskit itself.
STRICT = example_spec(
    database=Database(replica=True),
    entry=Entry(protected=True, access_logs=True),
    network=Network(flow_logs=True),
    telemetry=Telemetry(log_days=365),
)


@cache
def wanted() -> dict[str, Resource]:
    """Return the resources of the strictest spec by address."""
    return {one.address: one for one in desired(STRICT, PLACE, kinds())}


def put(fields: Mapping[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    """Return fields with another value at a path."""
    head, *rest = path
    inner = fields.get(head)
    return {**fields, head: put(inner if isinstance(inner, Mapping) else {}, tuple(rest), value) if rest else value}


def changed(address: str, path: tuple[str, ...], value: Any) -> list[Resource]:
    """Return all resources, one of them with another value at a path of its fields."""
    one = wanted()[address]
    return list((wanted() | {address: replace(one, fields=put(one.fields, path, value))}).values())


def states(found: Iterable[SecurityFinding], number: str, address: str) -> set[str]:
    """Return how a question came out for one resource."""
    return {finding.state for finding in found if finding.id == number and finding.address == address}


def test_every_id_of_the_list_is_asked() -> None:
    """None is left out in silence."""
    asked = {number for check in all_checks() for number in check.ids}

    assert set(IDS) - asked == set()


def test_no_id_is_asked_twice() -> None:
    """One id, one check; else two answers could contradict each other."""
    numbers = [number for check in all_checks() for number in check.ids]

    assert len(numbers) == len(set(numbers))


def test_the_strictest_spec_fails_in_nothing() -> None:
    """What the spec can set is set, and what it cannot is waived with a reason."""
    found = findings(wanted().values())

    assert [(f.id, f.address, f.part, f.why) for f in found if f.state == "fail"] == []
    assert all("meant: " in f.why for f in found if f.state == "waived")
    assert all(f.why for f in found if f.state == "not applicable")


@pytest.mark.parametrize("waiver", DEFAULT_WAIVERS, ids=lambda waiver: f"{waiver.id} {waiver.resource}")
def test_everything_that_obskit_waives_would_fail(waiver: Waiver) -> None:
    """A waiver that is needed no more goes."""
    found = findings(wanted().values(), [waiver], defaults=())

    assert any(f.state == "waived" for f in found)
    assert all(f.state != "unused waiver" for f in found)


def test_a_plain_spec_is_told_which_keys_to_set() -> None:
    """A finding that the spec can mend names the key."""
    found = findings(desired(example_spec(), PLACE, kinds()))

    todo = {finding.todo for finding in found if finding.state == "fail"}
    assert todo == {
        "set network.flow_logs = true",
        "set entry.access_logs = true",
        "set entry.protected = true",
        "set database.replica = true; it doubles the price",
        "set telemetry.log_days to 365 or more",
    }


OPEN = {"CidrIp": "0.0.0.0/0", "Description": "x", "FromPort": 22, "IpProtocol": "tcp", "ToPort": 22}
EFS = {"efsVolumeConfiguration": {"transitEncryption": "DISABLED"}}
ANYBODY = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
APP = "task_definition.demo-app"
CONTAINER = ("containers", "app")
BALANCER = "load_balancer.main"
BAD: list[tuple[str, str, tuple[str, ...], Any]] = [
    ("ECS.2", "service.demo-app", ("networkConfiguration", "assignPublicIp"), "ENABLED"),
    ("ECS.3", APP, ("pidMode",), "host"),
    ("ECS.4", APP, (*CONTAINER, "privileged"), True),
    ("ECS.5", APP, (*CONTAINER, "readonlyRootFilesystem"), False),
    ("ECS.8", APP, (*CONTAINER, "environment", "AWS_SECRET_ACCESS_KEY"), "x"),
    ("ECS.9", APP, (*CONTAINER, "logConfiguration"), None),
    ("ECS.10", "service.demo-app", ("platformVersion",), "1.3.0"),
    ("ECS.12", "cluster.main", ("settings", "containerInsights"), "disabled"),
    ("ECS.17", APP, ("networkMode",), "host"),
    ("ECS.18", APP, ("volumes", "tmp"), EFS),
    ("ECS.20", APP, (*CONTAINER, "user"), "root"),
    ("ECS.20", APP, (*CONTAINER, "user"), "0:1000"),
    ("ECS.20", APP, (*CONTAINER, "user"), None),
    ("CKV_AWS_249", APP, ("taskRoleArn",), Ref("role.execution", "arn")),
    ("CKV_AWS_223", "service.demo-app", ("enableExecuteCommand",), True),
    ("CKV_AWS_224", "service.demo-app", ("enableExecuteCommand",), True),
    ("CKV_AWS_2", "listener.http", ("DefaultActions", "1"), {"Type": "forward"}),
    ("CKV2_AWS_20", "listener.http", ("DefaultActions", "1", "RedirectConfig", "Protocol"), "HTTP"),
    ("CKV_AWS_103", "listener.https", ("SslPolicy",), "ELBSecurityPolicy-2016-08"),
    ("CKV2_AWS_74", "listener.https", ("SslPolicy",), "ELBSecurityPolicy-TLS13-1-2-Ext2-2021-06"),
    ("CKV_AWS_131", BALANCER, ("Attributes", "routing.http.drop_invalid_header_fields.enabled"), "false"),
    ("CKV_AWS_91", BALANCER, ("Attributes", "access_logs.s3.enabled"), None),
    ("CKV_AWS_150", BALANCER, ("Attributes", "deletion_protection.enabled"), "false"),
    ("CKV_AWS_328", BALANCER, ("Attributes", "routing.http.desync_mitigation_mode"), "monitor"),
    ("ELB.13", BALANCER, ("Subnets",), {"public-1": "subnet"}),
    ("CKV_AWS_261", "target_group.demo-app", ("HealthCheckPath",), None),
    ("CKV_AWS_51", "repository.demo-app", ("imageTagMutability",), "MUTABLE"),
    ("CKV_AWS_163", "repository.demo-app", ("imageScanningConfiguration", "scanOnPush"), False),
    ("CKV_AWS_32", "repository.demo-app", ("repositoryPolicy",), {"Statement": {"x": ANYBODY}}),
    ("ECR.3", "repository.demo-app", ("lifecyclePolicy",), None),
    ("CKV_AWS_66", "log_group.events", ("retentionInDays",), None),
    ("CKV_AWS_338", "log_group.events", ("retentionInDays",), 364),
    ("CKV_AWS_16", "database.main", ("StorageEncrypted",), False),
    ("CKV_AWS_17", "database.main", ("PubliclyAccessible",), True),
    ("CKV_AWS_129", "database.main", ("EnableCloudwatchLogsExports",), ("upgrade",)),
    ("CKV_AWS_133", "database.main", ("BackupRetentionPeriod",), 0),
    ("RDS.11", "database.main", ("BackupRetentionPeriod",), 6),
    ("CKV_AWS_157", "database.main", ("MultiAZ",), False),
    ("CKV_AWS_211", "database.main", ("CACertificateIdentifier",), "rds-ca-2019"),
    ("CKV_AWS_226", "database.main", ("AutoMinorVersionUpgrade",), False),
    ("CKV_AWS_293", "database.main", ("DeletionProtection",), False),
    ("CKV_AWS_353", "database.main", ("EnablePerformanceInsights",), False),
    ("CKV2_AWS_60", "database.main", ("CopyTagsToSnapshot",), False),
    ("CKV2_AWS_69", "db_parameter_group.main", ("Parameters", "rds.force_ssl"), "0"),
    ("CKV_AWS_23", "security_group.alb", ("Description",), ""),
    ("CKV_AWS_23", "security_group_rules.alb", ("Ingress", "x"), {"CidrIp": "10.0.0.0/8"}),
    ("CKV_AWS_130", "subnet.public-1", ("MapPublicIpOnLaunch",), True),
    ("CKV2_AWS_11", "flow_log.main", ("ResourceId",), Ref("subnet.public-1")),
    ("CKV2_AWS_12", "vpc.main", ("DefaultGroup", "Egress", "x"), OPEN),
    ("CKV2_AWS_12", "vpc.main", ("DefaultGroup",), None),
    ("EC2.18", "security_group_rules.demo-app", ("Ingress", "x"), OPEN),
    ("EC2.18", "security_group_rules.demo-app", ("Ingress", "x"), {"CidrIpv6": "::/0", "IpProtocol": "-1"}),
    ("CKV_AWS_24", "security_group_rules.demo-app", ("Ingress", "x"), OPEN),
    ("CKV_AWS_25", "security_group_rules.alb", ("Ingress", "x"), {"CidrIp": "0.0.0.0/0", "IpProtocol": "-1"}),
    ("CKV_AWS_260", "security_group_rules.demo-app", ("Ingress", "x"), {**OPEN, "FromPort": 1, "ToPort": 99}),
    ("CKV_AWS_382", "security_group_rules.alb", ("Egress", "x"), {"CidrIp": "0.0.0.0/0", "IpProtocol": "-1"}),
    ("S3.8", "bucket.loki", ("PublicAccessBlockConfiguration", "BlockPublicAcls"), False),
    ("CKV_AWS_70", "bucket.loki", ("Policy", "x"), ANYBODY),
    ("S3.5", "bucket.loki", ("Policy",), None),
    ("CKV_AWS_19", "bucket.loki", ("Encryption",), None),
    ("CKV_AWS_21", "bucket.config", ("Versioning",), None),
    ("S3.12", "bucket.loki", ("ObjectOwnership",), "ObjectWriter"),
    ("S3.13", "bucket.loki", ("LifecycleRules",), None),
    ("CKV_AWS_300", "bucket.loki", ("LifecycleRules", "abort-uploads"), {"Status": "Enabled"}),
    ("SQS.1", "queue.events", ("SqsManagedSseEnabled",), False),
    ("CKV_AWS_61", "role.execution", ("AssumeRolePolicyDocument", "Statement", "x"), ANYBODY),
    ("CKV_AWS_62", "role.execution", ("Policies", "x", "Statement", "x"), ANYBODY),
    ("CKV_AWS_63", "role.execution", ("Policies", "x", "Statement", "x"), ANYBODY),
    ("IAM.21", "role.execution", ("Policies", "x", "Statement", "x"), {**ANYBODY, "Action": ("s3:*", "a:b")}),
    ("CKV_AWS_274", "role.execution", ("ManagedPolicies",), ("arn:aws:iam::aws:policy/AdministratorAccess",)),
]
#: Fails at another resource than the one that was changed.
ELSEWHERE = {"CKV_AWS_223": "cluster.main", "CKV_AWS_224": "cluster.main", "CKV2_AWS_11": "vpc.main"}


@pytest.mark.parametrize(("number", "address", "path", "value"), BAD, ids=lambda v: v if isinstance(v, str) else "")
def test_a_bad_field_fails_with_a_reason_and_a_remedy(
    number: str, address: str, path: tuple[str, ...], value: Any
) -> None:
    """One field, one finding; the same id passed before."""
    where = ELSEWHERE.get(number, address)

    before = findings(wanted().values())
    after = findings(changed(address, path, value))

    assert "fail" not in states(before, number, where)
    failed = [finding for finding in after if finding.id == number and finding.state == "fail"]
    assert {finding.address for finding in failed} == {where}
    assert all(finding.why and finding.todo for finding in failed)


def test_every_id_can_fail() -> None:
    """A question that always passes is none: each has a bad example, or is waived, or is about what we lack."""
    bad = {number for number, *_ in BAD}
    waived = {waiver.id for waiver in DEFAULT_WAIVERS}
    absent = {finding.id for finding in findings(wanted().values()) if finding.state == "not applicable"}
    tagged = {"ECS.13", "ECS.14", "ECS.15", "CKV2_AWS_5"}  # have tests of their own

    for check in all_checks():
        assert {*check.ids} & (bad | waived | absent | tagged), check.ids


@pytest.mark.parametrize(("user", "state"), [("ContainerAdministrator", "fail"), ("ContainerUser", "pass")])
def test_on_windows_the_administrator_counts_as_root(user: str, state: str) -> None:
    """ECS.20 is about Linux, ECS.21 about Windows."""
    containers = {"app": {"user": user}}
    platform = {"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}
    task = Resource(kind="task_definition", name="w", fields={"containers": containers, "runtimePlatform": platform})

    found = findings([task])

    assert states(found, "ECS.21", "task_definition.w") == {state}
    assert states(found, "ECS.20", "task_definition.w") == {"not applicable"}


def test_resources_without_tags_fail() -> None:
    """Security Hub wants a tag on services, clusters and task definitions."""
    bare = [replace(resource, tags={}) for resource in wanted().values()]

    found = findings(bare)

    assert states(found, "ECS.13", "service.demo-app") == {"fail"}
    assert states(found, "ECS.14", "cluster.main") == {"fail"}
    assert states(found, "ECS.15", APP) == {"fail"}


def test_a_security_group_that_nothing_uses_fails() -> None:
    """Its rules do not count as use."""
    extra = Resource(kind="security_group", name="idle", fields={"Description": "x"})
    rules = Resource(kind="security_group_rules", name="idle", fields={"GroupId": Ref("security_group.idle")})

    found = findings([*wanted().values(), extra, rules])

    assert states(found, "CKV2_AWS_5", "security_group.idle") == {"fail"}
    assert states(found, "CKV2_AWS_5", "security_group.alb") == {"pass"}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("AWS_ACCESS_KEY_ID=x", "aws-key"),
        ("DB_PASSWORD=hunter2", "password"),
        ("DATABASE_URL=postgres://app:hunter2@db:5432/app", "password"),
        ("STRIPE=sk_live_abcdefgh12345678", "token"),
        ("KEY=AKIAIOSFODNN7EXAMPLE", "aws-key"),
        ("API_TOKEN=abc", "token"),
        ("LOG_LEVEL=info", ""),
        ("DATABASE_URL=postgres://db:5432/app", ""),
        ("QUEUE=arn:aws:sqs:eu-west-1:123456789012:shop-events", ""),
        ("OWNER=team@example.com", ""),
        ("NOTE=the [password] was taken out", ""),
    ],
)
def test_a_credential_is_known_by_its_name_or_its_shape(text: str, kind: str) -> None:
    """Account numbers and addresses are none."""
    assert credential(text) == kind


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("environment", "DATABASE_URL"), "postgres://app:hunter2-secret@db/app"),
        (("environment", "DSN"), Join(("postgres://app:hunter2-secret@", Ref("database.main", "endpoint"), "/app"))),
        (("command",), ("serve", "--password", "hunter2-secret")),
        (("logConfiguration", "options", "Http_Passwd"), "hunter2-secret"),
    ],
)
def test_a_credential_is_found_wherever_it_stands_and_never_shown(path: tuple[str, ...], value: Any) -> None:
    """Variables, commands and log options can be read by everybody who may describe a task definition."""
    found = findings(changed(APP, (*CONTAINER, *path), value))

    (failed,) = [finding for finding in found if finding.id == "ECS.8" and finding.state == "fail"]
    assert failed.part == "containers.app"
    assert path[-1] in failed.why
    assert "hunter2-secret" not in repr(found)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("environment", "SECRET"), Ref("secret.database", "arn")),
        (("environment", "DATABASE_PASSWORD"), ""),
        (("command",), ("sh", "-c", "psql --password $PGPASSWORD -c \"ALTER ROLE app PASSWORD :'password'\"")),
    ],
)
def test_a_reference_to_a_credential_is_none(path: tuple[str, ...], value: Any) -> None:
    """ARNs and placeholders may stand everywhere."""
    assert states(findings(changed(APP, (*CONTAINER, *path), value)), "ECS.8", APP) == {"pass"}


def test_a_waiver_of_the_spec_turns_a_failure_into_a_waived_finding_with_its_reason() -> None:
    """By id, and by a pattern of the address."""
    resources = changed("log_group.events", ("retentionInDays",), 30)
    waiver = Waiver(id="CKV_AWS_338", reason="events are in the bus for a year", resource="log_group.ev*")

    found = findings(resources, [waiver])

    assert states(found, "CKV_AWS_338", "log_group.events") == {"waived"}
    assert states(found, "CloudWatch.16", "log_group.events") == {"fail"}
    assert any("events are in the bus for a year" in f.why for f in found)


def test_a_waiver_can_mean_one_container() -> None:
    """The others of the task still count."""
    resources = changed(APP, (*CONTAINER, "user"), "0")
    waiver = Waiver(id="ECS.20", reason="legacy image", resource=f"{APP}.containers.app")

    found = findings(resources, [waiver])

    assert {f.state for f in found if f.id == "ECS.20" and f.part == "containers.app"} == {"waived"}
    assert {f.state for f in found if f.id == "ECS.20" and f.part == "containers.ecs-exporter"} == {"pass"}


@pytest.mark.parametrize(
    "waiver",
    [
        Waiver(id="CKV_AWS_338", reason="old", resource="log_group.gone"),
        Waiver(id="CKV_AWS_9999", reason="a slip of the pen"),
        Waiver(id="CKV_AWS_16", reason="it passes anyway"),
    ],
)
def test_a_waiver_that_waives_nothing_is_reported(waiver: Waiver) -> None:
    """Else a waiver outlives its reason and hides the next failure."""
    found = findings(wanted().values(), [waiver])

    (unused,) = [finding for finding in found if finding.state == "unused waiver"]
    assert unused.id == waiver.id
    assert unused.address == waiver.resource
    assert waiver.reason in unused.why


def test_findings_are_in_order_of_ids_as_people_count() -> None:
    """ECS.9 comes before ECS.10; twice asked is twice the same."""
    found = findings(wanted().values())
    numbers = list(dict.fromkeys(f.id for f in found if f.id.startswith("ECS.")))

    assert numbers == sorted(numbers, key=lambda number: int(number.partition(".")[2]))
    assert found == findings(reversed(list(wanted().values())))


def test_a_question_about_what_the_stack_lacks_is_moot_and_says_so(spec: StackSpec) -> None:
    """No data is not a pass."""
    found = findings(desired(replace(spec, database=None), PLACE, kinds()))

    (moot,) = [finding for finding in found if finding.id == "CKV_AWS_16"]
    assert moot.state == "not applicable"
    assert moot.why == "the stack has no database"
