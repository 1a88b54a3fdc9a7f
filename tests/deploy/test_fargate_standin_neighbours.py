"""The simulator itself: task definitions, and what the services beside ECS do over time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from obskit.deploy.aws import Aws
from tests.standins.fargate import Fargate
from tests.standins.fargate_shop import GOOD, Shop, refused, surroundings
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


def test_registering_fills_in_what_aws_fills_in(shop: Shop) -> None:
    """Host ports, protocols, probe times; the order of variables is not kept; numbers are never given again."""
    first = shop.define(GOOD, program={"healthCheck": {"command": ["CMD", "true"]}}, volumes=[{"name": "tmp"}])
    row = shop.ecs("describe_task_definition", taskDefinition=first)["taskDefinition"]
    program = row["containerDefinitions"][0]

    assert program["portMappings"] == [{"containerPort": 8080, "hostPort": 8080, "protocol": "tcp"}]
    assert [variable["name"] for variable in program["environment"]] == ["B", "A"]
    assert tuple(program["healthCheck"][key] for key in ("interval", "timeout", "retries")) == (30, 5, 3)
    assert row["volumes"] == [{"name": "tmp", "host": {}}]
    assert {"EC2", "FARGATE"} == set(row["compatibilities"])
    assert shop.fargate.began == row["registeredAt"]
    shop.ecs("deregister_task_definition", taskDefinition=first)
    shop.ecs("delete_task_definitions", taskDefinitions=[first])
    assert shop.define(GOOD).endswith(":2")


@pytest.mark.parametrize(
    "changes",
    [
        {"memory": "4096"},
        {"cpu": None},
        {"networkMode": "bridge"},
        {"executionRoleArn": None, "program": {"secrets": [{"name": "A", "valueFrom": "arn"}]}},
        {"ephemeralStorage": {"sizeInGiB": 10}},
        {"volumes": [{"name": "docker", "host": {"sourcePath": "/var/run/docker.sock"}}]},
        {"program": {"privileged": True}},
        {"program": {"dependsOn": [{"containerName": "none", "condition": "START"}]}},
        {"program": {"mountPoints": [{"sourceVolume": "none", "containerPath": "/x"}]}},
        {"program": {"portMappings": [{"containerPort": 80, "hostPort": 8080}]}},
        {"containerDefinitions": [{"name": "a", "image": "b", "essential": False}]},
    ],
    ids=str,
)
def test_fargate_refuses_what_it_cannot_run(shop: Shop, changes: dict[str, Any]) -> None:
    """Moto takes all of these."""
    assert "ClientException" in refused(lambda: shop.define(GOOD, **changes))


def test_a_certificate_is_issued_when_its_records_are_in_public_dns(shop: Shop) -> None:
    """Not by the passing of time; and the records are told a moment after the request."""
    zone = shop.fargate.zone("example.com")
    names = ["shop.example.com", "grafana.shop.example.com"]
    arn = shop.aws.call(
        "acm", "request_certificate", DomainName=names[0], SubjectAlternativeNames=names[1:], ValidationMethod="DNS"
    )["CertificateArn"]

    def look() -> Any:
        return shop.aws.call("acm", "describe_certificate", CertificateArn=arn)["Certificate"]

    assert not any("ResourceRecord" in row for row in look()["DomainValidationOptions"])
    shop.fargate.advance(3600)
    for row in look()["DomainValidationOptions"]:
        assert look()["Status"] == "PENDING_VALIDATION"
        record = {**row["ResourceRecord"], "TTL": 60}
        record["ResourceRecords"] = [{"Value": record.pop("Value")}]
        batch = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}]}
        shop.aws.call("route53", "change_resource_record_sets", HostedZoneId=zone, ChangeBatch=batch)

    assert look()["Status"] == "ISSUED"
    action = {"Type": "forward", "TargetGroupArn": shop.target_group}
    shop.aws.call(
        "elbv2",
        "create_listener",
        LoadBalancerArn=shop.balancer,
        Protocol="HTTPS",
        Port=443,
        Certificates=[{"CertificateArn": arn}],
        DefaultActions=[action],
    )
    assert "ResourceInUseException" in refused(lambda: shop.aws.call("acm", "delete_certificate", CertificateArn=arn))


def test_slow_things_are_slow(shop: Shop) -> None:
    """NAT gateways, load balancers and databases come and go over time."""
    address = shop.aws.call("ec2", "allocate_address", Domain="vpc")["AllocationId"]
    nat = shop.aws.call("ec2", "create_nat_gateway", SubnetId=shop.subnets[0], AllocationId=address)["NatGateway"]
    shop.aws.call(
        "rds", "create_db_subnet_group", DBSubnetGroupName="g", DBSubnetGroupDescription="g", SubnetIds=shop.subnets
    )
    shop.aws.call(
        "rds",
        "create_db_instance",
        DBInstanceIdentifier="d",
        DBInstanceClass="db.t4g.micro",
        Engine="postgres",
        AllocatedStorage=20,
        MasterUsername="u",
        MasterUserPassword="p" * 12,
        DBSubnetGroupName="g",
    )

    def states() -> tuple[str, str, str]:
        gateways = shop.aws.call("ec2", "describe_nat_gateways", NatGatewayIds=[nat["NatGatewayId"]])["NatGateways"]
        balancers = shop.aws.call("elbv2", "describe_load_balancers")["LoadBalancers"]
        databases = shop.aws.call("rds", "describe_db_instances")["DBInstances"]
        database = databases[0]["DBInstanceStatus"] if databases else "gone"
        return gateways[0]["State"], balancers[0]["State"]["Code"], database

    assert states() == ("pending", "provisioning", "creating")
    shop.fargate.advance(300)
    assert states() == ("available", "active", "available")
    assert shop.aws.call("rds", "describe_db_instances")["DBInstances"][0]["Endpoint"]["Address"]
    shop.aws.call("ec2", "delete_nat_gateway", NatGatewayId=nat["NatGatewayId"])
    shop.aws.call("rds", "delete_db_instance", DBInstanceIdentifier="d", SkipFinalSnapshot=True)
    assert states() == ("deleting", "active", "deleting")
    assert "InUse" in refused(lambda: shop.aws.call("ec2", "release_address", AllocationId=address))
    assert "InvalidDBSubnetGroupState" in refused(
        lambda: shop.aws.call("rds", "delete_db_subnet_group", DBSubnetGroupName="g")
    )
    shop.fargate.advance(300)
    assert states() == ("deleted", "active", "gone")
    shop.aws.call("ec2", "release_address", AllocationId=address)
    shop.aws.call("rds", "delete_db_subnet_group", DBSubnetGroupName="g")


def test_what_is_used_is_not_deleted(shop: Shop) -> None:
    """Groups, subnets, namespaces and discovery services; interfaces of a load balancer linger."""
    shop.create(**shop.balanced())
    shop.fargate.advance(60)
    group = partial(shop.aws.call, "ec2", "delete_security_group", GroupId=shop.group)
    subnet = partial(shop.aws.call, "ec2", "delete_subnet", SubnetId=shop.subnets[0])
    namespace = shop.aws.call("servicediscovery", "list_namespaces")["Namespaces"][0]["Id"]
    registry = shop.registry.rsplit("/", 1)[-1]

    assert "ResourceInUse" in refused(lambda: shop.aws.call("servicediscovery", "delete_namespace", Id=namespace))
    assert "ResourceInUse" in refused(lambda: shop.aws.call("servicediscovery", "delete_service", Id=registry))
    shop.ecs("delete_service", cluster="shop", service="app", force=True)
    shop.fargate.advance(400)
    assert "DependencyViolation" in refused(group)
    shop.aws.call("elbv2", "delete_load_balancer", LoadBalancerArn=shop.balancer)
    assert "DependencyViolation" in refused(subnet)
    shop.fargate.advance(30)
    group()
    subnet()
    shop.aws.call("servicediscovery", "delete_service", Id=registry)
    shop.aws.call("servicediscovery", "delete_namespace", Id=namespace)


def test_a_group_that_another_names_stays(shop: Shop) -> None:
    """Not so one that names only itself."""
    groups = [
        shop.aws.call("ec2", "create_security_group", GroupName=name, Description=name, VpcId=shop.vpc)["GroupId"]
        for name in ("caller", "called")
    ]
    pair = {"UserIdGroupPairs": [{"GroupId": groups[0]}]}
    rule = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, **pair}
    allow = partial(shop.aws.call, "ec2", "authorize_security_group_ingress", IpPermissions=[rule])
    allow(GroupId=groups[0])
    allow(GroupId=groups[1])
    delete = partial(shop.aws.call, "ec2", "delete_security_group")

    assert "DependencyViolation" in refused(partial(delete, GroupId=groups[0]))
    delete(GroupId=groups[1])
    delete(GroupId=groups[0])


def test_an_internet_gateway_stays_while_public_addresses_are_mapped(shop: Shop) -> None:
    """The load balancer has some."""
    gateway = shop.aws.call("ec2", "create_internet_gateway")["InternetGateway"]["InternetGatewayId"]
    shop.aws.call("ec2", "attach_internet_gateway", InternetGatewayId=gateway, VpcId=shop.vpc)
    detach = partial(shop.aws.call, "ec2", "detach_internet_gateway", InternetGatewayId=gateway, VpcId=shop.vpc)

    assert "DependencyViolation" in refused(detach)
    shop.aws.call("elbv2", "delete_load_balancer", LoadBalancerArn=shop.balancer)
    detach()


def test_a_load_balancer_of_the_same_name_and_settings_is_the_first_one(shop: Shop) -> None:
    """Other settings are refused."""
    make = partial(shop.aws.call, "elbv2", "create_load_balancer", Name="shop", Subnets=shop.subnets)

    assert shop.balancer == make(SecurityGroups=[shop.group])["LoadBalancers"][0]["LoadBalancerArn"]
    assert "DuplicateLoadBalancerName" in refused(partial(make, SecurityGroups=[]))


def test_a_bucket_that_denies_plain_http_takes_objects_over_tls(shop: Shop) -> None:
    """All calls count as TLS; a denial without that condition is a denial."""
    where = {"LocationConstraint": REGION}
    shop.aws.call("s3", "create_bucket", Bucket="shop-config", CreateBucketConfiguration=where)
    statement = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::shop-config/*"}
    plain = statement | {"Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    put = partial(shop.aws.call, "s3", "put_object", Bucket="shop-config", Key="a", Body=b"a")

    def govern(rule: dict[str, Any]) -> None:
        policy = json.dumps({"Version": "2012-10-17", "Statement": [rule]})
        shop.aws.call("s3", "put_bucket_policy", Bucket="shop-config", Policy=policy)

    govern(plain)
    assert put()["ETag"]
    govern(statement)
    assert refused(put).startswith("403")


def test_managed_policies_exist(shop: Shop) -> None:
    """Those that a task's roles name."""
    policy = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
    assert policy == shop.aws.call("iam", "get_policy", PolicyArn=policy)["Policy"]["Arn"]


def test_the_simulation_can_be_served_and_time_can_pass_with_each_call() -> None:
    """For programs in other processes, and for waiters that sleep for real."""
    import boto3

    with Fargate(seconds_a_call=5).served() as url:
        ecs = boto3.Session(region_name=REGION, aws_access_key_id="a", aws_secret_access_key="b").client(
            "ecs", endpoint_url=url
        )
        ecs.create_cluster(clusterName="shop")
        clusters = ecs.describe_clusters(clusters=["shop"])["clusters"]

    assert clusters[0]["status"] == "ACTIVE"
