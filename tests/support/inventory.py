"""All that an account holds, asked of AWS without any of obskit's code: what is there, not what obskit sees."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

#: From a service's name to boto3's client.
Clients = Callable[[str], Any]
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Listing:
    """One call that lists.

    Attributes:
        service, method, key: Which list of whose answer.
        identity: Key of a row; "" where rows are texts.
        there: Whether a row counts: what AWS still tells of though it is deleted does not.
        asked: The call's arguments.
    """

    service: str
    method: str
    key: str
    identity: str = ""
    there: Callable[[Row], bool] = lambda _: True
    asked: dict[str, Any] = field(default_factory=dict)


def _alive(key: str, *dead: str) -> Callable[[Row], bool]:
    return lambda row: row.get(key) not in dead


_ECS: Final = {"ServiceNamespace": "ecs"}
_LISTINGS: Final = (
    _Listing("ec2", "describe_vpcs", "Vpcs", "VpcId"),
    _Listing("ec2", "describe_subnets", "Subnets", "SubnetId"),
    _Listing("ec2", "describe_internet_gateways", "InternetGateways", "InternetGatewayId"),
    _Listing("ec2", "describe_addresses", "Addresses", "AllocationId"),
    _Listing("ec2", "describe_nat_gateways", "NatGateways", "NatGatewayId", _alive("State", "deleted")),
    _Listing("ec2", "describe_route_tables", "RouteTables", "RouteTableId"),
    _Listing("ec2", "describe_security_groups", "SecurityGroups", "GroupId"),
    _Listing("ec2", "describe_security_group_rules", "SecurityGroupRules", "SecurityGroupRuleId"),
    _Listing("ec2", "describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId", _alive("State", "deleted")),
    _Listing("ec2", "describe_flow_logs", "FlowLogs", "FlowLogId"),
    _Listing("ec2", "describe_network_interfaces", "NetworkInterfaces", "NetworkInterfaceId"),
    _Listing("elbv2", "describe_load_balancers", "LoadBalancers", "LoadBalancerArn"),
    _Listing("elbv2", "describe_target_groups", "TargetGroups", "TargetGroupArn"),
    _Listing("acm", "list_certificates", "CertificateSummaryList", "CertificateArn"),
    _Listing("servicediscovery", "list_namespaces", "Namespaces", "Id"),
    _Listing("servicediscovery", "list_services", "Services", "Id"),
    _Listing("route53", "list_hosted_zones", "HostedZones", "Id"),
    _Listing("ecs", "list_task_definitions", "taskDefinitionArns"),
    _Listing("application-autoscaling", "describe_scalable_targets", "ScalableTargets", "ResourceId", asked=_ECS),
    _Listing("application-autoscaling", "describe_scaling_policies", "ScalingPolicies", "PolicyName", asked=_ECS),
    _Listing("ecr", "describe_repositories", "repositories", "repositoryName"),
    _Listing("rds", "describe_db_instances", "DBInstances", "DBInstanceIdentifier"),
    _Listing("rds", "describe_db_subnet_groups", "DBSubnetGroups", "DBSubnetGroupName"),
    _Listing("rds", "describe_db_parameter_groups", "DBParameterGroups", "DBParameterGroupName"),
    _Listing("s3", "list_buckets", "Buckets", "Name"),
    _Listing("iam", "list_roles", "Roles", "RoleName"),
    _Listing("secretsmanager", "list_secrets", "SecretList", "Name"),
    _Listing("logs", "describe_log_groups", "logGroups", "logGroupName"),
    _Listing("logs", "describe_resource_policies", "resourcePolicies", "policyName"),
    _Listing("sqs", "list_queues", "QueueUrls"),
    _Listing("events", "list_rules", "Rules", "Name"),
    _Listing("amp", "list_workspaces", "workspaces", "workspaceId"),
)


def inventory(clients: Clients) -> frozenset[tuple[str, str]]:
    """Return all that an account holds: (what, identity)."""
    return frozenset(_all(clients))


def _all(clients: Clients) -> Iterator[tuple[str, str]]:
    for one in _LISTINGS:
        for row in _rows(clients, one.service, one.method, one.key, **one.asked):
            if one.there(row):
                yield f"{one.service} {one.key}", str(row[one.identity] if one.identity else row)
    yield from _children(clients)


def _children(clients: Clients) -> Iterator[tuple[str, str]]:
    """Yield what can only be listed by what it hangs on."""
    for balancer in _rows(clients, "elbv2", "describe_load_balancers", "LoadBalancers"):
        arn = balancer["LoadBalancerArn"]
        for listener in _rows(clients, "elbv2", "describe_listeners", "Listeners", LoadBalancerArn=arn):
            yield "elbv2 Listeners", listener["ListenerArn"]
            for rule in _rows(clients, "elbv2", "describe_rules", "Rules", ListenerArn=listener["ListenerArn"]):
                yield "elbv2 Rules", rule["RuleArn"]
    for zone in _rows(clients, "route53", "list_hosted_zones", "HostedZones"):
        if not zone["Config"]["PrivateZone"]:
            for record in _rows(
                clients, "route53", "list_resource_record_sets", "ResourceRecordSets", HostedZoneId=zone["Id"]
            ):
                yield "route53 ResourceRecordSets", f"{record['Type']} {record['Name']}"
    listed = list(_rows(clients, "ecs", "list_clusters", "clusterArns"))
    described = clients("ecs").describe_clusters(clusters=listed)["clusters"] if listed else ()
    # ECS tells of a deleted cluster for a while.
    for cluster in [row["clusterArn"] for row in described if row["status"] != "INACTIVE"]:
        yield "ecs clusters", cluster
        for service in _rows(clients, "ecs", "list_services", "serviceArns", cluster=cluster):
            yield "ecs services", service
        for task in _rows(clients, "ecs", "list_tasks", "taskArns", cluster=cluster):
            yield "ecs tasks", task
    for bucket in _rows(clients, "s3", "list_buckets", "Buckets"):
        for item in _rows(clients, "s3", "list_objects_v2", "Contents", Bucket=bucket["Name"]):
            yield "s3 Contents", f"{bucket['Name']}/{item['Key']}"


def _rows(clients: Clients, service: str, method: str, key: str, **asked: Any) -> Iterator[Any]:
    client = clients(service)
    if client.can_paginate(method):
        for page in client.get_paginator(method).paginate(**asked):
            yield from page.get(key) or ()
    else:
        yield from getattr(client, method)(**asked).get(key) or ()
