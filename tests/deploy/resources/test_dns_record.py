"""Records of the domain, which bear no tags and may be somebody else's."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from moto import settings

from obskit.deploy.aws import Aws
from obskit.deploy.errors import AwsError, DeployError
from obskit.deploy.resource import Stack
from obskit.deploy.resources import _route53, certificate, dns_record, load_balancer
from obskit.deploy.spec import Entry
from tests.support.entry import hosted_zone, network, put_record, records, shop, wanted, with_fields
from tests.support.kinds import Known, all_seen, built, delete, made, mended, paths_that_differ, ready, seen
from tests.support.refusing import refuse
from tests.support.stack import PLACE, REGION

KIND = dns_record.KIND
SPEC = shop()
HOSTS = ("shop.example.com", "api.shop.example.com", "grafana.shop.example.com")
VALIDATION = "validation-shop.example.com"


def _target(known: Known) -> dict[str, Any]:
    balancer = known["load_balancer.main"]
    return {"DNSName": balancer["dns_name"], "HostedZoneId": balancer["zone_id"], "EvaluateTargetHealth": False}


@pytest.fixture(autouse=True)
def _issued_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let moto issue a certificate when it is next looked at, instead of after a minute."""
    monkeypatch.setattr(settings, "ACM_VALIDATION_WAIT", -1)


@pytest.fixture
def zone(aws: Aws) -> str:
    """Return the hosted zone of the domain."""
    return hosted_zone(aws, "example.com")


@pytest.fixture
def known(aws: Aws, stack: Stack, zone: str) -> Known:
    """Return what is known once the load balancer and the certificate are there."""
    return built(aws, stack, SPEC, (load_balancer.KIND, certificate.KIND), network(aws))


def test_each_host_has_an_alias_and_a_validation_record() -> None:
    """The records are named by host, so that one more host is two more records and no other change."""
    assert list(wanted(KIND, SPEC)) == [*(f"validation-{host}" for host in HOSTS), *HOSTS]


def test_a_certificate_that_is_given_needs_no_validation() -> None:
    """Somebody else has validated it."""
    given = shop(entry=Entry(certificate="arn:aws:acm:eu-west-1:123456789012:certificate/a"))

    assert list(wanted(KIND, given)) == list(HOSTS)
    assert dns_record.validations(given, PLACE) == ()


def test_a_wildcard_host_shares_the_validation_record_of_what_it_stands_below() -> None:
    """ACM asks for one record, and Route 53 holds one."""
    spec = replace(SPEC, applications=(replace(SPEC.applications[1], host="*.shop.example.com"),))
    names = [name for name in wanted(KIND, spec) if name.startswith("validation-")]

    assert names == [VALIDATION, "validation-grafana.shop.example.com"]


@pytest.mark.parametrize("name", [VALIDATION, *HOSTS])
def test_what_was_created_is_what_was_wanted(name: str, aws: Aws, stack: Stack, known: Known) -> None:
    """Route 53 writes names with a last dot and stars as octal numbers; that is no difference."""
    made(KIND, aws, stack, wanted(KIND, SPEC)[name], known)

    assert paths_that_differ(KIND, aws, stack, wanted(KIND, SPEC)[name], known) == frozenset()


def test_a_wildcard_record_is_found_again(aws: Aws, stack: Stack, known: Known) -> None:
    """Route 53 tells of it as a backslash and 052."""
    spec = replace(SPEC, applications=(replace(SPEC.applications[1], host="*.shop.example.com"),))
    made(KIND, aws, stack, wanted(KIND, spec)["*.shop.example.com"], known)

    assert _route53.readable("\\052.shop.example.com.") == "*.shop.example.com"
    assert "*.shop.example.com" in all_seen(KIND, aws, stack)


def test_the_closest_zone_is_taken_and_private_ones_are_not(aws: Aws, stack: Stack, known: Known, zone: str) -> None:
    """Nobody on the internet asks a private zone."""
    closest = hosted_zone(aws, "shop.example.com")
    hosted_zone(aws, "api.shop.example.com", private=True)
    made(KIND, aws, stack, wanted(KIND, SPEC)["api.shop.example.com"], known)

    assert records(aws, zone) == {}
    assert list(records(aws, closest)) == [("A", "api.shop.example.com")]


@pytest.mark.parametrize("given", ["example.com", "example.com.", "id"])
def test_a_zone_that_the_spec_names_is_taken(given: str, aws: Aws, stack: Stack, known: Known, zone: str) -> None:
    """By name or by id; once it exists a record stays where it is."""
    hosted_zone(aws, "shop.example.com")
    spec = shop(entry=Entry(hosted_zone=zone if given == "id" else given))
    made(KIND, aws, stack, wanted(KIND, spec)["shop.example.com"], known)

    assert list(records(aws, zone)) == [("A", "shop.example.com")]
    assert paths_that_differ(KIND, aws, stack, wanted(KIND, SPEC)["shop.example.com"], known) == frozenset()


def test_without_a_zone_nothing_can_be_written(aws: Aws, stack: Stack) -> None:
    """The error says what to create."""
    resource = with_fields(wanted(KIND, SPEC)["shop.example.com"], AliasTarget={"DNSName": "x", "HostedZoneId": "Z"})

    with pytest.raises(DeployError, match="no public hosted zone") as caught:
        KIND.create(aws, stack, ready(resource, stack))

    assert "create a public hosted zone" in caught.value.hint


def test_two_zones_of_one_name_have_to_be_told_apart(aws: Aws, stack: Stack, known: Known, zone: str) -> None:
    """Only one of them is delegated to, and Route 53 does not say which."""
    aws.call("route53", "create_hosted_zone", Name="example.com", CallerReference="second")

    with pytest.raises(DeployError, match="several"):
        KIND.create(aws, stack, ready(wanted(KIND, SPEC)["shop.example.com"], stack, known))


TAKEN = [
    {"Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]},
    {"Type": "CNAME", "TTL": 60, "ResourceRecords": [{"Value": "elsewhere.example.net"}]},
    {
        "Type": "A",
        "AliasTarget": {
            "DNSName": "dualstack.others-1.eu-west-1.elb.amazonaws.com",
            "HostedZoneId": "Z2P70J7EXAMPLE",
            "EvaluateTargetHealth": False,
        },
    },
    {"Type": "A", "TTL": 60, "SetIdentifier": "blue", "Weight": 1, "ResourceRecords": [{"Value": "192.0.2.1"}]},
]


@pytest.mark.parametrize("record", TAKEN, ids=["address", "cname", "alias", "weighted"])
def test_somebody_elses_record_is_not_taken_over(
    record: dict[str, object], aws: Aws, stack: Stack, known: Known, zone: str
) -> None:
    """Their site would be gone without a word. The error names the record."""
    put_record(aws, zone, Name="shop.example.com", **record)
    before = records(aws, zone)

    with pytest.raises(DeployError, match="somebody else's") as caught:
        KIND.create(aws, stack, ready(wanted(KIND, SPEC)["shop.example.com"], stack, known))

    assert caught.value.where["record"] == f"{record['Type']} shop.example.com"
    assert records(aws, zone) == before


def test_a_text_record_of_the_same_name_is_no_obstacle(aws: Aws, stack: Stack, known: Known, zone: str) -> None:
    """Mail and ownership proofs live beside an address."""
    put_record(aws, zone, Name="shop.example.com", Type="TXT", TTL=60, ResourceRecords=[{"Value": '"v=spf1 -all"'}])
    made(KIND, aws, stack, wanted(KIND, SPEC)["shop.example.com"], known)

    assert set(records(aws, zone)) == {("A", "shop.example.com"), ("TXT", "shop.example.com")}


def test_a_record_that_an_interrupted_run_has_made_is_gone_on_with(aws: Aws, stack: Stack, known: Known) -> None:
    """The same record twice is one record."""
    resource = ready(wanted(KIND, SPEC)["shop.example.com"], stack, known)

    assert KIND.create(aws, stack, resource) == KIND.create(aws, stack, resource)


def test_a_record_of_the_stacks_former_load_balancer_is_taken_over(
    aws: Aws, stack: Stack, known: Known, zone: str
) -> None:
    """Its name is the stack's, its number nobody's any more: somebody has deleted the load balancer by hand."""
    target = {"DNSName": "shop-main-4711.eu-west-1.elb.amazonaws.com", "HostedZoneId": "Z2P70J7EXAMPLE"}
    put_record(aws, zone, Name="shop.example.com", Type="A", AliasTarget={**target, "EvaluateTargetHealth": False})
    made(KIND, aws, stack, wanted(KIND, SPEC)["shop.example.com"], known)

    assert records(aws, zone)["A", "shop.example.com"] == known["load_balancer.main"]["dns_name"]


def test_an_alias_changed_by_hand_is_mended(aws: Aws, stack: Stack, known: Known, zone: str) -> None:
    """A console adds ``dualstack.``, which is no difference; evaluating health is one."""
    resource = wanted(KIND, SPEC)["shop.example.com"]
    made(KIND, aws, stack, resource, known)
    balancer = known["load_balancer.main"]
    target = {"DNSName": f"dualstack.{balancer['dns_name']}.", "HostedZoneId": balancer["zone_id"]}
    put_record(aws, zone, Name="shop.example.com", Type="A", AliasTarget={**target, "EvaluateTargetHealth": True})

    assert paths_that_differ(KIND, aws, stack, resource, known) == {"AliasTarget.EvaluateTargetHealth"}
    assert mended(KIND, aws, stack, resource, known) == frozenset()


def test_a_validation_record_changed_by_hand_is_mended(aws: Aws, stack: Stack, known: Known, zone: str) -> None:
    """ACM would not renew the certificate a year later."""
    resource = wanted(KIND, SPEC)[VALIDATION]
    name = made(KIND, aws, stack, resource, known).attributes["name"]
    put_record(aws, zone, Name=name, Type="CNAME", TTL=60, ResourceRecords=[{"Value": "elsewhere.example.net"}])

    assert paths_that_differ(KIND, aws, stack, resource, known) == {"ResourceRecords", "TTL"}
    assert mended(KIND, aws, stack, resource, known) == frozenset()


def test_an_alias_that_somebody_else_made_is_theirs(aws: Aws, stack: Stack, known: Known, zone: str) -> None:
    """It may be in another team's zone: that it points to the stack's load balancer does not make it the stack's."""
    made(KIND, aws, stack, wanted(KIND, SPEC)["shop.example.com"], known)
    put_record(aws, zone, Name="www.example.com", Type="A", AliasTarget=_target(known))
    put_record(aws, hosted_zone(aws, "example.org"), Name="shop.example.org", Type="A", AliasTarget=_target(known))

    assert set(all_seen(KIND, aws, stack)) == {"shop.example.com"}


def test_an_alias_of_another_type_under_a_host_of_the_stacks_is_seen(
    aws: Aws, stack: Stack, known: Known, zone: str
) -> None:
    """It would point to nothing once the load balancer is gone. Another type has another name."""
    made(KIND, aws, stack, wanted(KIND, SPEC)["shop.example.com"], known)
    put_record(aws, zone, Name="shop.example.com", Type="AAAA", AliasTarget=_target(known))

    assert set(all_seen(KIND, aws, stack)) == {"shop.example.com", "AAAA-shop.example.com"}
    delete(KIND, aws, stack, "AAAA-shop.example.com")
    assert set(all_seen(KIND, aws, stack)) == {"shop.example.com"}


@pytest.mark.parametrize("host", ["shop.example.com", "*.shop.example.com"])
def test_with_a_given_certificate_the_stacks_aliases_are_known_all_the_same(
    host: str, aws: Aws, stack: Stack, zone: str
) -> None:
    """What the stack has written is written down; it is found, and found no more when it is gone."""
    applications = (SPEC.applications[0], replace(SPEC.applications[1], host="*.shop.example.com"))
    given = Entry(certificate="arn:aws:acm:eu-west-1:123456789012:certificate/a")
    resource = wanted(KIND, shop(entry=given, applications=applications))[host]
    known = built(aws, stack, SPEC, (load_balancer.KIND,), network(aws))
    put_record(aws, zone, Name="www.example.com", Type="A", AliasTarget=_target(known))
    made(KIND, aws, stack, resource, known)

    assert set(all_seen(KIND, aws, stack)) == {host}
    delete(KIND, aws, stack, host)
    assert set(records(aws, zone)) == {("A", "www.example.com")}
    put_record(aws, zone, Name=host, Type="A", AliasTarget=_target(known))
    assert all_seen(KIND, aws, stack) == {}


def test_an_alias_is_known_before_it_is_there(aws: Aws, stack: Stack, zone: str) -> None:
    """A run that dies between the two leaves no record that nobody knows."""
    known = built(aws, stack, SPEC, (load_balancer.KIND,), network(aws))
    refuse(aws, "route53", "ChangeResourceRecordSets", "AccessDenied")
    with pytest.raises(AwsError):
        KIND.create(aws, stack, ready(wanted(KIND, SPEC)["shop.example.com"], stack, known))
    put_record(aws, zone, Name="shop.example.com", Type="A", AliasTarget=_target(known))

    assert set(all_seen(KIND, aws, stack)) == {"shop.example.com"}


def test_looking_reads_names_and_not_zones(aws: Aws, stack: Stack, known: Known, zone: str) -> None:
    """A zone may hold ten thousand records; one that can hold none of the stack's is not asked at all."""
    for name in ("shop.example.com", VALIDATION):
        made(KIND, aws, stack, wanted(KIND, SPEC)[name], known)
    other = hosted_zone(aws, "example.org")
    asked: list[str] = []
    client = aws.client("route53")
    client.meta.events.register(
        "provide-client-params.route-53.ListResourceRecordSets",
        lambda params, **_: asked.append(f"{params['HostedZoneId']} {params.get('StartRecordName', '')}"),
    )

    assert set(all_seen(KIND, aws, stack)) == {"shop.example.com", VALIDATION}
    assert not any(one.startswith(other) for one in asked)
    assert {one.partition(" ")[0] for one in asked} == {zone}
    assert all(one.partition(" ")[2] for one in asked)
    assert len(asked) == 2 * len(HOSTS)


def test_deleting_leaves_nothing_and_can_be_done_twice(aws: Aws, stack: Stack, known: Known, zone: str) -> None:
    """That one is already gone is no error."""
    for name in (VALIDATION, "shop.example.com"):
        made(KIND, aws, stack, wanted(KIND, SPEC)[name], known)
        delete(KIND, aws, stack, name)

    assert all_seen(KIND, aws, stack) == {}
    assert records(aws, zone) == {}


def test_a_record_that_points_elsewhere_by_now_is_not_deleted(aws: Aws, stack: Stack, known: Known, zone: str) -> None:
    """Somebody has moved the host away between the look and the deletion."""
    before = made(KIND, aws, stack, wanted(KIND, SPEC)["shop.example.com"], known)
    put_record(aws, zone, Name="shop.example.com", Type="A", TTL=60, ResourceRecords=[{"Value": "192.0.2.1"}])
    KIND.delete(aws, stack, before)

    assert records(aws, zone) == {("A", "shop.example.com"): "192.0.2.1"}


@pytest.mark.usefixtures("data_as_aws")
@pytest.mark.parametrize(
    ("region", "key", "host"),
    [
        (REGION, "RSA_2048", "*.shop.example.com"),
        (REGION, "EC_prime256v1", "shop.example.com"),
        ("us-east-1", "RSA_2048", "shop.example.com"),
        ("us-east-1", "EC_secp384r1", "shop.example.com"),
    ],
)
def test_a_validation_record_that_another_certificate_needs_stays(
    region: str, key: str, host: str, aws: Aws, stack: Stack, known: Known, zone: str
) -> None:
    """An account has one a host name, for all keys and regions: without it the other would not be renewed."""
    before = made(KIND, aws, stack, wanted(KIND, SPEC)[VALIDATION], known)
    client = aws.session.client("acm", region_name=region)
    client.request_certificate(DomainName=host, ValidationMethod="DNS", KeyAlgorithm=key)
    KIND.delete(aws, stack, before)

    assert ("CNAME", before.attributes["name"]) in records(aws, zone)
    certificate.KIND.delete(aws, stack, seen(certificate.KIND, aws, stack, "main"))
    assert all_seen(KIND, aws, stack) == {}, "what stays on purpose is not left over"


def test_a_validation_record_stays_where_it_is_not_certain_that_nobody_needs_it(
    aws: Aws, stack: Stack, known: Known, zone: str
) -> None:
    """Many organisations forbid us-east-1, where CloudFront's certificates are."""
    before = made(KIND, aws, stack, wanted(KIND, SPEC)[VALIDATION], known)

    def forbidden(*_: Any, **named: Any) -> Any:
        if named["context"]["client_region"] != "us-east-1":
            return None
        told = {"Code": "AccessDeniedException", "Message": "explicit deny in a service control policy"}
        return SimpleNamespace(status_code=400, headers={}), {
            "Error": told,
            "ResponseMetadata": {"HTTPStatusCode": 400},
        }

    aws.session.events.register_first("before-call.acm.ListCertificates", forbidden)
    KIND.delete(aws, stack, before)

    assert ("CNAME", before.attributes["name"]) in records(aws, zone)


def test_another_stacks_records_are_not_seen(aws: Aws, stack: Stack, known: Known, zone: str) -> None:
    """They point to another load balancer and validate another certificate."""
    made(KIND, aws, stack, wanted(KIND, SPEC)["shop.example.com"], known)

    assert all_seen(KIND, aws, replace(stack, name="other")) == {}
