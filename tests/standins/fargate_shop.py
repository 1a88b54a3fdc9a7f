"""A small shop in the simulated Fargate, for the tests of the simulator itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from obskit.deploy.aws import Aws
from obskit.deploy.errors import AwsError
from tests.standins.fargate import Fargate
from tests.support.stack import REGION

GOOD, BAD = "repo/shop:1.0", "repo/shop:2.0"
BREAKER = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}


@dataclass
class Shop:
    """A cluster with one load-balanced service's surroundings.

    Attributes:
        aws: To ask and change it.
        fargate: The simulation.
        subnets, group, target_group, registry: What the service uses.
    """

    aws: Aws
    fargate: Fargate
    subnets: list[str]
    group: str
    vpc: str
    target_group: str
    registry: str
    balancer: str

    def ecs(self, method: str, **asked: Any) -> Any:
        """Call ECS."""
        return self.aws.call("ecs", method, **asked)

    def define(self, image: str, **changes: Any) -> str:
        """Register a revision that runs an image and a log router; returns its ARN."""
        program = {
            "name": "app",
            "image": image,
            "portMappings": [{"containerPort": 8080}],
            "environment": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
            **changes.pop("program", {}),
        }
        asked = {
            "family": "shop-app",
            "requiresCompatibilities": ["FARGATE"],
            "networkMode": "awsvpc",
            "cpu": "256",
            "memory": "512",
            "executionRoleArn": "arn:aws:iam::123456789012:role/execution",
            "taskRoleArn": "arn:aws:iam::123456789012:role/app",
            "containerDefinitions": [program, {"name": "router", "image": "router:1"}],
        }
        return str(self.ecs("register_task_definition", **asked | changes)["taskDefinition"]["taskDefinitionArn"])

    def asked(self, image: str = GOOD, **changes: Any) -> dict[str, Any]:
        """Return CreateService's arguments."""
        network = {"subnets": self.subnets, "securityGroups": [self.group], "assignPublicIp": "DISABLED"}
        asked = {
            "cluster": "shop",
            "serviceName": "app",
            "taskDefinition": self.define(image),
            "desiredCount": 2,
            "launchType": "FARGATE",
            "networkConfiguration": {"awsvpcConfiguration": network},
            "deploymentConfiguration": {"minimumHealthyPercent": 100, "maximumPercent": 200, **BREAKER},
        }
        return asked | changes

    def create(self, image: str = GOOD, **changes: Any) -> None:
        """Create the service."""
        self.ecs("create_service", **self.asked(image, **changes))

    def balanced(self) -> dict[str, Any]:
        """Return what puts the service behind the load balancer and into Cloud Map."""
        return {
            "loadBalancers": [{"targetGroupArn": self.target_group, "containerName": "app", "containerPort": 8080}],
            "serviceRegistries": [{"registryArn": self.registry}],
        }

    @property
    def service(self) -> dict[str, Any]:
        """The service as DescribeServices has it."""
        return dict(self.ecs("describe_services", cluster="shop", services=["app"])["services"][0])

    def tasks(self, status: str = "RUNNING") -> list[dict[str, Any]]:
        """Return its tasks."""
        arns = self.ecs("list_tasks", cluster="shop", serviceName="app", desiredStatus=status)["taskArns"]
        return list(self.ecs("describe_tasks", cluster="shop", tasks=arns)["tasks"]) if arns else []

    def health(self) -> set[tuple[str, str]]:
        """Return the addresses in the target group and their states."""
        found = self.aws.call("elbv2", "describe_target_health", TargetGroupArn=self.target_group)
        return {(row["Target"]["Id"], row["TargetHealth"]["State"]) for row in found["TargetHealthDescriptions"]}

    @property
    def messages(self) -> list[str]:
        """The service's events, newest first."""
        return [row["message"] for row in self.service["events"]]


def surroundings(fargate: Fargate, aws: Aws) -> Shop:
    """Make a network, a load balancer, a namespace and a cluster."""
    vpc = aws.call("ec2", "create_vpc", CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        aws.call("ec2", "create_subnet", VpcId=vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=f"{REGION}{zone}")
        for n, zone in enumerate("ab")
    ]
    ids = [row["Subnet"]["SubnetId"] for row in subnets]
    group = aws.call("ec2", "create_security_group", GroupName="app", Description="app", VpcId=vpc)["GroupId"]
    balancer = aws.call("elbv2", "create_load_balancer", Name="shop", Subnets=ids, SecurityGroups=[group])
    target = aws.call(
        "elbv2",
        "create_target_group",
        Name="app",
        Protocol="HTTP",
        Port=8080,
        VpcId=vpc,
        TargetType="ip",
        HealthCheckIntervalSeconds=10,
        HealthyThresholdCount=2,
        UnhealthyThresholdCount=2,
    )["TargetGroups"][0]["TargetGroupArn"]
    aws.call(
        "elbv2",
        "create_listener",
        LoadBalancerArn=balancer["LoadBalancers"][0]["LoadBalancerArn"],
        Protocol="HTTP",
        Port=80,
        DefaultActions=[{"Type": "forward", "TargetGroupArn": target}],
    )
    aws.call("servicediscovery", "create_private_dns_namespace", Name="shop.internal", Vpc=vpc)
    namespace = aws.call("servicediscovery", "list_namespaces")["Namespaces"][0]["Id"]
    registry = aws.call("servicediscovery", "create_service", Name="app", NamespaceId=namespace)["Service"]["Arn"]
    aws.call("ecs", "create_cluster", clusterName="shop", capacityProviders=["FARGATE", "FARGATE_SPOT"])
    arn = balancer["LoadBalancers"][0]["LoadBalancerArn"]
    return Shop(aws, fargate, ids, group, vpc, target, registry, arn)


def refused(call: Callable[[], Any]) -> str:
    """Return the code and words of AWS's refusal."""
    with pytest.raises(AwsError) as caught:
        call()
    return f"{caught.value.code}: {caught.value.message}"


def listening(shop: Shop) -> str:
    """Make a rule for ECS's events with a queue and a log group; returns the queue's URL."""
    queue = shop.aws.call("sqs", "create_queue", QueueName="events")["QueueUrl"]
    shop.aws.call("logs", "create_log_group", logGroupName="/aws/events/shop")
    shop.aws.call("events", "put_rule", Name="ecs", EventPattern=json.dumps({"source": ["aws.ecs"]}))
    targets = [
        {"Id": "queue", "Arn": f"arn:aws:sqs:{REGION}:123456789012:events"},
        {"Id": "logs", "Arn": f"arn:aws:logs:{REGION}:123456789012:log-group:/aws/events/shop"},
    ]
    shop.aws.call("events", "put_targets", Rule="ecs", Targets=targets)
    return str(queue)


def received(shop: Shop, queue: str) -> list[dict[str, Any]]:
    """Return all events in the queue."""
    found: list[dict[str, Any]] = []
    while rows := shop.aws.call("sqs", "receive_message", QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
        found += [json.loads(row["Body"]) for row in rows]
    return found
