"""The stack's certificate as issued: what waits between its validation records and the listener that serves it.

AWS has no such thing. It is there when ACM has issued the certificate; making it is waiting for that, so that
a run that was interrupted while waiting is waited for by the next one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from obskit.deploy.resource import Attributes, Fields, Kind, Observed, Ref, Resource
from obskit.deploy.resources import _acm, dns_record

if TYPE_CHECKING:
    from obskit.deploy.aws import Aws
    from obskit.deploy.resource import Place, Stack
    from obskit.deploy.spec import StackSpec


class CertificateValidationKind(Kind):
    """One, ``main``, where the stack has a certificate of its own."""

    name = "certificate_validation"
    needs = ("certificate", "dns_record")
    replace_on = ("CertificateArn",)
    create_first = True
    #: ACM looks for the records within minutes, sometimes half an hour.
    patience_seconds = 2700.0

    def wanted(self, spec: StackSpec, place: Place) -> Iterable[Resource]:
        """Yield it, after all validation records."""
        if not spec.entry.certificate:
            fields: Fields = {"CertificateArn": Ref("certificate.main", "arn"), "Status": "ISSUED"}
            yield Resource(kind=self.name, name="main", fields=fields, after=dns_record.validations(spec, place))

    def observe(self, aws: Aws, stack: Stack) -> Iterable[Observed]:
        """Yield one for each certificate of the stack."""
        for certificate, _ in _acm.ours(aws, stack):
            arn = certificate["CertificateArn"]
            fields = {"CertificateArn": arn, "Status": certificate.get("Status")}
            yield Observed(kind=self.name, name="main", fields=fields, attributes={"arn": arn})

    def create(self, aws: Aws, stack: Stack, resource: Resource) -> Attributes:
        """Nothing is made: `waiting` waits."""
        return {"arn": str(resource.fields["CertificateArn"])}

    def change(self, aws: Aws, stack: Stack, resource: Resource, before: Observed, paths: frozenset[str]) -> Attributes:
        """Nothing is changed: `waiting` waits."""
        return before.attributes

    def delete(self, aws: Aws, stack: Stack, before: Observed) -> None:
        """Nothing is deleted: the certificate is a resource of its own."""

    def waiting(self, aws: Aws, stack: Stack, attributes: Attributes) -> str:
        """Return why the certificate is not issued yet.

        Raises:
            DeployError: ACM will not issue it.
        """
        return _acm.pending(_acm.describe(aws, attributes["arn"]))


KIND = CertificateValidationKind()
