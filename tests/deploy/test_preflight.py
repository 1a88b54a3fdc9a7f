"""What would stop a plan half-way is known before its first step."""

from __future__ import annotations

from dataclasses import replace

import pytest

from obskit.deploy.aws import Aws
from obskit.deploy.plan import Plan, Step
from obskit.deploy.preflight import problems, protected, unprotect
from obskit.deploy.resource import Observed, Resource, Stack
from obskit.deploy.spec import StackSpec
from tests.support.stack import DOMAIN, PLACE

ALIAS = Resource(kind="dns_record", name=DOMAIN, fields={"Name": DOMAIN, "Type": "A"})
VALIDATION = Resource(kind="dns_record", name=f"validation-{DOMAIN}", fields={"Type": "CNAME"})
TASKS = Resource(kind="task_definition", name="demo-app", fields={})


def creating(*resources: Resource) -> Plan:
    """Return a plan that creates these."""
    return Plan(steps=tuple(Step(action="create", wanted=one) for one in resources))


def zone(aws: Aws, *records: dict[str, object]) -> None:
    """Make the zone of the domain, with records."""
    made = aws.call("route53", "create_hosted_zone", Name="example.com", CallerReference="1")["HostedZone"]["Id"]
    changes = [{"Action": "CREATE", "ResourceRecordSet": record} for record in records]
    if changes:
        aws.call("route53", "change_resource_record_sets", HostedZoneId=made, ChangeBatch={"Changes": changes})


def found(aws: Aws, spec: StackSpec, plan: Plan) -> list[tuple[str, str]]:
    """Return what each problem is about, and in which words."""
    return [(one.about, one.words) for one in problems(aws, spec, PLACE, plan)]


def test_a_name_without_a_zone_is_told_once(aws: Aws, spec: StackSpec) -> None:
    """Its validation record would fail for the same reason."""
    [(about, words)] = found(aws, spec, creating(VALIDATION, ALIAS))

    assert about == DOMAIN
    assert words.startswith("no public hosted zone of this account holds")


def test_why_no_zone_fits_is_said_as_any_error_is_on_one_line(aws: Aws, spec: StackSpec) -> None:
    """With what was asked for; what to do stands beside it."""
    asking = replace(spec, entry=replace(spec.entry, hosted_zone="Z123"))

    [problem] = problems(aws, asking, PLACE, creating(ALIAS))
    assert problem.words == f"no public hosted zone of this account holds {DOMAIN}; asked: Z123"
    assert "create a public hosted zone" in problem.hint


@pytest.mark.parametrize(("kind", "value"), [("A", "192.0.2.1"), ("CNAME", "elsewhere.example.net")])
def test_a_record_of_somebody_else_is_told(aws: Aws, spec: StackSpec, kind: str, value: str) -> None:
    """It would not be written over."""
    zone(aws, {"Name": DOMAIN, "Type": kind, "TTL": 60, "ResourceRecords": [{"Value": value}]})

    [(about, words)] = found(aws, spec, creating(VALIDATION, ALIAS))
    assert about == DOMAIN
    assert value in words


def test_what_is_beside_a_record_is_no_problem(aws: Aws, spec: StackSpec) -> None:
    """A text, and the alias that a former load balancer of the stack has left."""
    former = {
        "DNSName": "shop-main-123.eu-west-1.elb.amazonaws.com",
        "HostedZoneId": "Z1",
        "EvaluateTargetHealth": False,
    }
    text = {"Name": DOMAIN, "Type": "TXT", "TTL": 60, "ResourceRecords": [{"Value": '"x"'}]}
    zone(aws, text, {"Name": DOMAIN, "Type": "A", "AliasTarget": former})

    assert found(aws, spec, creating(VALIDATION, ALIAS)) == []


def test_a_secret_that_is_not_there_is_told_and_one_that_is_is_not(aws: Aws, spec: StackSpec) -> None:
    """Only of services whose tasks the plan touches."""
    application = replace(spec.applications[0], secrets=(("A", "there:key"), ("B", "missing"), ("C", "going")))
    asking = replace(spec, applications=(application,))
    for name in ("there", "going"):
        aws.call("secretsmanager", "create_secret", Name=name, SecretString="{}")
    aws.call("secretsmanager", "delete_secret", SecretId="going")

    told = [about for about, _ in found(aws, asking, creating(TASKS))]
    assert told == ["secret missing of demo-app", "secret going of demo-app"]
    assert found(aws, asking, creating()) == []


def test_protection_is_seen_before_anything_is_deleted(stack: Stack) -> None:
    """Of a database and of a load balancer, in deletions and in replacements."""
    database = Observed(kind="database", name="main", fields={"DeletionProtection": True}, attributes={})
    balancer = Observed(
        kind="load_balancer",
        name="main",
        fields={"Attributes": {"deletion_protection.enabled": "true"}},
        attributes={},
    )
    free = replace(database, fields={"DeletionProtection": False})
    steps = tuple(Step(action="delete", observed=one) for one in (balancer, free))

    assert protected(Plan(steps=(*steps, Step(action="replace", observed=database)))) == (balancer, database)
    assert protected(Plan(steps=(Step(action="change", observed=database),))) == ()


def test_protection_is_switched_off(aws: Aws) -> None:
    """As RDS then says."""
    aws.call(
        "rds",
        "create_db_instance",
        DBInstanceIdentifier="shop-main",
        DBInstanceClass="db.t4g.micro",
        Engine="postgres",
        AllocatedStorage=20,
        MasterUsername="app",
        MasterUserPassword="only-in-this-process",
        DeletionProtection=True,
    )
    unprotect(aws, Observed(kind="database", name="main", fields={}, attributes={"id": "shop-main"}))

    [row] = aws.call("rds", "describe_db_instances")["DBInstances"]
    assert row["DeletionProtection"] is False
