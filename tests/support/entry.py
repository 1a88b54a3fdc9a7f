"""What the tests of the way in share: a stack with two applications, and its network in moto."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from obskit.deploy.aws import Aws
from obskit.deploy.resource import Kind, Resource
from obskit.deploy.spec import Application, StackSpec
from tests.support.kinds import Known, birth
from tests.support.stack import PLACE, example_spec

PAYMENTS = Application(name="payments", image="1.0.0", path="/payments/*", host="api.shop.example.com")


def shop(**changes: Any) -> StackSpec:
    """Return a stack with a default application, one with a host of its own, and the watchers."""
    return example_spec(**{"applications": (*example_spec().applications, PAYMENTS), **changes})


def network(aws: Aws) -> Known:
    """Create what a load balancer stands in, by few calls, and return what is known then."""
    vpc = aws.call("ec2", "create_vpc", CidrBlock="10.40.0.0/16")["Vpc"]["VpcId"]
    known = {"vpc.main": {"id": vpc}}
    for number in (1, 2):
        zone = PLACE.zones[number - 1]
        asked: dict[str, Any] = {"VpcId": vpc, "CidrBlock": f"10.40.{number}.0/24", "AvailabilityZone": zone}
        asked["TagSpecifications"] = birth("subnet", f"public-{number}")
        known[f"subnet.public-{number}"] = {"id": aws.call("ec2", "create_subnet", **asked)["Subnet"]["SubnetId"]}
    group = aws.call("ec2", "create_security_group", VpcId=vpc, GroupName="alb", Description="alb")["GroupId"]
    return {**known, "security_group.alb": {"id": group}}


def surroundings(aws: Aws) -> Known:
    """Create what a load balancer and its listeners refer to, and return what is known then."""
    asked: dict[str, Any] = {"DomainName": "shop.example.com", "ValidationMethod": "DNS"}
    arn = aws.call("acm", "request_certificate", **asked)["CertificateArn"]
    return {
        **network(aws),
        "certificate.main": {"arn": arn},
        "certificate_validation.main": {"arn": arn},
        "bucket.logs": {"name": "shop-logs"},
    }


def wanted(kind: Kind, spec: StackSpec) -> dict[str, Resource]:
    """Return what a spec wants of a kind, by name."""
    return {resource.name: resource for resource in kind.wanted(spec, PLACE)}


def with_fields(resource: Resource, **fields: Any) -> Resource:
    """Return a resource with some other fields."""
    return replace(resource, fields={**resource.fields, **fields})


def hosted_zone(aws: Aws, name: str, *, private: bool = False) -> str:
    """Create a hosted zone and return its id."""
    asked: dict[str, Any] = {"HostedZoneConfig": {"PrivateZone": private, "Comment": ""}}
    made = aws.call("route53", "create_hosted_zone", Name=name, CallerReference=f"{name}-{private}", **asked)
    return str(made["HostedZone"]["Id"]).rpartition("/")[2]


def records(aws: Aws, zone: str) -> dict[tuple[str, str], str]:
    """Return what a zone holds beside its own NS and SOA: (type, name) -> where it points."""
    rows: Iterable[Any] = aws.call("route53", "list_resource_record_sets", HostedZoneId=zone)["ResourceRecordSets"]
    found = {}
    for row in rows:
        if row["Type"] not in ("NS", "SOA"):
            values = [one["Value"] for one in row.get("ResourceRecords", ())]
            alias = row.get("AliasTarget", {}).get("DNSName", "")
            found[row["Type"], row["Name"].rstrip(".")] = alias or ", ".join(values)
    return found


def put_record(aws: Aws, zone: str, **record: Any) -> None:
    """Write a record past the kind."""
    batch = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}]}
    aws.call("route53", "change_resource_record_sets", HostedZoneId=zone, ChangeBatch=batch)
