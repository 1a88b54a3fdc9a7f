"""The workspace of Amazon Managed Prometheus that samples are also written to, where that is wanted."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from typing import Any, Final

from obskit.deploy.aws import Aws, quiet
from obskit.deploy.errors import DeployError
from obskit.deploy.resource import Attributes, Fields, Kind, Observed, Place, Resource, Stack, touched
from obskit.deploy.resources._tags import name_of
from obskit.deploy.spec import StackSpec

_READY: Final = ("ACTIVE", "UPDATING")
_FAILED: Final = "CREATION_FAILED"


class MetricsWorkspaceKind(Kind):
    """A workspace; its alias is for people, AWS lets several bear the same."""

    name = "metrics_workspace"
    replace_on = ("kmsKeyArn", "status")
    goes_freely = True  # whoever refers to one gets the new one's id

    def wanted(self, spec: StackSpec, place: Place) -> Iterator[Resource]:
        """Yield the workspace where one is wanted."""
        if spec.telemetry.workspace:
            yield Resource(kind=self.name, name="main", fields={"alias": spec.name, "kmsKeyArn": None})

    def observe(self, aws: Aws, stack: Stack) -> Iterator[Observed]:
        """Yield the workspaces that bear the stack's tag, whatever their alias."""
        for row in list(aws.pages("amp", "list_workspaces", "workspaces")):
            tags = dict(row.get("tags") or {})
            name = name_of(self.name, tags, stack)
            described = _described(aws, row["workspaceId"]) if name else None
            if name is None or described is None or _status(described) == "DELETING":
                continue
            failed = _status(described) == _FAILED
            fields: Fields = {
                "alias": described.get("alias"),
                "kmsKeyArn": described.get("kmsKeyArn"),
                "status": _FAILED if failed else None,
            }
            yield Observed(
                kind=self.name,
                name=name,
                fields=fields,
                attributes=_attributes(stack, described),
                tags=tags,
                keeps_data=not failed,
            )

    def create(self, aws: Aws, stack: Stack, resource: Resource) -> Attributes:
        """Create a workspace."""
        made = aws.call(
            "amp",
            "create_workspace",
            idempotent=True,
            alias=resource.fields["alias"],
            clientToken=secrets.token_hex(16),
            tags=dict(resource.tags),
        )
        return _attributes(stack, made)

    def change(self, aws: Aws, stack: Stack, resource: Resource, before: Observed, paths: frozenset[str]) -> Attributes:
        """Mend the alias."""
        if touched(paths, "alias"):
            aws.call(
                "amp",
                "update_workspace_alias",
                idempotent=True,
                workspaceId=before.attributes["id"],
                alias=resource.fields["alias"],
            )
        return before.attributes

    def retag(self, aws: Aws, stack: Stack, before: Observed, tags: Mapping[str, str]) -> None:
        """Write tags."""
        aws.call("amp", "tag_resource", idempotent=True, resourceArn=before.attributes["arn"], tags=dict(tags))

    def delete(self, aws: Aws, stack: Stack, before: Observed) -> None:
        """Delete a workspace with all its samples."""
        number = before.attributes["id"]
        quiet(lambda: aws.call("amp", "delete_workspace", idempotent=True, workspaceId=number))

    def waiting(self, aws: Aws, stack: Stack, attributes: Attributes) -> str:
        """Wait until the workspace takes samples.

        Raises:
            DeployError: AWS could not create it.
        """
        status = _status(_described(aws, attributes["id"]) or {})
        if status == _FAILED:
            raise DeployError(
                f"the workspace {attributes['id']} of Amazon Managed Prometheus could not be created",
                where={"stack": stack.name},
                hint="run the same command again: it makes another one in its place",
            )
        return "" if status in _READY else f"the workspace is {status}"

    def leaving(self, aws: Aws, stack: Stack, before: Observed) -> str:
        """Wait until the workspace is gone."""
        described = _described(aws, before.attributes["id"])
        return "" if described is None else f"the workspace is {_status(described)}"


def _described(aws: Aws, number: str) -> dict[str, Any] | None:
    answer = quiet(lambda: aws.call("amp", "describe_workspace", workspaceId=number))
    found: dict[str, Any] | None = answer["workspace"] if answer else None
    return found


def _status(row: Mapping[str, Any]) -> str:
    return str((row.get("status") or {}).get("statusCode", "unknown"))


def _attributes(stack: Stack, row: Mapping[str, Any]) -> Attributes:
    """Return what others need. Creating tells no endpoint; it follows from the id."""
    place, number = stack.place, str(row["workspaceId"])
    endpoint = f"https://aps-workspaces.{place.region}.{place.suffix}/workspaces/{number}/"
    return {"arn": str(row["arn"]), "endpoint": str(row.get("prometheusEndpoint") or endpoint), "id": number}


KIND = MetricsWorkspaceKind()
