"""The name of each service in the stack's namespace; ECS registers the tasks under it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from obskit.deploy.aws import quiet
from obskit.deploy.errors import AwsError, DeployError
from obskit.deploy.resource import Attributes, Fields, Kind, Observed, Ref, Resource
from obskit.deploy.resources import _cloud_map, _tags, namespace
from obskit.deploy.services import services

if TYPE_CHECKING:
    from obskit.deploy.aws import Aws
    from obskit.deploy.resource import Place, Stack
    from obskit.deploy.spec import StackSpec

_API: Final = _cloud_map.API
#: How long a resolver may go on sending to a task that is gone.
_TTL_SECONDS: Final = 10
#: By these Cloud Map says that somebody else is taking a task out already.
_IN_OTHER_HANDS: Final = ("DuplicateRequest", "ResourceInUse")


class DiscoveryServiceKind(Kind):
    """One service of Cloud Map for each service that has a port.

    ECS itself says which tasks are healthy; for that it wants ``HealthCheckCustomConfig``. DNS answers with
    at most eight tasks.

    Attributes that others refer to: ``id`` and ``arn``.
    """

    name = "discovery_service"
    needs = ("namespace",)
    replace_on = ("NamespaceId", "Name", "DnsConfig.RoutingPolicy", "HealthCheckCustomConfig", "HealthCheckConfig")

    def wanted(self, spec: StackSpec, place: Place) -> Iterable[Resource]:
        """Yield one for each service that has a port."""
        for service in services(spec, place):
            if service.port:
                fields: Fields = {
                    "NamespaceId": Ref("namespace.main"),
                    "Name": service.name,
                    "DnsConfig": {"RoutingPolicy": "MULTIVALUE", "DnsRecords": {"A": _TTL_SECONDS}},
                    "HealthCheckCustomConfig": {"FailureThreshold": 1},
                }
                yield Resource(kind=self.name, name=service.name, fields=fields, service=service.name)

    def observe(self, aws: Aws, stack: Stack) -> Iterable[Observed]:
        """Yield all services in the stack's namespace; one without tags by its own name."""
        for parent in namespace.KIND.observe(aws, stack):
            yield from self._below(aws, stack, parent.attributes["id"])

    def _below(self, aws: Aws, stack: Stack, parent: str) -> Iterator[Observed]:
        for row in _rows(aws, parent):
            tags = _cloud_map.tags(aws, row["Arn"])
            name = _tags.name_of(self.name, tags, stack)
            if name is None:
                # What is not tagged is only the stack's if it really is in the stack's namespace.
                told = quiet(partial(aws.call, _API, "get_service", Id=row["Id"]))
                if not told or told["Service"].get("NamespaceId") != parent:
                    continue
            yield Observed(
                kind=self.name,
                name=name or row["Name"],
                fields=_read(row, parent),
                attributes={"id": row["Id"], "arn": row["Arn"]},
                tags=tags,
            )

    def create(self, aws: Aws, stack: Stack, resource: Resource) -> Attributes:
        """Create one, or go on with the one that an interrupted run has made."""
        asked: Any = resource.fields
        for row in _rows(aws, asked["NamespaceId"]):
            if row["Name"] == asked["Name"]:
                if _tags.name_of(self.name, _cloud_map.tags(aws, row["Arn"]), stack) == resource.name:
                    return {"id": row["Id"], "arn": row["Arn"]}
                raise DeployError(
                    f"{asked['Name']} in the stack's namespace is not the stack's",
                    where={"arn": row["Arn"]},
                    hint="delete it",
                )
        answer = aws.call(
            _API,
            "create_service",
            Name=asked["Name"],
            NamespaceId=asked["NamespaceId"],
            DnsConfig={"RoutingPolicy": asked["DnsConfig"]["RoutingPolicy"], "DnsRecords": _records(asked)},
            HealthCheckCustomConfig=asked["HealthCheckCustomConfig"],
            Tags=_tags.as_list(resource.tags),
        )
        return {"id": answer["Service"]["Id"], "arn": answer["Service"]["Arn"]}

    def change(self, aws: Aws, stack: Stack, resource: Resource, before: Observed, paths: frozenset[str]) -> Attributes:
        """Write how long answers may be kept, which is all that Cloud Map changes."""
        service = {"DnsConfig": {"DnsRecords": _records(resource.fields)}}
        asked = before.attributes["id"]
        answer = aws.call(_API, "update_service", idempotent=True, Id=asked, Service=service)
        _cloud_map.finish(aws, answer, what=f"changing {resource.address}")
        return before.attributes

    def retag(self, aws: Aws, stack: Stack, before: Observed, tags: Mapping[str, str]) -> None:
        """Write tags."""
        _cloud_map.write_tags(aws, before.attributes["arn"], tags)

    def delete(self, aws: Aws, stack: Stack, before: Observed) -> None:
        """Delete one, after the tasks that ECS has left registered under it.

        ECS takes the same tasks out at the same time: what is in its hands is looked at again.
        """
        asked = before.attributes["id"]
        try:
            what = f"deregistering tasks of {before.name}"
            aws.until(lambda: _emptied(aws, asked), patience_seconds=self.patience_seconds, what=what)
            aws.call(_API, "delete_service", idempotent=True, settle=True, Id=asked)
        except AwsError as error:
            if error.code != "ServiceNotFound":
                raise


def _emptied(aws: Aws, service: str) -> str:
    """Take all tasks out of a service; return why one could not be, "" when none is left that could not."""
    reason = ""
    for row in list(aws.pages(_API, "list_instances", "Instances", ServiceId=service)):
        gone = {"ServiceId": service, "InstanceId": row["Id"]}
        try:
            answer = quiet(partial(aws.call, _API, "deregister_instance", idempotent=True, **gone))
        except AwsError as error:
            if error.code not in _IN_OTHER_HANDS:
                raise
            reason = error.message or error.code
        else:
            _cloud_map.finish(aws, answer, what=f"deregistering {row['Id']}")
    return reason


def _rows(aws: Aws, parent: str) -> list[Mapping[str, Any]]:
    inside = [{"Name": "NAMESPACE_ID", "Values": [parent], "Condition": "EQ"}]
    return list(aws.pages(_API, "list_services", "Services", Filters=inside))


def _records(fields: Fields) -> list[dict[str, Any]]:
    asked: Any = fields["DnsConfig"]
    return [{"Type": kind, "TTL": asked["DnsRecords"][kind]} for kind in sorted(asked["DnsRecords"])]


def _read(row: Mapping[str, Any], parent: str) -> Fields:
    dns = row.get("DnsConfig") or {}
    return {
        "NamespaceId": parent,
        "Name": row["Name"],
        "DnsConfig": {
            "RoutingPolicy": dns.get("RoutingPolicy", "MULTIVALUE"),
            "DnsRecords": {record["Type"]: int(record["TTL"]) for record in dns.get("DnsRecords") or ()},
        },
        # AWS answers with an empty one nowadays, since the threshold is always 1.
        "HealthCheckCustomConfig": {"FailureThreshold": 1} if row.get("HealthCheckCustomConfig") is not None else None,
        "HealthCheckConfig": row.get("HealthCheckConfig") or None,
    }


KIND = DiscoveryServiceKind()
