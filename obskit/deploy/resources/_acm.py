"""Certificates of ACM: which are the stack's, which records validate them, what became of them."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from obskit.deploy.aws import Aws, quiet
from obskit.deploy.errors import AwsError, DeployError
from obskit.deploy.resource import STACK_TAG, Stack
from obskit.deploy.resources import _entry, _tags

#: States that a certificate does not come back from.
LOST: Final = frozenset({"FAILED", "VALIDATION_TIMED_OUT", "EXPIRED", "REVOKED", "INACTIVE"})
_ISSUED: Final = "ISSUED"
#: Of so many certificates, the newest, tags are always asked for.
_NEWEST: Final = 10
#: Where certificates for CloudFront are, whatever the region of the rest.
_CLOUDFRONT: Final = "us-east-1"
#: All that `list_certificates` can be asked for.
_KEY_TYPES: Final = (
    "RSA_1024",
    "RSA_2048",
    "RSA_3072",
    "RSA_4096",
    "EC_prime256v1",
    "EC_secp384r1",
    "EC_secp521r1",
)


def ours(aws: Aws, stack: Stack) -> list[tuple[Mapping[str, Any], dict[str, str]]]:
    """Return the stack's certificates as ACM describes them, each with its tags; the oldest first.

    ACM tells tags of one certificate at a time, so that this is a call for each that may be the stack's.
    """
    found = []
    for arn in _candidates(aws, stack):
        answer = quiet(partial(aws.call, "acm", "list_tags_for_certificate", CertificateArn=arn)) or {}
        tags = _tags.as_dict(answer.get("Tags"))
        if _tags.name_of("certificate", tags, stack) is not None and (certificate := describe(aws, arn)):
            found.append((certificate, tags))
    return sorted(found, key=lambda pair: (_created(pair[0]), pair[0]["CertificateArn"]))


def _candidates(aws: Aws, stack: Stack) -> list[str]:
    """Return the ARNs of certificates whose tags are worth asking for.

    Of many, the tagging service knows which bear the stack's tag. It hears of new ones late, so that the newest
    are asked all the same; and not everybody may ask it.
    """
    rows = [row for row in aws.pages("acm", "list_certificates", "CertificateSummaryList") if _like_ours(row)]
    rows.sort(key=_created, reverse=True)
    arns = [str(row["CertificateArn"]) for row in rows]
    if len(arns) <= _NEWEST:
        return arns
    tagged = _tagged(aws, stack)
    if tagged is None:
        return arns
    # Those of one moment are told apart by nothing: all of them are new.
    since = _created(rows[_NEWEST - 1])
    return [arn for row, arn in zip(rows, arns, strict=True) if _created(row) >= since or arn in tagged]


def _created(row: Mapping[str, Any]) -> str:
    return str(row.get("CreatedAt", ""))


def _like_ours(row: Mapping[str, Any]) -> bool:
    return row.get("Type", "AMAZON_ISSUED") == "AMAZON_ISSUED" and not row.get("ManagedBy")


def _tagged(aws: Aws, stack: Stack) -> set[str] | None:
    """Return the ARNs of certificates that bear the stack's tag; None where nobody may tell."""
    filters = [{"Key": STACK_TAG, "Values": [stack.name]}]
    asked = {"TagFilters": filters, "ResourceTypeFilters": ["acm:certificate"]}
    try:
        rows = list(aws.pages("resourcegroupstaggingapi", "get_resources", "ResourceTagMappingList", **asked))
    except AwsError as error:
        if error.ambiguous:
            raise
        return None
    return {str(row["ResourceARN"]) for row in rows}


def describe(aws: Aws, arn: str) -> Mapping[str, Any] | None:
    """Return a certificate as ACM describes it; None when there is none."""
    answer = quiet(lambda: aws.call("acm", "describe_certificate", CertificateArn=arn))
    found: Mapping[str, Any] | None = answer and answer.get("Certificate")
    return found


def names(certificate: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the host names of a certificate, sorted."""
    listed = {certificate["DomainName"], *certificate.get("SubjectAlternativeNames", ())}
    return tuple(sorted(name.lower() for name in listed))


def records(certificate: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Return the CNAMEs that validate a certificate, as far as ACM has made them up.

    Returns:
        Host name without wildcard -> the record's name and value, lower-case, without the last dot.
    """
    return {
        _entry.base(option["DomainName"]): (
            record["Name"].rstrip(".").lower(),
            record["Value"].rstrip(".").lower(),
        )
        for option in certificate.get("DomainValidationOptions", ())
        if (record := option.get("ResourceRecord"))
    }


def pending(certificate: Mapping[str, Any] | None) -> str:
    """Return why a certificate cannot be used yet; "" when it can.

    Raises:
        DeployError: It will never be issued, or is gone.
    """
    if certificate is None:
        raise DeployError("the certificate that was to be validated is gone", hint="run the same command again")
    state = str(certificate.get("Status", ""))
    domain = str(certificate.get("DomainName", ""))
    if state in LOST:
        where = {"state": state, "reason": str(certificate.get("FailureReason", "")), "arn": _arn(certificate)}
        hint = "correct what ACM complains of (CAA_ERROR: a CAA record forbids Amazon), then apply again"
        raise DeployError(f"ACM did not issue the certificate of {domain}", where=where, hint=hint)
    if state == _ISSUED:
        return ""
    unseen = sorted(_unseen(certificate.get("DomainValidationOptions", ())))
    return f"ACM has not yet seen the validation records of {', '.join(unseen) or domain}"


def needed_by_others(aws: Aws, stack: Stack, host: str) -> bool:
    """Tell whether a certificate that is not the stack's is, or may be, validated by the same record.

    An account has one validation record a host name, whoever asks for a certificate, with whatever key, in
    whichever region: taking it away would end the renewal of the others. Certificates of this region are seen
    and those for CloudFront, which are in the first one; those of other regions are not.

    Args:
        aws, stack: Where.
        host: Name without wildcard.
    """
    own = {certificate["CertificateArn"] for certificate, _ in ours(aws, stack)}
    if any(_validates(aws, row, host) for row in _of_all_keys(aws) if row["CertificateArn"] not in own):
        return True
    if stack.place.partition != "aws" or stack.place.region == _CLOUDFRONT:
        return False
    there = _in_region(aws, _CLOUDFRONT)
    try:
        return any(_validates(there, row, host) for row in _of_all_keys(there))
    except AwsError:
        # Many organisations forbid other regions altogether: what is not seen may be there.
        return True


def _of_all_keys(aws: Aws) -> Iterator[Mapping[str, Any]]:
    """Yield all certificates of a region; left to itself ACM lists those with short RSA keys alone."""
    keys = {"keyTypes": list(_KEY_TYPES)}
    yield from aws.pages("acm", "list_certificates", "CertificateSummaryList", Includes=keys)


def _validates(aws: Aws, row: Mapping[str, Any], host: str) -> bool:
    if row.get("Status") in LOST or row.get("Type") == "IMPORTED":
        return False
    listed: Mapping[str, Any] | None = row
    if "SubjectAlternativeNameSummaries" not in row or row.get("HasAdditionalSubjectAlternativeNames"):
        listed = describe(aws, row["CertificateArn"])
    return listed is not None and host in _bases(listed)


def _in_region(aws: Aws, region: str) -> Aws:
    """Return the same account, with the same credentials, in another region."""
    return replace(aws, session=_Elsewhere(aws.session, region), _clients={}, _lock=threading.RLock())


@dataclass(frozen=True, slots=True)
class _Elsewhere:
    """A session of boto3's whose clients are in a region of their own.

    Attributes:
        session: boto3's.
        region: ``us-east-1``.
    """

    session: Any
    region: str

    def client(self, service: str, **asked: Any) -> Any:
        """Return boto3's client."""
        return self.session.client(service, region_name=self.region, **asked)


def _bases(certificate: Mapping[str, Any]) -> set[str]:
    listed = certificate.get("SubjectAlternativeNames") or certificate.get("SubjectAlternativeNameSummaries") or ()
    return {_entry.base(name) for name in (certificate.get("DomainName", ""), *listed)}


def _unseen(options: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for option in options:
        if option.get("ValidationStatus") != "SUCCESS":
            yield str(option["DomainName"])


def _arn(certificate: Mapping[str, Any]) -> str:
    return str(certificate.get("CertificateArn", ""))
