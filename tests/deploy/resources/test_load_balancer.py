"""The load balancer, its target groups, listeners and rules."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from obskit.deploy.aws import Aws
from obskit.deploy.errors import DeployError
from obskit.deploy.resource import Kind, Observed, Stack
from obskit.deploy.resources import _elb, listener, listener_rule, load_balancer, target_group
from obskit.deploy.spec import Entry
from tests.support.entry import shop, surroundings, wanted, with_fields
from tests.support.kinds import Known, all_seen, birth, built, delete, made, mended, paths_that_differ, ready, seen
from tests.support.refusing import refuse
from tests.support.stack import PLACE

SPEC = shop()
KINDS: tuple[Kind, ...] = (load_balancer.KIND, target_group.KIND, listener.KIND, listener_rule.KIND)
BELOW: dict[str, tuple[Kind, ...]] = {kind.name: KINDS[:place] for place, kind in enumerate(KINDS)}
RESOURCES = [(kind, name) for kind in KINDS for name in wanted(kind, SPEC)]
POLICY = "ELBSecurityPolicy-2016-08"


@pytest.fixture
def known(aws: Aws) -> Known:
    """Return what is known of the network and the certificate."""
    return surroundings(aws)


def stand(aws: Aws, stack: Stack, known: Known, *kinds: Kind) -> Known:
    """Create all that the spec wants of some kinds."""
    return built(aws, stack, SPEC, kinds, known)


@pytest.mark.parametrize(("kind", "name"), RESOURCES, ids=[f"{kind.name}.{name}" for kind, name in RESOURCES])
def test_what_was_created_is_what_was_wanted(kind: Kind, name: str, aws: Aws, stack: Stack, known: Known) -> None:
    """AWS adds defaults and repeats itself; that is no difference."""
    known = stand(aws, stack, known, *BELOW[kind.name])
    found = made(kind, aws, stack, wanted(kind, SPEC)[name], known)

    assert paths_that_differ(kind, aws, stack, wanted(kind, SPEC)[name], known) == frozenset()
    assert (found.tags or {})["obskit:resource"] == f"{kind.name}.{name}"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_deleting_leaves_nothing_and_can_be_done_twice(kind: Kind, aws: Aws, stack: Stack, known: Known) -> None:
    """That it is already gone is no error."""
    stand(aws, stack, known, *BELOW[kind.name], kind)
    for name in all_seen(kind, aws, stack):
        if kind is target_group.KIND or name != "http":
            delete(kind, aws, stack, name)

    assert set(all_seen(kind, aws, stack)) <= {"http"}


def test_another_stacks_are_not_seen(aws: Aws, stack: Stack, known: Known) -> None:
    """Neither by name nor by tags."""
    stand(aws, stack, known, *KINDS)

    assert [all_seen(kind, aws, replace(stack, name="other")) for kind in KINDS] == [{}, {}, {}, {}]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_tags_are_written_again(kind: Kind, aws: Aws, stack: Stack, known: Known) -> None:
    """Tags are what makes a thing the stack's."""
    stand(aws, stack, known, *BELOW[kind.name], kind)
    before = next(iter(all_seen(kind, aws, stack).values()))
    kind.retag(aws, stack, before, {"owner": "others"})

    assert (seen(kind, aws, stack, before.name).tags or {})["owner"] == "others"


# What somebody does by hand, and how it is called.
Hand = Callable[[Aws, Observed, Known], object]


def attribute(operation: str, key: str, name: str, value: str) -> Hand:
    """Return a hand that sets an attribute."""

    def hand(aws: Aws, found: Observed, _known: Known) -> object:
        asked: dict[str, Any] = {key: found.attributes["arn"], "Attributes": [{"Key": name, "Value": value}]}
        return aws.call("elbv2", operation, **asked)

    return hand


def balancer_attribute(name: str, value: str) -> Hand:
    """Return a hand that sets an attribute of the load balancer."""
    return attribute("modify_load_balancer_attributes", "LoadBalancerArn", name, value)


def group_attribute(name: str, value: str) -> Hand:
    """Return a hand that sets an attribute of a target group."""
    return attribute("modify_target_group_attributes", "TargetGroupArn", name, value)


def group(**asked: Any) -> Hand:
    """Return a hand that changes a target group's health check."""
    return lambda aws, found, _: aws.call(
        "elbv2", "modify_target_group", TargetGroupArn=found.attributes["arn"], **asked
    )


def serving(**asked: Any) -> Hand:
    """Return a hand that changes the HTTPS listener."""

    def hand(aws: Aws, found: Observed, known: Known) -> object:
        fields: Any = found.fields
        same = {
            "Certificates": [{"CertificateArn": fields["Certificates"][0]}],
            "DefaultActions": _elb.as_actions(fields["DefaultActions"]),
        }
        filled = {key: value(known) if callable(value) else value for key, value in asked.items()}
        return aws.call("elbv2", "modify_listener", ListenerArn=found.attributes["arn"], **{**same, **filled})

    return hand


def rule(**asked: Any) -> Hand:
    """Return a hand that changes a rule's conditions or actions."""
    return lambda aws, found, _: aws.call("elbv2", "modify_rule", RuleArn=found.attributes["arn"], **asked)


def more_subnets(aws: Aws, found: Observed, known: Known) -> object:
    """Move the load balancer into another zone."""
    asked: dict[str, Any] = {
        "VpcId": known["vpc.main"]["id"],
        "CidrBlock": "10.40.9.0/24",
        "AvailabilityZone": PLACE.zones[2],
        "TagSpecifications": birth("subnet", "public-3"),
    }
    subnet = aws.call("ec2", "create_subnet", **asked)["Subnet"]["SubnetId"]
    subnets = [known["subnet.public-1"]["id"], subnet]
    return aws.call("elbv2", "set_subnets", LoadBalancerArn=found.attributes["arn"], Subnets=subnets)


def more_groups(aws: Aws, found: Observed, known: Known) -> object:
    """Give the load balancer one more security group."""
    asked: dict[str, Any] = {"VpcId": known["vpc.main"]["id"], "GroupName": "more", "Description": "more"}
    groups = [known["security_group.alb"]["id"], aws.call("ec2", "create_security_group", **asked)["GroupId"]]
    return aws.call("elbv2", "set_security_groups", LoadBalancerArn=found.attributes["arn"], SecurityGroups=groups)


def two_targets(known: Known) -> list[dict[str, Any]]:
    """Return an action that sends a tenth to Grafana."""
    groups = [
        {"TargetGroupArn": known["target_group.demo-app"]["arn"], "Weight": 9},
        {"TargetGroupArn": known["target_group.grafana"]["arn"], "Weight": 1},
    ]
    return [{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}]


def other_target(known: Known) -> list[dict[str, Any]]:
    """Return an action that sends everything to Grafana."""
    return [{"Type": "forward", "TargetGroupArn": known["target_group.grafana"]["arn"]}]


def moved(aws: Aws, found: Observed, _known: Known) -> object:
    """Give a rule another priority."""
    priorities = [{"RuleArn": found.attributes["arn"], "Priority": 7}]
    return aws.call("elbv2", "set_rule_priorities", RulePriorities=priorities)


BALANCER, GROUP = (load_balancer.KIND, "main"), (target_group.KIND, "demo-app")
SERVE, RULE = (listener.KIND, "https"), (listener_rule.KIND, "payments")
ANYWHERE = [{"Field": "path-pattern", "Values": ["/*"]}]
DRIFT: list[tuple[tuple[Kind, str], Hand, set[str]]] = [
    (BALANCER, balancer_attribute("routing.http2.enabled", "false"), {"Attributes.routing.http2.enabled"}),
    (BALANCER, balancer_attribute("idle_timeout.timeout_seconds", "4000"), {"Attributes.idle_timeout.timeout_seconds"}),
    (
        BALANCER,
        balancer_attribute("routing.http.drop_invalid_header_fields.enabled", "false"),
        {"Attributes.routing.http.drop_invalid_header_fields.enabled"},
    ),
    (
        BALANCER,
        balancer_attribute("routing.http.desync_mitigation_mode", "monitor"),
        {"Attributes.routing.http.desync_mitigation_mode"},
    ),
    (BALANCER, balancer_attribute("deletion_protection.enabled", "true"), {"Attributes.deletion_protection.enabled"}),
    (
        BALANCER,
        balancer_attribute("access_logs.s3.enabled", "true"),
        {"Attributes.access_logs.s3.enabled", "Attributes.access_logs.s3.bucket"},
    ),
    (BALANCER, more_subnets, {"Subnets.public-2", "Subnets.public-3"}),
    (BALANCER, more_groups, {"SecurityGroups"}),
    (
        BALANCER,
        lambda aws, found, _: aws.call(
            "elbv2", "set_ip_address_type", LoadBalancerArn=found.attributes["arn"], IpAddressType="dualstack"
        ),
        {"IpAddressType"},
    ),
    (GROUP, group(HealthCheckPath="/other"), {"HealthCheckPath"}),
    (GROUP, group(HealthCheckIntervalSeconds=60), {"HealthCheckIntervalSeconds"}),
    (GROUP, group(HealthCheckTimeoutSeconds=7), {"HealthCheckTimeoutSeconds"}),
    (GROUP, group(HealthyThresholdCount=9), {"HealthyThresholdCount"}),
    (GROUP, group(UnhealthyThresholdCount=9), {"UnhealthyThresholdCount"}),
    (GROUP, group(HealthCheckPort="81"), {"HealthCheckPort"}),
    (GROUP, group(HealthCheckEnabled=False), {"HealthCheckEnabled"}),
    (GROUP, group(Matcher={"HttpCode": "200-499"}), {"Matcher.HttpCode"}),
    (
        GROUP,
        group_attribute("deregistration_delay.timeout_seconds", "600"),
        {"Attributes.deregistration_delay.timeout_seconds"},
    ),
    (GROUP, group_attribute("stickiness.enabled", "true"), {"Attributes.stickiness.enabled"}),
    (SERVE, serving(SslPolicy=POLICY), {"SslPolicy"}),
    (SERVE, serving(DefaultActions=other_target), {"DefaultActions.1.TargetGroupArn"}),
    (SERVE, serving(DefaultActions=two_targets), {"DefaultActions.1.TargetGroupArn", "DefaultActions.1.ForwardConfig"}),
    (RULE, rule(Conditions=ANYWHERE), {"Conditions.host-header", "Conditions.path-pattern"}),
    (
        RULE,
        rule(Actions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}}]),
        {"Actions.1.Type", "Actions.1.TargetGroupArn", "Actions.1.FixedResponseConfig"},
    ),
    (RULE, moved, {"Priority"}),
]


@pytest.mark.parametrize("what", [BALANCER, GROUP, SERVE, RULE], ids=lambda what: what[0].name)
def test_what_is_changed_by_hand_is_seen_and_mended(
    what: tuple[Kind, str], aws: Aws, stack: Stack, known: Known
) -> None:
    """Each as exactly its path, one after the other, and nothing differs afterwards."""
    kind, name = what
    known = stand(aws, stack, known, *BELOW[kind.name], kind)
    resource = wanted(kind, SPEC)[name]
    for hand, paths in [(hand, paths) for other, hand, paths in DRIFT if other == what]:
        hand(aws, seen(kind, aws, stack, name), known)

        assert paths_that_differ(kind, aws, stack, resource, known) == paths
        assert mended(kind, aws, stack, resource, known) == frozenset(), paths


def test_access_logs_go_to_the_stacks_bucket(aws: Aws, stack: Stack, known: Known) -> None:
    """The bucket is compared only while logs are written: AWS remembers it afterwards."""
    spec = shop(entry=Entry(access_logs=True))
    found = made(load_balancer.KIND, aws, stack, wanted(load_balancer.KIND, spec)["main"], known)
    attributes: Any = found.fields["Attributes"]

    assert attributes["access_logs.s3.bucket"] == "shop-logs"
    assert paths_that_differ(load_balancer.KIND, aws, stack, wanted(load_balancer.KIND, spec)["main"], known) == set()
    assert mended(load_balancer.KIND, aws, stack, wanted(load_balancer.KIND, SPEC)["main"], known) == frozenset()


def test_a_policy_of_the_bucket_that_aws_has_not_heard_of_yet_is_waited_for(
    aws: Aws, stack: Stack, known: Known
) -> None:
    """The load balancer tries to write there before it says yes; the policy is a second old."""
    resource = wanted(load_balancer.KIND, shop(entry=Entry(access_logs=True)))["main"]
    message = "Access Denied for bucket: shop-logs. Please check S3bucket permission"
    left = refuse(aws, "elbv2", "ModifyLoadBalancerAttributes", "InvalidConfigurationRequest", message, times=3)
    made(load_balancer.KIND, aws, stack, resource, known)

    assert left == []
    assert paths_that_differ(load_balancer.KIND, aws, stack, resource, known) == set()


def test_a_protected_load_balancer_is_not_deleted(aws: Aws, stack: Stack, known: Known) -> None:
    """The error says how to switch protection off, before anything is tried."""
    spec = shop(entry=Entry(protected=True))
    before = made(load_balancer.KIND, aws, stack, wanted(load_balancer.KIND, spec)["main"], known)

    with pytest.raises(DeployError, match="protected") as caught:
        load_balancer.KIND.delete(aws, stack, before)

    assert "entry.protected" in caught.value.hint
    assert "main" in all_seen(load_balancer.KIND, aws, stack)


def test_there_is_never_a_second_load_balancer(aws: Aws, stack: Stack, known: Known) -> None:
    """One that an interrupted run has made is gone on with, and finished."""
    kind, resource = load_balancer.KIND, wanted(load_balancer.KIND, SPEC)["main"]
    first = made(kind, aws, stack, resource, known)
    balancer_attribute("routing.http2.enabled", "false")(aws, first, known)

    assert kind.create(aws, stack, ready(resource, stack, known)) == first.attributes
    assert len(aws.call("elbv2", "describe_load_balancers")["LoadBalancers"]) == 1
    assert paths_that_differ(kind, aws, stack, resource, known) == frozenset()


@pytest.mark.parametrize("kind", KINDS[:2], ids=lambda kind: kind.name)
def test_somebody_elses_of_that_name_is_left_alone(kind: Kind, aws: Aws, stack: Stack, known: Known) -> None:
    """Without the stack's tags it is nobody's that we know."""
    resource = next(iter(wanted(kind, SPEC).values()))
    before = made(kind, aws, stack, resource, known)
    aws.call("elbv2", "remove_tags", ResourceArns=[before.attributes["arn"]], TagKeys=["obskit:stack"])

    with pytest.raises(DeployError, match="not this stack's") as caught:
        kind.create(aws, stack, ready(resource, stack, known))

    assert caught.value.where["arn"] == before.attributes["arn"]


def test_waiting_ends_when_the_load_balancer_is_there(aws: Aws, stack: Stack, known: Known) -> None:
    """AWS takes minutes; a name that resolves to nothing serves nobody."""
    attributes = made(load_balancer.KIND, aws, stack, wanted(load_balancer.KIND, SPEC)["main"], known).attributes

    assert load_balancer.KIND.waiting(aws, stack, attributes) == ""
    assert attributes["full_name"].startswith("app/shop-main/")
    assert attributes["dns_name"] == attributes["dns_name"].lower()


def test_a_new_target_group_can_stand_beside_the_old_one(aws: Aws, stack: Stack, known: Known) -> None:
    """What AWS cannot change is part of the name, which is unique; so is the whole service's name."""
    kind, resource = target_group.KIND, wanted(target_group.KIND, SPEC)["demo-app"]
    made(kind, aws, stack, resource, known)
    kind.create(aws, stack, ready(with_fields(resource, Port=9090), stack, known))
    rows = aws.call("elbv2", "describe_target_groups")["TargetGroups"]

    assert sorted(row["Port"] for row in rows) == [8080, 9090]
    assert kind.create_first


@pytest.mark.parametrize(
    "name", ["shop-main", "a-very-long-stack-n-and-a-very-long-service-name", "x" * 23 + "-yz-more-of-it"]
)
def test_names_are_short_enough_and_differ(name: str) -> None:
    """AWS takes 32 letters, digits and hyphens, no hyphen at the end."""
    assert re.fullmatch(r"[a-z0-9](-?[a-z0-9])*", _elb.short(name, "80"))
    assert len(_elb.short(name)) <= 32
    assert len({_elb.short(name), _elb.short(name, "80"), _elb.short(name, "81"), _elb.short(name + "b")}) == 4
