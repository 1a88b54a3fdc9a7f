"""What people do to services, images, roles and secrets."""

from __future__ import annotations

import json
from typing import Any, Final

from tests.support.deployed import Deployed
from tests.support.drift import Drift, calls, of
from tests.support.stack import ACCOUNT, REGION


def another_definition(stack: Deployed) -> object:
    """Register a revision with more memory, as the console does, and let the service run it."""
    current = stack.id("task_definition.loki", "arn")
    answer = stack.by_hand("ecs", "describe_task_definition", taskDefinition=current, include=["TAGS"])
    row = {k: v for k, v in answer["taskDefinition"].items() if k in _REGISTERED}
    made = stack.by_hand("ecs", "register_task_definition", **row | {"memory": "4096"}, tags=answer["tags"])
    arn = made["taskDefinition"]["taskDefinitionArn"]
    return stack.by_hand("ecs", "update_service", cluster="shop", service="loki", taskDefinition=arn)


_REGISTERED: Final = (
    "family",
    "taskRoleArn",
    "executionRoleArn",
    "networkMode",
    "containerDefinitions",
    "volumes",
    "requiresCompatibilities",
    "cpu",
    "memory",
    "runtimePlatform",
    "ephemeralStorage",
)
_TARGET: Final[dict[str, Any]] = {
    "ServiceNamespace": "ecs",
    "ResourceId": "service/shop/demo-app",
    "ScalableDimension": "ecs:service:DesiredCount",
}

COMPUTE: Final = (
    Drift(
        "Container Insights switched off",
        "cluster.main",
        calls(
            "ecs",
            "update_cluster",
            cluster="shop",
            settings=[{"name": "containerInsights", "value": "disabled"}],
        ),
        ("settings.containerInsights",),
    ),
    Drift(
        "the circuit breaker switched off",
        "service.demo-app",
        calls(
            "ecs",
            "update_service",
            cluster="shop",
            service="demo-app",
            deploymentConfiguration={"deploymentCircuitBreaker": {"enable": False, "rollback": False}},
        ),
        (
            "deploymentConfiguration.deploymentCircuitBreaker.enable",
            "deploymentConfiguration.deploymentCircuitBreaker.rollback",
        ),
    ),
    Drift(
        "stopped",
        "service.prometheus",
        calls("ecs", "update_service", cluster="shop", service="prometheus", desiredCount=0),
        ("desiredCount",),
    ),
    Drift(
        "its owner renamed",
        "service.alloy",
        calls(
            "ecs",
            "tag_resource",
            resourceArn=of("service.alloy", "arn"),
            tags=[{"key": "owner", "value": "me"}],
        ),
        ("tags.owner",),
    ),
    Drift(
        "its owner renamed",
        "task_definition.grafana",
        calls(
            "ecs",
            "tag_resource",
            resourceArn=of("task_definition.grafana", "arn"),
            tags=[{"key": "owner", "value": "me"}],
        ),
        ("tags.owner",),
    ),
    Drift(
        "scaled further",
        "scaling_target.demo-app",
        calls("application-autoscaling", "register_scalable_target", **_TARGET, MaxCapacity=40),
        ("MaxCapacity",),
    ),
    Drift(
        "another target",
        "scaling_policy.demo-app-cpu",
        calls(
            "application-autoscaling",
            "put_scaling_policy",
            **_TARGET,
            PolicyName="shop-demo-app-cpu",
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration={
                "TargetValue": 90.0,
                "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"},
                "ScaleOutCooldown": 60,
                "ScaleInCooldown": 300,
                "DisableScaleIn": False,
            },
        ),
        ("TargetValue",),
    ),
    Drift(
        "deleted",
        "scaling_policy.demo-app-memory",
        calls("application-autoscaling", "delete_scaling_policy", **_TARGET, PolicyName="shop-demo-app-memory"),
        action="create",
    ),
    Drift(
        "tags can be moved",
        "repository.payments",
        calls("ecr", "put_image_tag_mutability", repositoryName="shop/payments", imageTagMutability="MUTABLE"),
        ("imageTagMutability",),
    ),
    Drift(
        "images kept for ever",
        "repository.demo-app",
        calls("ecr", "delete_lifecycle_policy", repositoryName="shop/demo-app"),
        ("lifecyclePolicy",),
    ),
    Drift(
        "opened to everybody",
        "repository.demo-app",
        calls(
            "ecr",
            "set_repository_policy",
            repositoryName="shop/demo-app",
            policyText=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [{"Sid": "All", "Effect": "Allow", "Principal": "*", "Action": "ecr:*"}],
                }
            ),
        ),
        ("repositoryPolicy",),
    ),
)


_ROLE: Final = f"shop-loki-{REGION}"
_ADMIN: Final = "arn:aws:iam::aws:policy/AmazonSSMReadOnlyAccess"

ACCESS: Final = (
    Drift(
        "a policy added",
        "role.loki",
        calls(
            "iam",
            "put_role_policy",
            RoleName=_ROLE,
            PolicyName="more",
            PolicyDocument=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [{"Sid": "All", "Effect": "Allow", "Action": "*", "Resource": "*"}],
                }
            ),
        ),
        ("Policies.more",),
    ),
    Drift(
        "its policy deleted",
        "role.loki",
        calls("iam", "delete_role_policy", RoleName=_ROLE, PolicyName="obskit"),
        ("Policies.obskit",),
    ),
    Drift(
        "a managed policy attached",
        "role.execution",
        calls("iam", "attach_role_policy", RoleName=f"shop-execution-{REGION}", PolicyArn=_ADMIN),
        ("ManagedPolicies",),
    ),
    Drift(
        "another service trusted",
        "role.payments",
        calls(
            "iam",
            "update_assume_role_policy",
            RoleName=f"shop-payments-{REGION}",
            PolicyDocument=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [
                        {
                            "Sid": "Trust",
                            "Effect": "Allow",
                            "Principal": {"Service": ["ecs-tasks.amazonaws.com", "ec2.amazonaws.com"]},
                            "Action": "sts:AssumeRole",
                            "Condition": {
                                "ArnLike": {"aws:SourceArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:*"},
                                "StringEquals": {"aws:SourceAccount": ACCOUNT},
                            },
                        }
                    ],
                }
            ),
        ),
        ("AssumeRolePolicyDocument.Statement.Trust.Principal.Service",),
    ),
    Drift(
        "its service untagged",
        "role.ci",
        calls("iam", "untag_role", RoleName=f"shop-ci-{REGION}", TagKeys=["service"]),
        ("tags.service",),
    ),
    Drift(
        "described otherwise",
        "secret.grafana",
        calls("secretsmanager", "update_secret", SecretId="shop/grafana", Description="mine"),
        ("Description",),
    ),
)
