"""Whoever serves the certificate waits until it is issued."""

from __future__ import annotations

import pytest
from moto import settings

from obskit.deploy.aws import Aws
from obskit.deploy.resource import Place, Stack
from obskit.deploy.resources import certificate
from obskit.deploy.resources.certificate_validation import KIND
from obskit.deploy.spec import Entry, StackSpec
from tests.support.kinds import built, paths_that_differ
from tests.support.stack import example_spec


def test_a_certificate_that_is_not_issued_is_a_difference(
    aws: Aws, stack: Stack, spec: StackSpec, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a run that was interrupted while waiting would be followed by one that does not wait."""
    monkeypatch.setattr(settings, "ACM_VALIDATION_WAIT", 9999)
    known = built(aws, stack, spec, (certificate.KIND,))
    (resource,) = KIND.wanted(spec, place)
    arn = known["certificate.main"]["arn"]

    assert "not yet seen" in KIND.waiting(aws, stack, {"arn": arn})
    assert paths_that_differ(KIND, aws, stack, resource, known) == {"Status"}
    monkeypatch.setattr(settings, "ACM_VALIDATION_WAIT", -1)
    assert KIND.waiting(aws, stack, {"arn": arn}) == ""
    assert paths_that_differ(KIND, aws, stack, resource, known) == set()


def test_it_comes_after_every_validation_record(spec: StackSpec, place: Place) -> None:
    """ACM issues nothing before it has seen all of them."""
    (resource,) = KIND.wanted(spec, place)

    assert resource.needs == {
        "certificate.main",
        "dns_record.validation-shop.example.com",
        "dns_record.validation-grafana.shop.example.com",
    }


def test_a_given_certificate_is_waited_for_by_nobody(place: Place) -> None:
    """Whoever gives one has seen to it."""
    given = example_spec(entry=Entry(certificate="arn:aws:acm:eu-west-1:123456789012:certificate/a"))

    assert list(KIND.wanted(given, place)) == []


def test_deleting_it_deletes_nothing(aws: Aws, stack: Stack, spec: StackSpec) -> None:
    """The certificate goes by itself."""
    known = built(aws, stack, spec, (certificate.KIND,))
    (seen,) = KIND.observe(aws, stack)
    KIND.delete(aws, stack, seen)

    assert [one.attributes["arn"] for one in certificate.KIND.observe(aws, stack)] == [known["certificate.main"]["arn"]]
