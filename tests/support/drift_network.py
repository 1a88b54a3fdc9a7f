"""What people do to the network."""

from __future__ import annotations

import json
from typing import Final

from tests.support.drift import Drift, calls, ids, of

_ANYWHERE: Final = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
_HTTPS: Final = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}

NETWORK: Final = (
    Drift(
        "names switched off",
        "vpc.main",
        calls("ec2", "modify_vpc_attribute", VpcId=of("vpc.main"), EnableDnsHostnames={"Value": False}),
        ("EnableDnsHostnames",),
    ),
    Drift(
        "its tags deleted",
        "internet_gateway.main",
        calls("ec2", "delete_tags", Resources=ids("internet_gateway.main"), Tags=[{"Key": "owner"}]),
        ("tags.owner",),
    ),
    Drift(
        "public addresses handed out",
        "subnet.public-1",
        calls("ec2", "modify_subnet_attribute", SubnetId=of("subnet.public-1"), MapPublicIpOnLaunch={"Value": True}),
        ("MapPublicIpOnLaunch",),
    ),
    Drift(
        "its owner renamed",
        "elastic_ip.nat-1",
        calls("ec2", "create_tags", Resources=ids("elastic_ip.nat-1"), Tags=[{"Key": "owner", "Value": "me"}]),
        ("tags.owner",),
    ),
    Drift(
        "its service renamed",
        "nat_gateway.nat-1",
        calls("ec2", "create_tags", Resources=ids("nat_gateway.nat-1"), Tags=[{"Key": "service", "Value": "me"}]),
        ("tags.service",),
    ),
    Drift(
        "a route added",
        "route_table.private-1",
        calls(
            "ec2",
            "create_route",
            RouteTableId=of("route_table.private-1"),
            DestinationCidrBlock="192.0.2.0/24",
            GatewayId=of("internet_gateway.main"),
        ),
        ("Routes.192.0.2.0/24",),
    ),
    Drift(
        "the way out deleted",
        "route_table.public",
        calls("ec2", "delete_route", RouteTableId=of("route_table.public"), DestinationCidrBlock="0.0.0.0/0"),
        ("Routes.0.0.0.0/0",),
    ),
    Drift(
        "its owner renamed",
        "security_group.loki",
        calls("ec2", "create_tags", Resources=ids("security_group.loki"), Tags=[{"Key": "owner", "Value": "me"}]),
        ("tags.owner",),
    ),
    Drift(
        "SSH opened to the world",
        "security_group_rules.demo-app",
        calls(
            "ec2",
            "authorize_security_group_ingress",
            GroupId=of("security_group.demo-app"),
            IpPermissions=[_ANYWHERE],
        ),
        ("Ingress.tcp-22-from-0.0.0.0/0",),
    ),
    Drift(
        "the way to AWS closed",
        "security_group_rules.loki",
        calls("ec2", "revoke_security_group_egress", GroupId=of("security_group.loki"), IpPermissions=[_HTTPS]),
        ("Egress.tcp-443-to-0.0.0.0/0",),
    ),
    Drift(
        "a policy written",
        "vpc_endpoint.s3",
        calls(
            "ec2",
            "modify_vpc_endpoint",
            VpcEndpointId=of("vpc_endpoint.s3"),
            PolicyDocument=json.dumps({"Statement": [{"Effect": "Deny", "Principal": "*", "Action": "*"}]}),
        ),
        ("PolicyDocument",),
    ),
    Drift(
        "deleted",
        "vpc_endpoint.logs",
        calls("ec2", "delete_vpc_endpoints", VpcEndpointIds=ids("vpc_endpoint.logs")),
        action="create",
    ),
    Drift("deleted", "flow_log.main", calls("ec2", "delete_flow_logs", FlowLogIds=ids("flow_log.main")), (), "create"),
    Drift(
        "its owner renamed",
        "flow_log.main",
        calls("ec2", "create_tags", Resources=ids("flow_log.main"), Tags=[{"Key": "owner", "Value": "me"}]),
        ("tags.owner",),
    ),
)
