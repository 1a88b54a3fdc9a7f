"""The certificate of the stack's host names, from ACM, validated by DNS."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from obskit.deploy.resource import Attributes, Fields, Kind, Observed, Resource
from obskit.deploy.resources import _acm, _entry, _tags

if TYPE_CHECKING:
    from obskit.deploy.aws import Aws
    from obskit.deploy.resource import Place, Stack
    from obskit.deploy.spec import StackSpec

#: ACM makes up the validation records some seconds after the request.
_RECORDS_SECONDS: Final = 300.0


def record_name(host: str) -> str:
    """Return the attribute that holds the name of a host name's validation record."""
    return f"validation_name_{_entry.base(host)}"


def record_value(host: str) -> str:
    """Return the attribute that holds the value of a host name's validation record."""
    return f"validation_value_{_entry.base(host)}"


class CertificateKind(Kind):
    """One certificate for all host names; none when the spec names one that exists.

    A certificate's names cannot be changed: another one is requested and validated, the listener takes it,
    and the old one goes. So does one that was not validated in time, or was revoked: its ``Status`` is a
    field only then.

    Attributes that others refer to: ``arn``, and for each host name `record_name` and `record_value`.
    """

    name = "certificate"
    replace_on = ("DomainName", "SubjectAlternativeNames", "Status")
    create_first = True

    def wanted(self, spec: StackSpec, place: Place) -> Iterable[Resource]:
        """Yield the certificate, unless the spec names one."""
        if spec.entry.certificate:
            return
        hosts = _entry.hosts(spec, place)
        fields: Fields = {"DomainName": hosts[0], "SubjectAlternativeNames": tuple(sorted(hosts))}
        yield Resource(kind=self.name, name="main", fields=fields)

    def observe(self, aws: Aws, stack: Stack) -> Iterable[Observed]:
        """Yield the certificates that bear the stack's tags, the oldest first."""
        for certificate, tags in _acm.ours(aws, stack):
            name = _tags.name_of(self.name, tags, stack)
            if name is not None:
                yield Observed(
                    kind=self.name,
                    name=name,
                    fields=_fields(certificate),
                    attributes=_attributes(certificate),
                    tags=tags,
                )

    def create(self, aws: Aws, stack: Stack, resource: Resource) -> Attributes:
        """Request a certificate, and wait until ACM says which records validate it.

        The request bears no idempotency token: after an hour, or a deletion, the same token would stand for
        another certificate. The tags say whether a request that was not answered took effect.

        Raises:
            AwsError: ACM refuses, or makes up no records in time.
        """
        fields: Any = resource.fields
        domain = fields["DomainName"]
        answer = aws.call(
            "acm",
            "request_certificate",
            DomainName=domain,
            SubjectAlternativeNames=[name for name in fields["SubjectAlternativeNames"] if name != domain] or None,
            ValidationMethod="DNS",
            Tags=_tags.as_list(resource.tags),
        )
        return _wait_for_records(aws, answer["CertificateArn"])

    def change(self, aws: Aws, stack: Stack, resource: Resource, before: Observed, paths: frozenset[str]) -> Attributes:
        """Wait for the validation records: a run that was interrupted did not.

        Raises:
            AwsError: ACM makes up no records in time.
        """
        return _wait_for_records(aws, before.attributes["arn"])

    def retag(self, aws: Aws, stack: Stack, before: Observed, tags: Mapping[str, str]) -> None:
        """Write tags onto one that exists."""
        arn = before.attributes["arn"]
        aws.call("acm", "add_tags_to_certificate", idempotent=True, CertificateArn=arn, Tags=_tags.as_list(tags))

    def delete(self, aws: Aws, stack: Stack, before: Observed) -> None:
        """Delete one. The load balancer that used it a moment ago is given time to let go of it."""
        arn = before.attributes["arn"]
        if _acm.describe(aws, arn) is not None:
            aws.call("acm", "delete_certificate", idempotent=True, settle=True, CertificateArn=arn)


def _wait_for_records(aws: Aws, arn: str) -> Attributes:
    """Wait until ACM has made up the validation records of a certificate; return its attributes.

    Raises:
        AwsError: It took longer than five minutes.
    """
    certificate: Mapping[str, Any] = {}

    def missing() -> str:
        nonlocal certificate
        certificate = _acm.describe(aws, arn) or {}
        return "" if certificate and _is_settled(certificate) else "ACM makes up the validation records"

    aws.until(missing, patience_seconds=_RECORDS_SECONDS, what=f"certificate {arn}")
    return _attributes(certificate)


def _is_settled(certificate: Mapping[str, Any]) -> bool:
    """Tell whether ACM has made up a record for each host name, or never will."""
    hosts = {_entry.base(name) for name in _acm.names(certificate)}
    return hosts <= _acm.records(certificate).keys() or certificate.get("Status") in _acm.LOST


def _fields(certificate: Mapping[str, Any]) -> Fields:
    """Return a certificate in the shape of what is wanted, and what keeps it from being that."""
    fields: dict[str, str | tuple[str, ...]] = {
        "DomainName": certificate["DomainName"].lower(),
        "SubjectAlternativeNames": _acm.names(certificate),
    }
    if certificate.get("Status") in _acm.LOST:
        fields["Status"] = str(certificate["Status"])
    elif not _is_settled(certificate):
        fields["DomainValidationOptions"] = "not made up yet"
    return fields


def _attributes(certificate: Mapping[str, Any]) -> Attributes:
    """Return what others refer to: the ARN, and a name and a value for each validation record."""
    attributes = {"arn": str(certificate["CertificateArn"])}
    for host, (name, value) in _acm.records(certificate).items():
        attributes |= {record_name(host): name, record_value(host): value}
    return attributes


KIND = CertificateKind()
