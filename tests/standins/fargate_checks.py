"""What ECS refuses when a service is created or updated.

The words are AWS's as public issue threads show them; moto 5.2.5 checks the cluster, the revision and the subnets only.
"""

from __future__ import annotations

from typing import Any

from moto.ecs.exceptions import EcsClientException, InvalidParameterException

from tests.standins.aws import Row
from tests.standins.fargate_world import World


def check_service(world: World, cluster: Any, row: Row) -> None:
    """Refuse a service that ECS refuses; fill in the task definition's ARN and the network's defaults.

    Args:
        world: What is there.
        cluster: moto's.
        row: The service that is to be.
    """
    if row.get("launchType") and row.get("capacityProviderStrategy"):
        raise InvalidParameterException(
            "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again."
        )
    for provider in row.get("capacityProviderStrategy") or ():
        if provider["capacityProvider"] not in (cluster.capacity_providers or ()):
            raise InvalidParameterException(
                "The specified capacity provider strategy cannot contain a capacity provider that is not associated "
                "with the cluster. Associate the capacity provider with the cluster and try again."
            )
    definition = world.ecs.describe_task_definition(row["taskDefinition"])
    if definition.status != "ACTIVE":
        raise EcsClientException("TaskDefinition is inactive")
    row["taskDefinition"] = definition.arn
    check_network(world, row)
    if row.get("healthCheckGracePeriodSeconds") and not row["loadBalancers"]:
        raise InvalidParameterException(
            "Health check grace period is only valid for services configured to use load balancers"
        )
    if row["enableExecuteCommand"] and not getattr(definition, "task_role_arn", ""):
        raise InvalidParameterException(
            "The service couldn't be created because a valid taskRoleArn is not being used. Specify a valid task role "
            "in your task definition and try again."
        )
    for balancer in row["loadBalancers"]:
        _check_balancer(world, definition, balancer)
    for registry in row["serviceRegistries"]:
        if registry["registryArn"].rsplit("/", 1)[-1] not in world.discovery.services:
            raise InvalidParameterException(f"Service registry {registry['registryArn']} could not be found.")


def check_network(world: World, row: Row) -> None:
    """Refuse a network that does not exist."""
    network = (row.get("networkConfiguration") or {}).get("awsvpcConfiguration")
    if not network:
        raise InvalidParameterException(
            "Network Configuration must be provided when networkMode 'awsvpc' is specified."
        )
    network.setdefault("assignPublicIp", "DISABLED")
    network.setdefault("securityGroups", [])
    known = {identity for zone in world.ec2.subnets.values() for identity in zone}
    for subnet in network["subnets"]:
        if subnet not in known:
            raise InvalidParameterException(
                f"Error retrieving subnet information for [{subnet}]: The subnet ID '{subnet}' does not exist "
                "(ErrorCode: InvalidSubnetID.NotFound)"
            )
    for group in network["securityGroups"]:
        if world.ec2.get_security_group_from_id(group) is None:
            raise InvalidParameterException(
                f"Error retrieving security group information for [{group}]: The security group '{group}' does not "
                "exist (ErrorCode: InvalidGroup.NotFound)"
            )


def _check_balancer(world: World, definition: Any, balancer: Row) -> None:
    arn = balancer.get("targetGroupArn", "")
    group = world.elb.target_groups.get(arn)
    if group is None:
        raise InvalidParameterException(
            f"Unable to assume role and validate the specified targetGroupArn {arn}: target group not found."
        )
    if not world.elb._any_listener_using(arn):
        raise InvalidParameterException(
            f"The target group with targetGroupArn {arn} does not have an associated load balancer."
        )
    if group.target_type != "ip":
        raise InvalidParameterException(
            f"The provided target group {arn} has target type {group.target_type}, which is incompatible with the "
            "awsvpc network mode specified in the task definition."
        )
    name, port = balancer["containerName"], int(balancer["containerPort"])
    container = next((c for c in definition.container_definitions if c["name"] == name), None)
    if container is None:
        raise InvalidParameterException(f"The container {name} does not exist in the task definition.")
    if port not in (mapping["containerPort"] for mapping in container["portMappings"]):
        raise InvalidParameterException(f"The container {name} did not have a container port {port} defined.")
