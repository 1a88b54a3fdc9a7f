"""Who may talk to whom: groups and their rules, wanted, made, read back, mended and deleted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from obskit.deploy.aws import Aws
from obskit.deploy.errors import DeployError
from obskit.deploy.resource import Fields, Place, Resource, Stack
from obskit.deploy.resources import security_group, security_group_rules, vpc
from obskit.deploy.resources._rules import flat_rules, key, keyed
from obskit.deploy.resources.security_group_rules import connections
from obskit.deploy.spec import Entry, Network, StackSpec, Telemetry
from obskit.errors import UsageError
from tests.support.kinds import Known, all_seen, built, delete, made, mended, paths_that_differ, ready, seen
from tests.support.stack import PLACE, WATCHERS, example_spec

GROUPS, RULES = security_group.KIND, security_group_rules.KIND
KINDS = (vpc.KIND, GROUPS, RULES)
SPEC = example_spec()
OTHER = Stack(name="other", place=PLACE)
ANYWHERE = [{"CidrIp": "0.0.0.0/0"}]


def rules_of(name: str, spec: StackSpec = SPEC) -> Resource:
    """Return the wanted rules of one group."""
    return {resource.name: resource for resource in RULES.wanted(spec, PLACE)}[name]


def group_of(name: str, spec: StackSpec = SPEC) -> Resource:
    """Return one wanted group."""
    return {resource.name: resource for resource in GROUPS.wanted(spec, PLACE)}[name]


def keys(name: str, direction: str, spec: StackSpec = SPEC) -> set[str]:
    """Return the keys of one group's wanted rules."""
    rules = rules_of(name, spec).fields[direction]
    assert isinstance(rules, Mapping)
    return set(rules)


def change(aws: Aws, verb: str, direction: str, group: str, port: int, **peers: Any) -> None:
    """Change a rule behind the stack's back."""
    permission = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, **peers}
    aws.call("ec2", f"{verb}_security_group_{direction}", GroupId=group, IpPermissions=[permission])


def test_only_the_load_balancer_is_open_to_the_world() -> None:
    """Users reach 443 and 80 of the load balancer, nobody else reaches anything from outside the stack."""
    assert keys("alb", "Ingress") == {"tcp-443-from-0.0.0.0/0", "tcp-80-from-0.0.0.0/0"}
    for resource in RULES.wanted(SPEC, PLACE):
        if resource.name != "alb":
            assert not [one for one in keys(resource.name, "Ingress") if "/" in one]


def test_the_load_balancer_reaches_its_targets_only() -> None:
    """What is private has no way in from it, and it has no way out to the internet."""
    assert keys("alb", "Egress") == {"tcp-8080-to-demo-app", "tcp-3000-to-grafana"}


def test_what_a_service_may_reach_is_what_it_talks_to() -> None:
    """The database, the log collector, AWS. Narrow on the way out, as well."""
    assert keys("demo-app", "Egress") == {
        "tcp-443-to-0.0.0.0/0",
        "tcp-3100-to-alloy",
        "tcp-5432-to-database",
    }
    assert keys("database", "Ingress") == {"tcp-5432-from-demo-app", "tcp-5432-from-grafana"}
    assert keys("database", "Egress") == set()


def test_every_connection_opens_both_sides() -> None:
    """What one group lets out, the other lets in: a half-open way is a fault that takes hours to find."""
    for one in connections(SPEC, PLACE):
        assert f"tcp-{one.port}-to-{one.target}" in keys(one.source, "Egress")
        assert f"tcp-{one.port}-from-{one.source}" in keys(one.target, "Ingress")


def test_prometheus_reaches_the_metrics_of_every_service() -> None:
    """A service that cannot be scraped looks like one that is down."""
    reached = {one.target for one in connections(SPEC, PLACE) if one.source == "prometheus"}

    assert reached >= {"demo-app", "prometheus", "grafana", "loki", "alloy", "node-exporter"}


def test_without_prometheus_nobody_scrapes() -> None:
    """No rule names a group that the stack has not."""
    spec = example_spec(watchers=tuple(w for w in WATCHERS if w.name != "prometheus"))
    wanted = {resource.name for resource in GROUPS.wanted(spec, PLACE)}

    assert {name for one in connections(spec, PLACE) for name in (one.source, one.target)} <= wanted


def test_without_a_database_there_is_neither_group_nor_rule() -> None:
    """An application that would like one reaches nothing."""
    spec = example_spec(database=None)

    assert "database" not in {resource.name for resource in GROUPS.wanted(spec, PLACE)}
    assert not any(one.target == "database" for one in connections(spec, PLACE))


def test_endpoints_let_in_every_service(place: Place) -> None:
    """Whoever cannot reach them gets neither image nor secret."""
    spec = example_spec(network=Network(endpoints=True))

    assert keys("endpoints", "Ingress", spec) == {
        f"tcp-443-from-{name}" for name in ("demo-app", "prometheus", "grafana", "loki", "alloy", "node-exporter")
    }


def test_without_nat_services_reach_endpoints_and_s3_only() -> None:
    """The prefix list of S3 comes from its endpoint, so the rules come after it."""
    spec = example_spec(network=Network(nat="none", endpoints=True))

    assert keys("node-exporter", "Egress", spec) == {"tcp-443-to-endpoints", "tcp-443-to-s3"}
    assert "vpc_endpoint.s3" in rules_of("node-exporter", spec).needs


@pytest.mark.parametrize(
    ("url", "extra"),
    [
        ("", set()),
        ("https://obskit.example.com/alerts", set()),
        ("http://obskit.example.com:9300/alerts", {"tcp-9300-to-0.0.0.0/0"}),
        ("http://obskit.example.com/alerts", {"tcp-80-to-0.0.0.0/0"}),
    ],
)
def test_alerts_have_a_way_to_obskit(url: str, extra: set[str]) -> None:
    """Alertmanager runs beside Prometheus; HTTPS is open anyway."""
    spec = example_spec(telemetry=Telemetry(obskit_url=url))

    assert keys("prometheus", "Egress", spec) - keys("prometheus", "Egress") == extra


def test_an_application_reaches_what_the_stack_file_says(aws: Aws, stack: Stack) -> None:
    """TCP and UDP, one network each; nobody else gets there."""
    (application,) = SPEC.applications
    spec = replace(
        SPEC, applications=(replace(application, reaches=("tcp:587:203.0.113.0/24", "udp:514:10.1.0.0/16")),)
    )
    extra = {"tcp-587-to-203.0.113.0/24", "udp-514-to-10.1.0.0/16"}

    assert keys("demo-app", "Egress", spec) == keys("demo-app", "Egress") | extra
    assert keys("prometheus", "Egress", spec) == keys("prometheus", "Egress")
    known = built(aws, stack, spec, (vpc.KIND, GROUPS))
    made(RULES, aws, stack, rules_of("demo-app", spec), known)
    assert paths_that_differ(RULES, aws, stack, rules_of("demo-app", spec), known) == frozenset()


def test_networks_that_may_come_in_are_written_as_ec2_writes_them() -> None:
    """Host bits would differ for ever, a network given twice would be refused, IPv6 has a place of its own."""
    allow = ("203.0.113.7/24", "203.0.113.0/24", "2001:db8::/32")
    spec = example_spec(entry=Entry(allow=allow))
    rules = rules_of("alb", spec).fields["Ingress"]

    assert isinstance(rules, Mapping)
    assert set(rules) == {f"tcp-{p}-from-{n}" for p in (80, 443) for n in ("203.0.113.0/24", "2001:db8::/32")}
    six = rules["tcp-443-from-2001:db8::/32"]
    assert isinstance(six, Mapping)
    assert six["CidrIpv6"] == "2001:db8::/32"


def test_what_is_no_network_is_refused() -> None:
    """With the words of what is wrong."""
    with pytest.raises(UsageError, match=r"entry\.allow"):
        list(RULES.wanted(example_spec(entry=Entry(allow=("everybody",))), PLACE))


def test_descriptions_say_nothing_that_can_change(place: Place) -> None:
    """AWS cannot change a group's description: another owner or size must not replace the group."""
    other = replace(SPEC, owner="other", commit="fff", network=Network(zones=3))

    assert list(GROUPS.wanted(SPEC, place)) == list(GROUPS.wanted(other, place))


def test_groups_and_rules_are_as_wanted_after_they_are_made(aws: Aws, stack: Stack) -> None:
    """Reading back gives no difference, though EC2 nests rules and knows groups by id only."""
    known = built(aws, stack, SPEC, KINDS)

    for kind in (GROUPS, RULES):
        for resource in kind.wanted(SPEC, PLACE):
            assert paths_that_differ(kind, aws, stack, resource, known) == frozenset()
        assert len(all_seen(kind, aws, stack)) == len(list(kind.wanted(SPEC, PLACE)))
        assert all_seen(kind, aws, OTHER) == {}


def test_a_group_is_closed_both_ways_until_its_rules_come(aws: Aws, stack: Stack) -> None:
    """EC2 makes groups that let everything out."""
    built(aws, stack, SPEC, (vpc.KIND, GROUPS))

    assert all_seen(RULES, aws, stack) == {}


def ssh(aws: Aws, known: Known) -> None:
    """Let SSH in from everywhere."""
    change(aws, "authorize", "ingress", known["security_group.demo-app"]["id"], 22, IpRanges=ANYWHERE)


def everything_out(aws: Aws, known: Known) -> None:
    """Let everything out, as the console does."""
    permission = {"IpProtocol": "-1", "IpRanges": ANYWHERE}
    group = known["security_group.demo-app"]["id"]
    aws.call("ec2", "authorize_security_group_egress", GroupId=group, IpPermissions=[permission])


def bastion(aws: Aws, known: Known) -> None:
    """Let a group in that is not the stack's."""
    asked: Any = {"GroupName": "bastion", "Description": "x", "VpcId": known["vpc.main"]["id"]}
    foreign = aws.call("ec2", "create_security_group", **asked)["GroupId"]
    own = known["security_group.demo-app"]["id"]
    change(aws, "authorize", "ingress", own, 22, UserIdGroupPairs=[{"GroupId": foreign}])


def no_balancer(aws: Aws, known: Known) -> None:
    """Lock the load balancer out."""
    own, alb = known["security_group.demo-app"]["id"], known["security_group.alb"]["id"]
    pair = {"GroupId": alb, "Description": "alb to demo-app"}
    change(aws, "revoke", "ingress", own, 8080, UserIdGroupPairs=[pair])


def other_words(aws: Aws, known: Known) -> None:
    """Describe a rule otherwise."""
    ranges = [{"CidrIp": "0.0.0.0/0", "Description": "ask Bob"}]
    permission = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": ranges}
    group = known["security_group.demo-app"]["id"]
    method = "update_security_group_rule_descriptions_egress"
    aws.call("ec2", method, GroupId=group, IpPermissions=[permission])


@pytest.mark.parametrize(
    ("breaks", "begins"),
    [
        (ssh, "Ingress.tcp-22-from-0.0.0.0/0"),
        (everything_out, "Egress.all-to-0.0.0.0/0"),
        (bastion, "Ingress.tcp-22-from-sg-"),
        (no_balancer, "Ingress.tcp-8080-from-alb"),
        (other_words, "Egress.tcp-443-to-0.0.0.0/0.Description"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_a_rule_changed_by_somebody_else_is_seen_as_its_path_and_mended(
    aws: Aws, stack: Stack, breaks: Callable[[Aws, Known], None], begins: str
) -> None:
    """Added, removed or described otherwise: exactly one path, which says who was let in."""
    known = built(aws, stack, SPEC, KINDS)
    breaks(aws, known)

    (path,) = paths_that_differ(RULES, aws, stack, rules_of("demo-app"), known)

    assert path.startswith(begins)
    assert mended(RULES, aws, stack, rules_of("demo-app"), known) == frozenset()


def test_what_is_new_opens_before_what_is_old_closes(aws: Aws, stack: Stack) -> None:
    """A service whose port changes is never cut off while its rules are being written."""
    known = built(aws, stack, SPEC, KINDS)
    application = replace(SPEC.applications[0], port=9000)
    spec = replace(SPEC, applications=(application,))
    order: list[str] = []
    events = aws.client("ec2").meta.events
    events.register("before-call.ec2", lambda model, **_: order.append(model.name))

    assert mended(RULES, aws, stack, rules_of("demo-app", spec), known) == frozenset()

    assert order.index("AuthorizeSecurityGroupIngress") < order.index("RevokeSecurityGroupIngress")


def test_rules_can_be_deleted_and_twice(aws: Aws, stack: Stack) -> None:
    """A closed group is one without rules."""
    built(aws, stack, SPEC, KINDS)

    for name in all_seen(RULES, aws, stack):
        delete(RULES, aws, stack, name)

    assert all_seen(RULES, aws, stack) == {}
    assert len(all_seen(GROUPS, aws, stack)) == len(list(GROUPS.wanted(SPEC, PLACE)))


def test_groups_can_be_deleted_though_rules_name_them(aws: Aws, stack: Stack) -> None:
    """AWS keeps a group that a rule names; rules of the stack's own groups let go of it first."""
    built(aws, stack, SPEC, KINDS)

    delete(GROUPS, aws, stack, "alb")

    assert "alb" not in all_seen(GROUPS, aws, stack)
    left = seen(RULES, aws, stack, "demo-app").fields["Ingress"]
    assert isinstance(left, Mapping)
    assert set(left) == {"tcp-8080-from-prometheus", "tcp-9779-from-prometheus"}
    for name in all_seen(GROUPS, aws, stack):
        delete(GROUPS, aws, stack, name)
    assert all_seen(GROUPS, aws, stack) == {}


def test_a_group_that_was_made_anew_differs_where_others_name_it(aws: Aws, stack: Stack) -> None:
    """The key is the same, the id behind it is not."""
    known = built(aws, stack, SPEC, KINDS)
    delete(GROUPS, aws, stack, "alb")
    again = {**known, "security_group.alb": made(GROUPS, aws, stack, group_of("alb"), known).attributes}

    differ = paths_that_differ(RULES, aws, stack, rules_of("demo-app"), again)

    assert differ == {"Ingress.tcp-8080-from-alb"}
    assert mended(RULES, aws, stack, rules_of("demo-app"), again) == frozenset()


def test_a_group_of_somebody_else_with_its_name_is_said(aws: Aws, stack: Stack) -> None:
    """A group without the stack's tags is not taken over."""
    known = built(aws, stack, SPEC, (vpc.KIND,))
    asked: Any = {"GroupName": "shop-alb", "Description": "x", "VpcId": known["vpc.main"]["id"]}
    aws.call("ec2", "create_security_group", **asked)

    with pytest.raises(DeployError, match="not the stack's") as caught:
        GROUPS.create(aws, stack, ready(group_of("alb"), stack, known))

    assert "shop-alb" in str(caught.value)


@pytest.mark.parametrize(
    ("flat", "words"),
    [
        ({"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80}, "tcp-80-from-x"),
        ({"IpProtocol": "udp", "FromPort": 1000, "ToPort": 2000}, "udp-1000-2000-from-x"),
        ({"IpProtocol": "-1"}, "all-from-x"),
        ({"IpProtocol": "50"}, "50-from-x"),
        ({"IpProtocol": "icmp", "FromPort": -1, "ToPort": -1}, "icmp--1-from-x"),
    ],
)
def test_a_key_says_protocol_ports_and_peer(flat: Fields, words: str) -> None:
    """So that a plan can be read without the console."""
    assert key(flat, "ingress", "x") == words


def test_two_groups_of_one_name_have_two_keys() -> None:
    """Where an interrupted run made a group twice, neither rule hides the other."""
    pairs = [{"GroupId": "sg-1"}, {"GroupId": "sg-2"}]
    group = {"IpPermissions": [{"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "UserIdGroupPairs": pairs}]}

    assert set(keyed(group, "ingress", {"sg-1": "alb", "sg-2": "alb"})) == {"tcp-1-from-alb", "tcp-1-from-alb-sg-2"}


def test_nested_permissions_become_one_rule_a_peer() -> None:
    """EC2 puts all peers of one port together, and leaves out what is empty."""
    permission = {
        "IpProtocol": "tcp",
        "FromPort": 443,
        "ToPort": 443,
        "IpRanges": [{"CidrIp": "10.0.0.0/8"}, {"CidrIp": "0.0.0.0/0", "Description": "all"}],
        "PrefixListIds": [{"PrefixListId": "pl-1"}],
    }
    ports = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}

    assert list(flat_rules([permission])) == [
        {**ports, "CidrIp": "10.0.0.0/8"},
        {**ports, "CidrIp": "0.0.0.0/0", "Description": "all"},
        {**ports, "PrefixListId": "pl-1", "Description": "to AWS by a gateway endpoint"},
    ]
    assert list(flat_rules(None)) == []
