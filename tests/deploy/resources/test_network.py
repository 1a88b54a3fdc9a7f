"""VPC, gateways, subnets, addresses, routes and the flow log: made, read back, mended, deleted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_network
from itertools import combinations
from typing import Any

import pytest
from botocore.stub import Stubber

from obskit.deploy.aws import Aws
from obskit.deploy.errors import AwsError, DeployError
from obskit.deploy.plan import differences
from obskit.deploy.resource import Kind, Place, Resource, Stack
from obskit.deploy.resources import (
    elastic_ip,
    flow_log,
    internet_gateway,
    nat_gateway,
    route_table,
    subnet,
    vpc,
)
from obskit.deploy.resources._network import blocks
from obskit.deploy.spec import Network, StackSpec
from obskit.errors import UsageError
from tests.support.kinds import Known, all_seen, built, delete, made, mended, paths_that_differ, ready, seen
from tests.support.stack import PLACE, REGION, Clock, example_spec

KINDS: tuple[Kind, ...] = (
    vpc.KIND,
    internet_gateway.KIND,
    subnet.KIND,
    elastic_ip.KIND,
    nat_gateway.KIND,
    route_table.KIND,
)
ZONED = example_spec(network=Network(nat="zone"))
OTHER = Stack(name="other", place=PLACE)
Break = Callable[[Aws, Known], Any]


def ec2(aws: Aws, method: str, **asked: Any) -> Any:
    """Do something that the stack did not ask for."""
    return aws.call("ec2", method, **asked)


def of(kind: Kind, name: str, spec: StackSpec = ZONED) -> Resource:
    """Return one wanted resource."""
    return {resource.name: resource for resource in kind.wanted(spec, PLACE)}[name]


def network(aws: Aws, stack: Stack, spec: StackSpec = ZONED) -> Known:
    """Create the whole network."""
    return built(aws, stack, spec, KINDS)


def default_group(aws: Aws, vpc_id: str) -> str:
    """Return the id of a VPC's default security group."""
    asked = [{"Name": "vpc-id", "Values": [vpc_id]}, {"Name": "group-name", "Values": ["default"]}]
    return str(ec2(aws, "describe_security_groups", Filters=asked)["SecurityGroups"][0]["GroupId"])


def open_default_group(aws: Aws, known: Known) -> None:
    """Let SSH in from everywhere."""
    rule = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    group = default_group(aws, known["vpc.main"]["id"])
    ec2(aws, "authorize_security_group_ingress", GroupId=group, IpPermissions=[rule])


def other_table(aws: Aws, known: Known) -> None:
    """Give a subnet another route table."""
    table = ec2(aws, "create_route_table", VpcId=known["vpc.main"]["id"])["RouteTable"]["RouteTableId"]
    row = ec2(aws, "describe_route_tables", RouteTableIds=[known["route_table.private-1"]["id"]])["RouteTables"][0]
    association = row["Associations"][0]["RouteTableAssociationId"]
    ec2(aws, "replace_route_table_association", AssociationId=association, RouteTableId=table)


def foreign_subnet(aws: Aws, known: Known) -> None:
    """Give a route table a subnet that is not the stack's; the VPC is made wide enough for it first."""
    vpc_id = known["vpc.main"]["id"]
    ec2(aws, "associate_vpc_cidr_block", VpcId=vpc_id, CidrBlock="10.99.0.0/16")
    row = ec2(aws, "create_subnet", VpcId=vpc_id, CidrBlock="10.99.0.0/24")["Subnet"]
    ec2(aws, "associate_route_table", RouteTableId=known["route_table.public"]["id"], SubnetId=row["SubnetId"])


OUT_OF_BAND: tuple[tuple[Kind, str, str, Break], ...] = (
    (
        vpc.KIND,
        "main",
        "EnableDnsHostnames",
        lambda aws, known: ec2(
            aws, "modify_vpc_attribute", VpcId=known["vpc.main"]["id"], EnableDnsHostnames={"Value": False}
        ),
    ),
    (
        vpc.KIND,
        "main",
        "EnableDnsSupport",
        lambda aws, known: ec2(
            aws, "modify_vpc_attribute", VpcId=known["vpc.main"]["id"], EnableDnsSupport={"Value": False}
        ),
    ),
    (vpc.KIND, "main", "DefaultGroup.Ingress.tcp-22-from-0.0.0.0/0", open_default_group),
    (
        internet_gateway.KIND,
        "main",
        "VpcId",
        lambda aws, known: ec2(
            aws,
            "detach_internet_gateway",
            InternetGatewayId=known["internet_gateway.main"]["id"],
            VpcId=known["vpc.main"]["id"],
        ),
    ),
    (
        subnet.KIND,
        "public-1",
        "MapPublicIpOnLaunch",
        lambda aws, known: ec2(
            aws,
            "modify_subnet_attribute",
            SubnetId=known["subnet.public-1"]["id"],
            MapPublicIpOnLaunch={"Value": True},
        ),
    ),
    (
        route_table.KIND,
        "private-1",
        "Routes.0.0.0.0/0",
        lambda aws, known: ec2(
            aws,
            "replace_route",
            RouteTableId=known["route_table.private-1"]["id"],
            DestinationCidrBlock="0.0.0.0/0",
            GatewayId=known["internet_gateway.main"]["id"],
        ),
    ),
    (
        route_table.KIND,
        "public",
        "Routes.0.0.0.0/0",
        lambda aws, known: ec2(
            aws,
            "delete_route",
            RouteTableId=known["route_table.public"]["id"],
            DestinationCidrBlock="0.0.0.0/0",
        ),
    ),
    (
        route_table.KIND,
        "private-2",
        "Routes.192.0.2.0/24",
        lambda aws, known: ec2(
            aws,
            "create_route",
            RouteTableId=known["route_table.private-2"]["id"],
            DestinationCidrBlock="192.0.2.0/24",
            NatGatewayId=known["nat_gateway.nat-1"]["id"],
        ),
    ),
    (route_table.KIND, "private-1", "Subnets.private-1", other_table),
)


def test_what_was_made_is_as_it_is_wanted_and_bears_its_tags(aws: Aws, stack: Stack) -> None:
    """Reading back what was just made gives no difference: a second apply does nothing."""
    known = network(aws, stack)

    for kind in KINDS:
        everything = all_seen(kind, aws, stack)
        wanted = list(kind.wanted(ZONED, PLACE))
        assert sorted(everything) == sorted(resource.name for resource in wanted)
        for resource in wanted:
            found = everything[resource.name]
            assert differences(ready(resource, stack, known).fields, found.fields) == ()
            assert found.attributes == known[resource.address]
            assert found.tags is not None
            assert found.tags.items() >= ready(resource, stack).tags.items()


def _told(value: object) -> str:
    """Return how a test's id calls a parameter: the same in every process."""
    return value if isinstance(value, str) else str(getattr(value, "name", "by hand"))


@pytest.mark.parametrize(("kind", "name", "path", "breaks"), OUT_OF_BAND, ids=_told)
def test_a_change_by_somebody_else_is_seen_as_its_path_and_mended(
    aws: Aws, stack: Stack, kind: Kind, name: str, path: str, breaks: Break
) -> None:
    """What is changed out of band differs at exactly one path, and `change` takes it back."""
    known = built(aws, stack, ZONED, KINDS[: KINDS.index(kind) + 1])
    breaks(aws, known)

    assert paths_that_differ(kind, aws, stack, of(kind, name), known) == {path}
    assert mended(kind, aws, stack, of(kind, name), known) == frozenset()


def test_a_foreign_subnet_of_a_route_table_is_seen_by_its_id_and_let_go(aws: Aws, stack: Stack) -> None:
    """What has no name in the stack stands under its id."""
    known = network(aws, stack)
    foreign_subnet(aws, known)
    public = of(route_table.KIND, "public")

    (path,) = paths_that_differ(route_table.KIND, aws, stack, public, known)

    assert path.startswith("Subnets.subnet-")
    assert mended(route_table.KIND, aws, stack, public, known) == frozenset()


def test_everything_can_be_deleted_in_reverse_order_and_twice(aws: Aws, stack: Stack) -> None:
    """Deleting leaves nothing that EC2 knows of, and deleting what is gone is no error."""
    before = len(ec2(aws, "describe_vpcs")["Vpcs"])
    network(aws, stack)

    for kind in reversed(KINDS):
        for name in all_seen(kind, aws, stack):
            delete(kind, aws, stack, name)
        assert all_seen(kind, aws, stack) == {}
    assert len(ec2(aws, "describe_vpcs")["Vpcs"]) == before


def test_another_stack_in_the_account_is_not_seen(aws: Aws, stack: Stack) -> None:
    """Whose tag is another's is nobody's business."""
    network(aws, stack)

    assert [name for kind in KINDS for name in all_seen(kind, aws, OTHER)] == []


def test_a_tag_can_be_written_and_the_tags_of_others_stay(aws: Aws, stack: Stack) -> None:
    """Retagging adds and overwrites; cost tools keep theirs."""
    known = network(aws, stack)
    ec2(aws, "create_tags", Resources=[known["vpc.main"]["id"]], Tags=[{"Key": "cost-centre", "Value": "7"}])
    found = seen(vpc.KIND, aws, stack, "main")

    vpc.KIND.retag(aws, stack, found, {"owner": "somebody"})

    tags = seen(vpc.KIND, aws, stack, "main").tags
    assert tags is not None
    assert (tags["owner"], tags["cost-centre"], tags["Name"]) == ("somebody", "7", "shop")


def test_a_vpc_whose_creation_was_interrupted_is_finished_by_a_change(aws: Aws, stack: Stack) -> None:
    """The first call bears the tags; whatever comes after it can be done by `change`."""
    resource = ready(of(vpc.KIND, "main"), stack)
    tags = [{"Key": key, "Value": value} for key, value in resource.tags.items()]
    ec2(aws, "create_vpc", CidrBlock="10.40.0.0/16", TagSpecifications=[{"ResourceType": "vpc", "Tags": tags}])

    assert "EnableDnsHostnames" in paths_that_differ(vpc.KIND, aws, stack, resource)
    assert mended(vpc.KIND, aws, stack, resource) == frozenset()


def test_a_vpc_goes_even_though_a_gateway_is_attached(aws: Aws, stack: Stack) -> None:
    """A VPC that is replaced takes no gateway with it: the gateway is detached and can be attached to the new one."""
    known = built(aws, stack, ZONED, (vpc.KIND, internet_gateway.KIND))

    delete(vpc.KIND, aws, stack, "main")

    assert seen(internet_gateway.KIND, aws, stack, "main").fields["VpcId"] is None
    again = {**known, "vpc.main": made(vpc.KIND, aws, stack, of(vpc.KIND, "main")).attributes}
    assert mended(internet_gateway.KIND, aws, stack, of(internet_gateway.KIND, "main"), again) == frozenset()


def test_a_failed_nat_gateway_is_replaced(aws: Aws, stack: Stack) -> None:
    """EC2 shows a failed gateway for an hour; it differs at a path that means replacement."""
    known = network(aws, stack)
    from moto.ec2.models import ec2_backends

    gateway = ec2_backends["123456789012"][REGION].nat_gateways[known["nat_gateway.nat-1"]["id"]]
    gateway.state = "failed"

    assert paths_that_differ(nat_gateway.KIND, aws, stack, of(nat_gateway.KIND, "nat-1"), known) == {"State"}
    assert "State" in nat_gateway.KIND.replace_on
    with pytest.raises(DeployError, match=r"NAT gateway .* failed"):
        nat_gateway.KIND.waiting(aws, stack, known["nat_gateway.nat-1"])


def test_two_of_one_name_are_both_seen(aws: Aws, stack: Stack) -> None:
    """What an interrupted run made twice is seen twice, so that one of them can go."""
    known = network(aws, stack)
    twin = ready(of(elastic_ip.KIND, "nat-1"), stack, known)
    elastic_ip.KIND.create(aws, stack, twin)

    names = [one.name for one in elastic_ip.KIND.observe(aws, stack)]

    assert sorted(names) == ["nat-1", "nat-1", "nat-2"]


@pytest.mark.parametrize(("nat", "gateways"), [("none", 0), ("one", 1), ("zone", 3)])
def test_private_routes_lead_to_the_gateway_of_their_zone_if_it_has_one(nat: Any, gateways: int, place: Place) -> None:
    """``one`` serves all zones from the first, ``zone`` each from its own, ``none`` leaves them without a way out."""
    spec = example_spec(network=Network(zones=3, nat=nat, endpoints=True))

    tables = {resource.name: resource.fields["Routes"] for resource in route_table.KIND.wanted(spec, place)}

    assert len(list(nat_gateway.KIND.wanted(spec, place))) == gateways
    assert len(list(elastic_ip.KIND.wanted(spec, place))) == gateways
    said = [str(tables[f"private-{n}"]) for n in (1, 2, 3)]
    assert [("nat_gateway.nat-" in words) for words in said] == [gateways > 0] * 3
    if gateways:
        assert [f"nat-{min(n, gateways)}" in said[n - 1] for n in (1, 2, 3)] == [True] * 3


def test_switching_from_a_gateway_a_zone_to_one_moves_the_route(aws: Aws, stack: Stack) -> None:
    """Only the second zone's route differs, and it can be changed in place."""
    known = network(aws, stack)
    spec = example_spec(network=Network(nat="one"))

    assert paths_that_differ(route_table.KIND, aws, stack, of(route_table.KIND, "private-1", spec), known) == set()
    second = of(route_table.KIND, "private-2", spec)
    assert paths_that_differ(route_table.KIND, aws, stack, second, known) == {"Routes.0.0.0.0/0"}
    assert mended(route_table.KIND, aws, stack, second, known) == frozenset()


@pytest.mark.parametrize("cidr", ["10.40.0.0/16", "172.20.4.0/22", "192.168.0.0/23"])
def test_a_third_zone_moves_no_subnet(cidr: str, place: Place) -> None:
    """Subnets have fixed places, do not overlap, lie in the VPC and are large enough for a load balancer."""
    two = example_spec(network=Network(cidr=cidr, zones=2))
    three = replace(two, network=replace(two.network, zones=3))
    before = {resource.name: resource.fields for resource in subnet.KIND.wanted(two, place)}
    after = {resource.name: resource.fields for resource in subnet.KIND.wanted(three, place)}

    assert {name: after[name] for name in before} == before
    assert sorted(after.keys() - before.keys()) == ["private-3", "public-3"]
    nets = [ip_network(str(fields["CidrBlock"])) for fields in after.values()]
    assert not any(one.overlaps(other) for one, other in combinations(nets, 2))
    assert all(net.subnet_of(ip_network(cidr)) and net.prefixlen <= 27 for net in nets)  # type: ignore[arg-type]


def test_more_zones_than_there_are_is_refused(place: Place) -> None:
    """The error says how many there are and what they are called."""
    spec = example_spec(network=Network(zones=4))

    with pytest.raises(UsageError, match=r"network\.zones is 4, of 3") as caught:
        list(subnet.KIND.wanted(spec, place))

    assert f"{REGION}a" in str(caught.value)


@pytest.mark.parametrize("cidr", ["10.40.0.0/24", "10.0.0.0/8", "10.40.0.1/16", "fd00::/16", "shop"])
def test_a_network_that_cannot_be_cut_is_refused(cidr: str, place: Place) -> None:
    """AWS takes /16 to /28; the subnets of less than /23 would be too small for a load balancer."""
    with pytest.raises(UsageError, match=r"network\.cidr"):
        list(vpc.KIND.wanted(example_spec(network=Network(cidr=cidr)), place))


def test_there_are_places_for_every_zone_of_a_region(place: Place) -> None:
    """Eight in each half; the largest region has six zones."""
    spec = example_spec()

    assert len({*blocks(spec, "public"), *blocks(spec, "private")}) == 16


FLOWING = example_spec(network=Network(flow_logs=True))
FLOW_KNOWN = {
    "vpc.main": {"id": "vpc-1"},
    "log_group.flow-logs": {"name": "/obskit/shop/flow-logs"},
    "role.flow-logs": {"arn": "arn:aws:iam::123456789012:role/shop-flow-logs"},
}


def flow_log_known(aws: Aws, stack: Stack) -> Known:
    """Return a VPC, a log group and a role for flow logs."""
    aws.call("logs", "create_log_group", logGroupName="/obskit/shop/flow-logs")
    policy = '{"Version": "2012-10-17", "Statement": []}'
    role = aws.call("iam", "create_role", RoleName="shop-flow-logs", AssumeRolePolicyDocument=policy)["Role"]["Arn"]
    made_up = {"log_group.flow-logs": {"name": "/obskit/shop/flow-logs"}, "role.flow-logs": {"arn": role}}
    return built(aws, stack, FLOWING, (vpc.KIND,), made_up)


def test_a_flow_log_is_made_read_back_and_deleted(aws: Aws, stack: Stack) -> None:
    """It bears the stack's tags and goes without a trace."""
    known = flow_log_known(aws, stack)
    resource = of(flow_log.KIND, "main", FLOWING)

    made(flow_log.KIND, aws, stack, resource, known)

    assert paths_that_differ(flow_log.KIND, aws, stack, resource, known) == frozenset()
    assert all_seen(flow_log.KIND, aws, OTHER) == {}
    delete(flow_log.KIND, aws, stack, "main")
    assert all_seen(flow_log.KIND, aws, stack) == {}


def test_a_flow_log_of_somebody_else_in_the_way_is_said(aws: Aws, stack: Stack) -> None:
    """EC2 reports it in an answer that is a success by its status; it is an error all the same."""
    known = flow_log_known(aws, stack)
    resource = ready(of(flow_log.KIND, "main", FLOWING), stack, known)
    flow_log.KIND.create(aws, stack, resource)

    with pytest.raises(DeployError, match="not the stack's"):
        flow_log.KIND.create(aws, stack, resource)


def refused(code: str) -> dict[str, Any]:
    """Return EC2's answer to a flow log that it does not make: a success by its status."""
    return {"FlowLogIds": [], "Unsuccessful": [{"ResourceId": "vpc-1", "Error": {"Code": code, "Message": "said"}}]}


def test_a_flow_log_waits_for_iam_to_hear_of_its_role(aws: Aws, stack: Stack, clock: Clock) -> None:
    """EC2 says "Access Error" while a role is seconds old; that is waited for."""
    resource = ready(of(flow_log.KIND, "main", FLOWING), stack, FLOW_KNOWN)
    with Stubber(aws.client("ec2")) as stub:
        stub.add_response("create_flow_logs", refused("Access Error"))
        stub.add_response("create_flow_logs", {"FlowLogIds": ["fl-1"], "Unsuccessful": []})

        assert flow_log.KIND.create(aws, stack, resource) == {"id": "fl-1"}

    assert clock.now > 0


def test_a_flow_log_that_is_never_made_is_an_error_in_ec2s_words(aws: Aws, stack: Stack, clock: Clock) -> None:
    """Waiting is bounded, and a refusal in a successful answer is not taken for a flow log."""
    resource = ready(of(flow_log.KIND, "main", FLOWING), stack, FLOW_KNOWN)
    with Stubber(aws.client("ec2")) as stub:
        for _ in range(100):
            stub.add_response("create_flow_logs", refused("Access Error"))

        with pytest.raises(AwsError, match="said"):
            flow_log.KIND.create(aws, stack, resource)

    assert aws.settle_seconds < clock.now < aws.settle_seconds + 10


def test_an_address_waits_until_the_gateway_has_let_go_of_it(aws: Aws, stack: Stack, clock: Clock) -> None:
    """A deletion that was interrupted leaves a gateway that is still going; its address is released after it."""
    made(elastic_ip.KIND, aws, stack, of(elastic_ip.KIND, "nat-1"))
    before = seen(elastic_ip.KIND, aws, stack, "nat-1")
    with Stubber(aws.client("ec2")) as stub:
        stub.add_client_error("release_address", "AuthFailure", "You do not have permission")
        stub.add_client_error("release_address", "InvalidIPAddress.InUse", "in use")
        stub.add_response("release_address", {})

        elastic_ip.KIND.delete(aws, stack, before)
        stub.assert_no_pending_responses()

    assert clock.now > 0


def test_flow_logs_are_wanted_only_where_asked_for(place: Place) -> None:
    """They cost money by the gigabyte."""
    assert list(flow_log.KIND.wanted(example_spec(), place)) == []
