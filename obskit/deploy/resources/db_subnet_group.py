"""The subnets in which RDS may put the database: the private ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from obskit.deploy.aws import Aws, quiet
from obskit.deploy.errors import AwsError, DeployError
from obskit.deploy.resource import Attributes, Fields, Kind, Observed, Place, Ref, Resource, Stack
from obskit.deploy.resources import _rds, subnet
from obskit.deploy.resources._ec2 import by_name
from obskit.deploy.resources._network import subnet_names
from obskit.deploy.resources._tags import as_list, name_of
from obskit.deploy.spec import StackSpec

_DESCRIPTION = "Private subnets of the stack's database"


class DbSubnetGroupKind(Kind):
    """A DB subnet group over the private subnets, one a zone."""

    name = "db_subnet_group"
    needs = ("subnet",)
    replace_on = ("DBSubnetGroupName",)

    def wanted(self, spec: StackSpec, place: Place) -> Iterable[Resource]:
        """Yield the group, where a database is wanted."""
        if spec.database is None:
            return
        fields: Fields = {
            "DBSubnetGroupName": spec.full("main"),
            "DBSubnetGroupDescription": _DESCRIPTION,
            "Subnets": {name: Ref(f"subnet.{name}") for name in subnet_names(spec, place, "private")},
        }
        yield Resource(kind=self.name, name="main", fields=fields)

    def observe(self, aws: Aws, stack: Stack) -> Iterator[Observed]:
        """Yield the group that bears the stack's name and tag."""
        name = stack.full("main")
        answer = quiet(lambda: aws.call("rds", "describe_db_subnet_groups", DBSubnetGroupName=name))
        rows = (answer or {}).get("DBSubnetGroups") or ()
        names = subnet.KIND.names(aws, stack) if rows else {}
        for row in rows:
            tags = _rds.tags(aws, row["DBSubnetGroupArn"])
            if name_of(self.name, tags, stack) is None:
                continue
            yield Observed(
                kind=self.name,
                name="main",
                fields={
                    "DBSubnetGroupName": row["DBSubnetGroupName"],
                    "DBSubnetGroupDescription": row.get("DBSubnetGroupDescription"),
                    "Subnets": by_name((one["SubnetIdentifier"] for one in row.get("Subnets") or ()), names),
                },
                attributes=_attributes(row),
                tags=tags,
            )

    def create(self, aws: Aws, stack: Stack, resource: Resource) -> Attributes:
        """Create the group.

        Raises:
            DeployError: The name is taken by a group that is not the stack's.
        """
        name = resource.fields["DBSubnetGroupName"]
        try:
            answer = aws.call(
                "rds", "create_db_subnet_group", settle=True, Tags=as_list(resource.tags), **_asked(resource)
            )
        except AwsError as error:
            if error.code != "DBSubnetGroupAlreadyExists":
                raise
            before = next(iter(self.observe(aws, stack)), None)
            if before is None:
                raise DeployError(
                    f"the DB subnet group {name} belongs to somebody else", hint="give the stack another name"
                ) from error
            return self.change(aws, stack, resource, before, frozenset())
        return _attributes(answer["DBSubnetGroup"])

    def change(self, aws: Aws, stack: Stack, resource: Resource, before: Observed, paths: frozenset[str]) -> Attributes:
        """Write description and subnets."""
        answer = aws.call("rds", "modify_db_subnet_group", idempotent=True, settle=True, **_asked(resource))
        return _attributes(answer["DBSubnetGroup"])

    def retag(self, aws: Aws, stack: Stack, before: Observed, tags: Mapping[str, str]) -> None:
        """Write tags."""
        _rds.write_tags(aws, before.attributes["arn"], tags)

    def delete(self, aws: Aws, stack: Stack, before: Observed) -> None:
        """Delete the group; RDS refuses while a database is in it."""
        name = before.attributes["name"]
        quiet(lambda: aws.call("rds", "delete_db_subnet_group", idempotent=True, settle=True, DBSubnetGroupName=name))


def _asked(resource: Resource) -> dict[str, Any]:
    subnets = resource.fields["Subnets"]
    ids = sorted(str(value) for value in subnets.values()) if isinstance(subnets, Mapping) else []
    return {
        "DBSubnetGroupName": resource.fields["DBSubnetGroupName"],
        "DBSubnetGroupDescription": resource.fields["DBSubnetGroupDescription"],
        "SubnetIds": ids,
    }


def _attributes(row: Mapping[str, Any]) -> Attributes:
    return {"name": str(row["DBSubnetGroupName"]), "arn": str(row["DBSubnetGroupArn"])}


KIND = DbSubnetGroupKind()
