"""What the listeners do with a request, and in which order rules are asked."""

from __future__ import annotations

from typing import Any

import pytest

from obskit.deploy.aws import Aws
from obskit.deploy.resource import Kind, Stack
from obskit.deploy.resources import _elb, _entry, listener, listener_rule, load_balancer, target_group
from obskit.deploy.spec import Application, Entry
from tests.support.entry import shop, surroundings, wanted, with_fields
from tests.support.kinds import Known, all_seen, built, made, mended, ready, seen
from tests.support.stack import PLACE

SPEC = shop()
KINDS: tuple[Kind, ...] = (load_balancer.KIND, target_group.KIND, listener.KIND, listener_rule.KIND)
ANYWHERE = [{"Field": "path-pattern", "Values": ["/*"]}]


@pytest.fixture
def known(aws: Aws) -> Known:
    """Return what is known of the network and the certificate."""
    return surroundings(aws)


def test_plain_http_is_sent_on_with_host_and_path() -> None:
    """301, so that browsers remember it."""
    fields: Any = wanted(listener.KIND, SPEC)["http"].fields

    assert fields["DefaultActions"]["1"]["RedirectConfig"] == {
        "Protocol": "HTTPS",
        "Port": "443",
        "StatusCode": "HTTP_301",
    }


def test_a_given_certificate_is_used_and_waited_for_by_nobody() -> None:
    """It is issued already; the stack's own one has to be first."""
    given = shop(entry=Entry(certificate="arn:aws:acm:eu-west-1:123456789012:certificate/a"))
    own, other = wanted(listener.KIND, SPEC)["https"], wanted(listener.KIND, given)["https"]

    assert other.fields["Certificates"] == ("arn:aws:acm:eu-west-1:123456789012:certificate/a",)
    assert "certificate_validation.main" in own.needs
    assert not any(need.startswith("certificate") for need in other.needs)


def test_what_no_rule_takes_is_not_found_where_there_is_no_default_service() -> None:
    """A private application is nobody's default."""
    spec = shop(applications=(Application(name="private", image="1.0.0"),))
    fields: Any = wanted(listener.KIND, spec)["https"].fields

    assert _entry.default(spec, PLACE) == ""
    assert fields["DefaultActions"]["1"]["FixedResponseConfig"]["StatusCode"] == "404"


def test_listeners_and_rules_that_somebody_added_are_seen(aws: Aws, stack: Stack, known: Known) -> None:
    """Both are ways in that nobody wants; they are called by port and priority."""
    known = built(aws, stack, SPEC, KINDS, known)
    answer = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200"}}]
    balancer, https = known["load_balancer.main"]["arn"], known["listener.https"]["arn"]
    aws.call("elbv2", "create_listener", LoadBalancerArn=balancer, Port=8443, Protocol="HTTP", DefaultActions=answer)
    aws.call("elbv2", "create_rule", ListenerArn=https, Priority=7, Conditions=ANYWHERE, Actions=answer)

    assert set(all_seen(listener.KIND, aws, stack)) == {"http", "https", "port-8443"}
    assert set(all_seen(listener_rule.KIND, aws, stack)) == {"metrics-1", "grafana", "payments", "443-7"}


def test_a_service_without_a_host_of_its_own_is_reached_under_the_domain() -> None:
    """Else its path would be taken from every other host as well, Grafana's too."""
    spec = shop(applications=(Application(name="payments", image="1.0.0", path="/payments/*"),))

    assert wanted(listener_rule.KIND, spec)["payments"].fields["Conditions"] == {
        "host-header": ("shop.example.com",),
        "path-pattern": ("/payments/*",),
    }


def test_rules_swap_their_priorities(aws: Aws, stack: Stack, known: Known) -> None:
    """Two can never have the same one, so that one steps aside."""
    kind = listener_rule.KIND
    known = built(aws, stack, SPEC, KINDS, known)
    rules = wanted(kind, SPEC)
    places = {name: rules[name].fields["Priority"] for name in ("grafana", "payments")}
    swapped = {
        "grafana": with_fields(rules["grafana"], Priority=places["payments"]),
        "payments": with_fields(rules["payments"], Priority=places["grafana"]),
    }
    before = all_seen(kind, aws, stack)
    for name, resource in swapped.items():
        kind.change(aws, stack, ready(resource, stack, known), before[name], frozenset({"Priority"}))
    after = all_seen(kind, aws, stack)

    assert {name: after[name].fields["Priority"] for name in swapped} == {
        "grafana": places["payments"],
        "payments": places["grafana"],
    }


def test_metrics_are_answered_by_the_balancer_before_anybody_else_is_asked() -> None:
    """Prometheus asks the tasks themselves; nobody outside shall read what they say."""
    rules = {rule.name: rule for rule in listener_rule.KIND.wanted(SPEC, PLACE)}
    first = min(rules.values(), key=lambda rule: int(str(rule.fields["Priority"])))

    assert (first.name, first.fields["Conditions"]) == ("metrics-1", {"path-pattern": ("/metrics",)})
    assert "fixed-response" in str(first.fields["Actions"])


def test_a_new_rule_takes_the_place_of_one_that_has_yet_to_move(aws: Aws, stack: Stack, known: Known) -> None:
    """The other one waits at the end, and is moved to its own place when it is its turn."""
    kind = listener_rule.KIND
    known = built(aws, stack, SPEC, KINDS[:3], known)
    rules = wanted(kind, SPEC)
    first = with_fields(rules["payments"], Priority=rules["grafana"].fields["Priority"])
    made(kind, aws, stack, first, known)
    made(kind, aws, stack, rules["grafana"], known)

    assert seen(kind, aws, stack, "payments").fields["Priority"] == 50_000
    assert mended(kind, aws, stack, rules["payments"], known) == frozenset()


def test_conditions_are_read_wherever_aws_keeps_their_values() -> None:
    """Old and new answers, several of a kind, pairs and patterns."""
    rows: list[dict[str, Any]] = [
        {"Field": "host-header", "Values": ["b", "a"], "HostHeaderConfig": {"Values": ["b", "a"]}},
        {"Field": "query-string", "QueryStringConfig": {"Values": [{"Key": "v", "Value": "2"}, {"Value": "x"}]}},
        {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X", "Values": ["1"]}},
        {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "Y", "RegexValues": ["2.*"]}},
    ]

    assert dict(listener_rule._read_conditions(rows)) == {
        "host-header": ("a", "b"),
        "query-string": ("=x", "v=2"),
        "http-header": ("1",),
        "http-header-2": ("2.*",),
    }


def test_actions_are_read_without_what_aws_repeats() -> None:
    """A lone target group is told twice, with a weight and no stickiness; a redirect with what it keeps."""
    rows: list[dict[str, Any]] = [
        {
            "Type": "forward",
            "Order": 1,
            "TargetGroupArn": "a",
            "ForwardConfig": {
                "TargetGroups": [{"TargetGroupArn": "a", "Weight": 1}],
                "TargetGroupStickinessConfig": {"Enabled": False},
            },
        },
        {
            "Type": "redirect",
            "RedirectConfig": {"Host": "#{host}", "Path": "/#{path}", "Query": "#{query}", "Port": "443"},
        },
    ]

    assert _elb.read_actions(rows) == {
        "1": {"Type": "forward", "TargetGroupArn": "a"},
        "2": {"Type": "redirect", "RedirectConfig": {"Port": "443"}},
    }
