"""PostgreSQL's parameters: TLS is forced, slow statements are logged.

A group belongs to one major version. Its name says which, so that at an upgrade the new group stands
beside the old one until the database has moved.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from obskit.deploy.aws import Aws, quiet
from obskit.deploy.errors import AwsError, DeployError
from obskit.deploy.resource import Attributes, Fields, Kind, Observed, Place, Resource, Stack
from obskit.deploy.resources import _rds
from obskit.deploy.resources._tags import as_list, name_of
from obskit.deploy.spec import StackSpec

#: Name -> value. Statements are logged by their duration (ms) alone: ``log_statement`` would write the
#: passwords of ``ALTER ROLE`` into the log.
PARAMETERS: Final = {"rds.force_ssl": "1", "log_min_duration_statement": "1000"}
#: How many parameters RDS changes in one call.
_BATCH = 20


class DbParameterGroupKind(Kind):
    """A DB parameter group of one major version."""

    name = "db_parameter_group"
    replace_on = ("DBParameterGroupName", "DBParameterGroupFamily", "Description")
    create_first = True

    def wanted(self, spec: StackSpec, place: Place) -> Iterable[Resource]:
        """Yield the group, where a database is wanted."""
        if spec.database is None:
            return
        family = f"postgres{spec.database.engine_version.partition('.')[0]}"
        fields: Fields = {
            "DBParameterGroupName": spec.full(f"main-{family}"),
            "DBParameterGroupFamily": family,
            "Description": f"{family} of stack {spec.name}",
            "Parameters": dict(PARAMETERS),
        }
        yield Resource(kind=self.name, name="main", fields=fields)

    def observe(self, aws: Aws, stack: Stack) -> Iterator[Observed]:
        """Yield the groups that bear the stack's name and tag: two, while the database moves to a new version."""
        for row in aws.pages("rds", "describe_db_parameter_groups", "DBParameterGroups"):
            if not str(row["DBParameterGroupName"]).startswith(stack.full("main-")):
                continue
            tags = _rds.tags(aws, row["DBParameterGroupArn"])
            if name_of(self.name, tags, stack) is None:
                continue
            yield Observed(
                kind=self.name,
                name="main",
                fields={
                    "DBParameterGroupName": row["DBParameterGroupName"],
                    "DBParameterGroupFamily": row.get("DBParameterGroupFamily"),
                    "Description": row.get("Description"),
                    "Parameters": {key: one.get("ParameterValue", "") for key, one in _parameters(aws, row).items()},
                },
                attributes=_attributes(row),
                tags=tags,
            )

    def create(self, aws: Aws, stack: Stack, resource: Resource) -> Attributes:
        """Create the group and set its parameters, or go on with one that is the stack's.

        Raises:
            DeployError: The name is taken by a group that is not the stack's.
        """
        name = str(resource.fields["DBParameterGroupName"])
        asked: dict[str, Any] = {
            k: resource.fields[k] for k in ("DBParameterGroupName", "DBParameterGroupFamily", "Description")
        }
        try:
            row = aws.call("rds", "create_db_parameter_group", Tags=as_list(resource.tags), **asked)["DBParameterGroup"]
        except AwsError as error:
            if error.code != "DBParameterGroupAlreadyExists":
                raise
            found = [one for one in self.observe(aws, stack) if one.attributes["name"] == name]
            if not found:
                raise DeployError(
                    f"the DB parameter group {name} belongs to somebody else", hint="give the stack another name"
                ) from error
            return self.change(aws, stack, resource, found[0], frozenset())
        self._set(aws, name, resource.fields["Parameters"])
        return _attributes(row)

    def change(self, aws: Aws, stack: Stack, resource: Resource, before: Observed, paths: frozenset[str]) -> Attributes:
        """Set what is wanted and reset what somebody else has set."""
        name = before.attributes["name"]
        wanted = resource.fields["Parameters"]
        there = _parameters(aws, {"DBParameterGroupName": name})
        surplus = sorted(there.keys() - (wanted.keys() if isinstance(wanted, Mapping) else ()))
        rows = [{"ParameterName": key, "ApplyMethod": _method(there[key])} for key in surplus]
        for start in range(0, len(rows), _BATCH):
            batch = rows[start : start + _BATCH]
            aws.call("rds", "reset_db_parameter_group", idempotent=True, DBParameterGroupName=name, Parameters=batch)
        self._set(aws, name, wanted)
        return before.attributes

    def retag(self, aws: Aws, stack: Stack, before: Observed, tags: Mapping[str, str]) -> None:
        """Write tags."""
        _rds.write_tags(aws, before.attributes["arn"], tags)

    def delete(self, aws: Aws, stack: Stack, before: Observed) -> None:
        """Delete the group; RDS refuses while a database uses it."""
        name = before.attributes["name"]
        quiet(
            lambda: aws.call(
                "rds", "delete_db_parameter_group", idempotent=True, settle=True, DBParameterGroupName=name
            )
        )

    def _set(self, aws: Aws, name: str, parameters: Any) -> None:
        rows = [
            # both of ours are dynamic: they take effect without a restart
            {"ParameterName": key, "ParameterValue": value, "ApplyMethod": "immediate"}
            for key, value in sorted(parameters.items())
        ]
        # RDS makes a group ready in the background and refuses to change it until then.
        aws.call(
            "rds",
            "modify_db_parameter_group",
            idempotent=True,
            settle=True,
            DBParameterGroupName=name,
            Parameters=rows,
        )


def _parameters(aws: Aws, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return those that somebody has set, and ours, by name.

    One that is set to its default counts as not set (``rds.force_ssl`` from PostgreSQL 15 on), so that all are
    asked for, not those of users alone: some four pages.
    """
    rows = aws.pages("rds", "describe_db_parameters", "Parameters", DBParameterGroupName=row["DBParameterGroupName"])
    return {
        str(one["ParameterName"]): one
        for one in rows
        if one.get("Source") == "user" or (one["ParameterName"] in PARAMETERS and "ParameterValue" in one)
    }


def _method(row: Mapping[str, Any]) -> str:
    return "pending-reboot" if row.get("ApplyType") == "static" else "immediate"


def _attributes(row: Mapping[str, Any]) -> Attributes:
    return {"name": str(row["DBParameterGroupName"]), "arn": str(row["DBParameterGroupArn"])}


KIND = DbParameterGroupKind()
