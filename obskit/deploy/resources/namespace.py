"""The private DNS zone in which services find each other: ``loki.shop.internal``."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from obskit.deploy.aws import quiet
from obskit.deploy.errors import AwsError, DeployError
from obskit.deploy.resource import Attributes, Fields, Kind, Observed, Ref, Resource
from obskit.deploy.resources import _cloud_map, _tags

if TYPE_CHECKING:
    from obskit.deploy.aws import Aws
    from obskit.deploy.resource import Place, Stack
    from obskit.deploy.spec import StackSpec

_API: Final = _cloud_map.API
_TAKEN: Final = ("NamespaceAlreadyExists", "ConflictingDomainExists", "DuplicateRequest")


class NamespaceKind(Kind):
    """One private namespace of Cloud Map.

    Cloud Map does not say in which VPC a namespace is; it does say by which request it was made, so the
    VPC is part of the request's id.

    Attributes that others refer to: ``id``, ``arn``, ``name`` and ``zone``, the hosted zone's id.
    """

    name = "namespace"
    needs = ("vpc",)
    replace_on = ("Name", "Type", "Vpc")

    def wanted(self, spec: StackSpec, place: Place) -> Iterable[Resource]:
        """Yield the namespace."""
        fields: Fields = {"Name": spec.namespace, "Type": "DNS_PRIVATE", "Vpc": Ref("vpc.main")}
        yield Resource(kind=self.name, name="main", fields=fields)

    def observe(self, aws: Aws, stack: Stack) -> Iterable[Observed]:
        """Yield the namespaces of the stack's name that bear its tags."""
        for row, tags in _of_name(aws, _zone_name(stack)):
            name = _tags.name_of(self.name, tags, stack)
            if name is not None:
                yield Observed(kind=self.name, name=name, fields=_read(row), attributes=_told(row), tags=tags)

    def create(self, aws: Aws, stack: Stack, resource: Resource) -> Attributes:
        """Create it and wait for its zone, or go on with the one that an interrupted run has made.

        Raises:
            DeployError: Somebody else has a namespace of that name, or AWS could not make it.
        """
        asked: Any = resource.fields
        try:
            answer = aws.call(
                _API,
                "create_private_dns_namespace",
                Name=asked["Name"],
                Vpc=asked["Vpc"],
                CreatorRequestId=f"{asked['Vpc']}/{secrets.token_hex(8)}",
                Description=f"Services of {stack.name}",
                Tags=_tags.as_list(resource.tags),
            )
        except AwsError as error:
            if error.code not in _TAKEN:
                raise
            return self._there_already(aws, stack, asked["Name"], error)
        made = _cloud_map.finish(aws, answer, what=f"creating namespace {asked['Name']}")
        return _told(aws.call(_API, "get_namespace", Id=made["NAMESPACE"])["Namespace"])

    def _there_already(self, aws: Aws, stack: Stack, name: str, error: AwsError) -> Attributes:
        """Return what an interrupted run has made, or say whose it is."""
        for row, tags in _of_name(aws, name):
            if _tags.name_of(self.name, tags, stack) is not None:
                return _told(row)
        hint = "delete it if nobody needs it, give the stack another name, or wait until AWS has finished making it"
        where = {"aws": error.message}
        raise DeployError(f"a namespace in the way of {name} is not this stack's", where=where, hint=hint) from error

    def retag(self, aws: Aws, stack: Stack, before: Observed, tags: Mapping[str, str]) -> None:
        """Write tags."""
        _cloud_map.write_tags(aws, before.attributes["arn"], tags)

    def delete(self, aws: Aws, stack: Stack, before: Observed) -> None:
        """Delete it and wait until its zone is gone.

        Raises:
            DeployError: AWS could not delete it.
        """
        asked = before.attributes["id"]
        answer = quiet(lambda: aws.call(_API, "delete_namespace", idempotent=True, settle=True, Id=asked))
        _cloud_map.finish(aws, answer, what=f"deleting namespace {before.attributes['name']}")


def _zone_name(stack: Stack) -> str:
    return f"{stack.name}.internal"


def _of_name(aws: Aws, name: str) -> Iterable[tuple[Mapping[str, Any], dict[str, str]]]:
    kinds = [{"Name": "TYPE", "Values": ["DNS_PRIVATE"], "Condition": "EQ"}]
    for row in aws.pages(_API, "list_namespaces", "Namespaces", Filters=kinds):
        if row["Name"] == name:
            yield aws.call(_API, "get_namespace", Id=row["Id"])["Namespace"], _cloud_map.tags(aws, row["Arn"])


def _read(row: Mapping[str, Any]) -> Fields:
    vpc = re.match(r"(vpc-[0-9a-f]+)/", str(row.get("CreatorRequestId", "")))
    return {"Name": row["Name"], "Type": row.get("Type"), "Vpc": vpc[1] if vpc else None}


def _told(row: Mapping[str, Any]) -> Attributes:
    zone = str(row.get("Properties", {}).get("DnsProperties", {}).get("HostedZoneId", ""))
    return {"id": row["Id"], "arn": row["Arn"], "name": row["Name"], "zone": zone.rpartition("/")[2]}


KIND = NamespaceKind()
