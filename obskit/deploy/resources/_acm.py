"""Certificates of ACM: which are the stack's, which records validate them, what became of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any, Final

from obskit.deploy.aws import Aws, quiet
from obskit.deploy.errors import DeployError
from obskit.deploy.resource import Stack
from obskit.deploy.resources import _entry, _tags

#: States that a certificate does not come back from.
LOST: Final = frozenset({"FAILED", "VALIDATION_TIMED_OUT", "EXPIRED", "REVOKED", "INACTIVE"})
_ISSUED: Final = "ISSUED"


def ours(aws: Aws, stack: Stack) -> list[tuple[Mapping[str, Any], dict[str, str]]]:
    """Return the stack's certificates as ACM describes them, each with its tags; the oldest first.

    ACM tells tags of one certificate at a time, so that this is a call for each that ACM has issued.
    """
    found = []
    for row in aws.pages("acm", "list_certificates", "CertificateSummaryList"):
        if row.get("Type", "AMAZON_ISSUED") != "AMAZON_ISSUED":
            continue
        arn = row["CertificateArn"]
        answer = quiet(partial(aws.call, "acm", "list_tags_for_certificate", CertificateArn=arn)) or {}
        tags = _tags.as_dict(answer.get("Tags"))
        if _tags.name_of("certificate", tags, stack) is not None and (certificate := describe(aws, arn)):
            found.append((certificate, tags))
    return sorted(found, key=lambda pair: (str(pair[0].get("CreatedAt", "")), pair[0]["CertificateArn"]))


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
    """Tell whether a certificate that is not the stack's is validated by the same record.

    An account has one validation record a host name, whoever asks for a certificate: taking it away would
    end the renewal of the others. Certificates of other regions are not seen.

    Args:
        aws, stack: Where.
        host: Name without wildcard.
    """
    own = {certificate["CertificateArn"] for certificate, _ in ours(aws, stack)}
    for row in aws.pages("acm", "list_certificates", "CertificateSummaryList"):
        if row["CertificateArn"] in own or row.get("Status") in LOST or row.get("Type") == "IMPORTED":
            continue
        listed: Mapping[str, Any] | None = row
        if "SubjectAlternativeNameSummaries" not in row or row.get("HasAdditionalSubjectAlternativeNames"):
            listed = describe(aws, row["CertificateArn"])
        if listed and host in _bases(listed):
            return True
    return False


def _bases(certificate: Mapping[str, Any]) -> set[str]:
    listed = certificate.get("SubjectAlternativeNames") or certificate.get("SubjectAlternativeNameSummaries") or ()
    return {_entry.base(name) for name in (certificate.get("DomainName", ""), *listed)}


def _unseen(options: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for option in options:
        if option.get("ValidationStatus") != "SUCCESS":
            yield str(option["DomainName"])


def _arn(certificate: Mapping[str, Any]) -> str:
    return str(certificate.get("CertificateArn", ""))
