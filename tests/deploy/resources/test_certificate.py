"""The certificate, and what is read of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from moto.acm.models import acm_backends

from obskit.deploy.aws import Aws
from obskit.deploy.errors import DeployError
from obskit.deploy.resource import Observed, Stack
from obskit.deploy.resources import _acm, certificate
from obskit.deploy.spec import Entry
from tests.support.entry import shop, wanted, with_fields
from tests.support.kinds import all_seen, delete, made, paths_that_differ, ready, seen
from tests.support.refusing import refuse
from tests.support.stack import ACCOUNT, REGION

KIND = certificate.KIND
SPEC = shop()
#: More than are always asked for their tags; moto makes a key for each, which takes its time.
MANY = 12


def test_it_covers_every_host_name_that_the_load_balancer_answers() -> None:
    """The domain, Grafana's host and those of applications; the domain is its first name."""
    fields = wanted(KIND, SPEC)["main"].fields

    assert fields == {
        "DomainName": "shop.example.com",
        "SubjectAlternativeNames": ("api.shop.example.com", "grafana.shop.example.com", "shop.example.com"),
    }


def test_none_is_wanted_where_the_spec_names_one() -> None:
    """Somebody else looks after that one."""
    assert wanted(KIND, shop(entry=Entry(certificate="arn:aws:acm:eu-west-1:123456789012:certificate/a"))) == {}


def test_what_was_created_is_what_was_wanted(aws: Aws, stack: Stack) -> None:
    """ACM lists the first name among the others; that is no difference."""
    found = made(KIND, aws, stack, wanted(KIND, SPEC)["main"])

    assert paths_that_differ(KIND, aws, stack, wanted(KIND, SPEC)["main"]) == frozenset()
    assert found.tags is not None
    assert found.tags["obskit:resource"] == "certificate.main"


def test_each_host_name_has_a_validation_record_to_refer_to(aws: Aws, stack: Stack) -> None:
    """Records of validation refer to attributes by host name, so that a new host leaves the others alone."""
    attributes = made(KIND, aws, stack, wanted(KIND, SPEC)["main"]).attributes

    assert attributes[certificate.record_name("api.shop.example.com")].endswith(".api.shop.example.com")
    assert attributes[certificate.record_value("shop.example.com")].endswith(".acm-validations.aws")


def test_another_name_means_another_certificate(aws: Aws, stack: Stack) -> None:
    """ACM cannot change names, and two may stand beside each other meanwhile."""
    made(KIND, aws, stack, wanted(KIND, SPEC)["main"])
    other = with_fields(wanted(KIND, SPEC)["main"], SubjectAlternativeNames=("shop.example.com",))

    assert paths_that_differ(KIND, aws, stack, other) == {"SubjectAlternativeNames"} <= {*KIND.replace_on}
    assert KIND.create_first


def test_one_that_will_never_be_issued_is_replaced(aws: Aws, stack: Stack) -> None:
    """Only another request makes ACM look again."""
    arn = made(KIND, aws, stack, wanted(KIND, SPEC)["main"]).attributes["arn"]
    acm_backends[ACCOUNT][REGION].get_certificate(arn).status = "VALIDATION_TIMED_OUT"

    assert paths_that_differ(KIND, aws, stack, wanted(KIND, SPEC)["main"]) == {"Status"} <= {*KIND.replace_on}


def test_lost_tags_are_written_again(aws: Aws, stack: Stack) -> None:
    """Tags are what makes it ours."""
    resource = ready(wanted(KIND, SPEC)["main"], stack)
    found = made(KIND, aws, stack, wanted(KIND, SPEC)["main"])
    KIND.retag(aws, stack, found, {**resource.tags, "owner": "others"})

    assert (seen(KIND, aws, stack, "main").tags or {})["owner"] == "others"


def test_deleting_leaves_none_and_can_be_done_twice(aws: Aws, stack: Stack) -> None:
    """That it is already gone is no error."""
    made(KIND, aws, stack, wanted(KIND, SPEC)["main"])
    delete(KIND, aws, stack, "main")

    assert all_seen(KIND, aws, stack) == {}


def test_another_stacks_certificate_is_not_seen(aws: Aws, stack: Stack) -> None:
    """Nor are those without tags, or imported ones."""
    made(KIND, aws, replace(stack, name="other"), wanted(KIND, SPEC)["main"])
    aws.call("acm", "request_certificate", DomainName="shop.example.com", ValidationMethod="DNS")

    assert all_seen(KIND, aws, stack) == {}


@pytest.mark.parametrize("denied", [False, True])
def test_of_many_certificates_few_are_asked_for_their_tags(denied: bool, aws: Aws, stack: Stack) -> None:
    """ACM tells tags of one at a time. The tagging service hears late of new ones, and not everybody may ask it."""
    made(KIND, aws, stack, wanted(KIND, SPEC)["main"])
    newest = _request_others(aws, seconds_between=60)[-1]
    if denied:
        refuse(aws, "resourcegroupstaggingapi", "GetResources", "AccessDeniedException", times=9)
    aws.calls.clear()

    assert all_seen(KIND, aws, stack).keys() == {"main"}
    asked = aws.calls["acm:ListTagsForCertificate"]
    assert asked == (MANY + 1 if denied else 11)
    assert newest in _acm._candidates(aws, stack)


def test_certificates_of_one_moment_are_all_new(aws: Aws, stack: Stack) -> None:
    """ACM tells the second of a request: of many in one, any may be what the tagging service has not heard of."""
    assert {*_request_others(aws, seconds_between=0)} == {*_acm._candidates(aws, stack)}


def _request_others(aws: Aws, *, seconds_between: int) -> list[str]:
    """Request `MANY` certificates that are not the stack's; return their ARNs, the oldest first."""
    begin = datetime.now(UTC).replace(tzinfo=None)  # as moto keeps it
    arns = []
    for number in range(MANY):
        answer = aws.call("acm", "request_certificate", DomainName=f"{number}.example.com", ValidationMethod="DNS")
        arns.append(answer["CertificateArn"])
        of_moto = acm_backends[ACCOUNT][REGION].get_certificate(arns[-1])
        of_moto.created_at = begin + timedelta(seconds=number * seconds_between)
    return arns


def test_a_certificate_whose_records_acm_has_not_made_up_yet_is_not_as_wanted() -> None:
    """An interrupted run has not waited for them: the next one does, since it sees a difference."""
    described = {"CertificateArn": "a", "DomainName": "shop.example.com", "Status": "PENDING_VALIDATION"}

    assert "DomainValidationOptions" in certificate._fields(described)


def test_validation_records_are_waited_for(aws: Aws, stack: Stack) -> None:
    """ACM makes them up some seconds after the request; what refers to them needs them all."""
    arn = f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/a"
    bare = {"CertificateArn": arn, "DomainName": "shop.example.com", "Status": "PENDING_VALIDATION"}
    record = {"Name": "_a.shop.example.com.", "Type": "CNAME", "Value": "_b.acm-validations.aws."}
    whole = {**bare, "DomainValidationOptions": [{"DomainName": "shop.example.com", "ResourceRecord": record}]}
    answers, http = [bare, bare, whole], type("Http", (), {"status_code": 200})()
    aws.client("acm").meta.events.register(
        "before-call.acm.DescribeCertificate", lambda **_: (http, {"Certificate": answers.pop(0)})
    )
    before = Observed(kind="certificate", name="main", fields={}, attributes={"arn": arn})

    attributes = KIND.change(aws, stack, ready(wanted(KIND, SPEC)["main"], stack), before, frozenset())

    assert attributes == {
        "arn": arn,
        "validation_name_shop.example.com": "_a.shop.example.com",
        "validation_value_shop.example.com": "_b.acm-validations.aws",
    }


def options(*states: tuple[str, str]) -> list[dict[str, str]]:
    """Return validation options of some names."""
    return [{"DomainName": name, "ValidationStatus": state} for name, state in states]


def test_waiting_names_the_hosts_that_acm_has_not_seen() -> None:
    """Somebody who looks at the wait has to know which record to look for."""
    described = {
        "DomainName": "shop.example.com",
        "Status": "PENDING_VALIDATION",
        "DomainValidationOptions": options(("a.example.com", "SUCCESS"), ("b.example.com", "PENDING_VALIDATION")),
    }

    assert _acm.pending(described) == "ACM has not yet seen the validation records of b.example.com"
    assert _acm.pending({**described, "Status": "ISSUED"}) == ""


def test_a_refusal_says_acms_reason() -> None:
    """CAA records are the usual one, and nothing but the reason tells of them."""
    described = {"DomainName": "shop.example.com", "Status": "FAILED", "FailureReason": "CAA_ERROR"}

    with pytest.raises(DeployError) as caught:
        _acm.pending(described)

    assert caught.value.where["reason"] == "CAA_ERROR"


def test_a_certificate_that_is_gone_is_not_waited_for() -> None:
    """Waiting half an hour for what somebody has deleted helps nobody."""
    with pytest.raises(DeployError, match="gone"):
        _acm.pending(None)


def test_a_wildcard_and_what_it_stands_below_share_a_record() -> None:
    """ACM gives both the same CNAME, so that there is one record to write."""
    record = {"Name": "_a.example.com.", "Type": "CNAME", "Value": "_b.acm-validations.aws."}
    described: dict[str, Any] = {
        "DomainValidationOptions": [
            {"DomainName": "*.example.com", "ResourceRecord": record},
            {"DomainName": "example.com", "ResourceRecord": record},
        ]
    }

    assert _acm.records(described) == {"example.com": ("_a.example.com", "_b.acm-validations.aws")}
