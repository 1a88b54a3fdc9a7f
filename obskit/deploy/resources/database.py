"""The stack's PostgreSQL on RDS.

What RDS does by itself is no difference: minor upgrades (unless the spec names a minor version: then they
are off and the version is compared whole), and growing storage (unless the spec forbids it by a limit of 0).

The master password is read from the secret when the database is created, and held nowhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

from obskit.deploy.aws import Aws, quiet
from obskit.deploy.errors import AwsError, DeployError
from obskit.deploy.resource import Attributes, Fields, Kind, Observed, Place, Ref, Resource, Stack, touched
from obskit.deploy.resources import _rds
from obskit.deploy.resources._names import secret_name
from obskit.deploy.resources._tags import as_dict, as_list, name_of
from obskit.deploy.spec import Database, StackSpec
from obskit.errors import UsageError

#: Fields that ``modify_db_instance`` takes under the names of ``create_db_instance``.
_SAME_NAME = (
    "AllocatedStorage",
    "AutoMinorVersionUpgrade",
    "BackupRetentionPeriod",
    "CopyTagsToSnapshot",
    "DBInstanceClass",
    "DBParameterGroupName",
    "DeletionProtection",
    "EnableIAMDatabaseAuthentication",
    "EnablePerformanceInsights",
    "MonitoringInterval",
    "MultiAZ",
    "PubliclyAccessible",
    "StorageType",
)


class DatabaseKind(Kind):
    """One PostgreSQL instance, encrypted, private, backed up."""

    name = "database"
    needs = ("db_subnet_group", "db_parameter_group", "security_group", "secret")
    replace_on = ("DBInstanceIdentifier", "Engine", "StorageEncrypted", "DBSubnetGroupName", "MasterUsername", "DBName")
    patience_seconds = 3600.0  # a Multi-AZ database takes a quarter of an hour, its final snapshot as long

    def wanted(self, spec: StackSpec, place: Place) -> Iterable[Resource]:
        """Yield the database, where one is wanted."""
        if spec.database is None:
            return
        others = [] if "." in spec.database.engine_version else ["EngineVersion.Minor"]
        if _grows(spec.database):
            others.append("AllocatedStorage")
        yield Resource(
            kind=self.name,
            name="main",
            fields=_fields(spec, spec.database),
            after=("secret.database",),
            left_to_others=tuple(others),
        )

    def observe(self, aws: Aws, stack: Stack) -> Iterator[Observed]:
        """Yield the database that bears the stack's tag."""
        for row in aws.pages("rds", "describe_db_instances", "DBInstances"):
            tags = as_dict(row.get("TagList"))
            name = name_of(self.name, tags, stack)
            if name is None or row.get("DBInstanceStatus") == "deleting":
                continue
            yield Observed(
                kind=self.name,
                name=name,
                fields=_rds.fields_of(row),
                attributes=_rds.attributes_of(row),
                tags=tags,
                keeps_data=True,
            )

    def create(self, aws: Aws, stack: Stack, resource: Resource) -> Attributes:
        """Create it and wait until its address is known, some ten minutes.

        Raises:
            DeployError: Its secret cannot be used, or its name is taken by a database that is not the stack's.
            AwsError: It took too long.
        """
        identity = str(resource.fields["DBInstanceIdentifier"])
        there = _described(aws, identity)
        if there is not None and there.get("DBInstanceStatus") == "deleting":
            self._until(aws, identity, lambda row: "the one before it is being deleted" if row else "")
        try:
            aws.call(
                "rds",
                "create_db_instance",
                settle=True,
                MasterUserPassword=_password(aws, stack),
                Tags=as_list(resource.tags),
                **_asked(resource.fields),
            )
        except AwsError as error:
            if error.code != "DBInstanceAlreadyExists":
                raise
            if name_of(self.name, as_dict((_described(aws, identity) or {}).get("TagList")), stack) is None:
                raise DeployError(
                    f"the database {identity} belongs to somebody else", hint="give the stack another name"
                ) from error
        return self._addressed(aws, identity)

    def change(self, aws: Aws, stack: Stack, resource: Resource, before: Observed, paths: frozenset[str]) -> Attributes:
        """Change it at once, not in its maintenance window; start it where it was stopped.

        Raises:
            UsageError: Less storage is wanted than there is, or an older version.
        """
        identity = before.attributes["id"]
        if touched(paths, "DBInstanceStatus") and before.fields.get("DBInstanceStatus") == "stopped":
            self._until(aws, identity, lambda row: "it is stopping" if _status(row) == "stopping" else "")
            aws.call("rds", "start_db_instance", settle=True, DBInstanceIdentifier=identity)
        attributes = self._addressed(aws, identity)
        asked = _modified(resource.fields, before.fields, paths)
        if asked:
            self._until(aws, identity, lambda row: "" if _status(row) in _rds.USABLE else f"it is {_status(row)}")
            aws.call(
                "rds",
                "modify_db_instance",
                idempotent=True,
                settle=True,
                DBInstanceIdentifier=identity,
                ApplyImmediately=True,
                **asked,
            )
        return self._addressed(aws, identity) if touched(paths, "Port") else attributes

    def retag(self, aws: Aws, stack: Stack, before: Observed, tags: Mapping[str, str]) -> None:
        """Write tags."""
        _rds.write_tags(aws, before.attributes["arn"], tags)

    def delete(self, aws: Aws, stack: Stack, before: Observed) -> None:
        """Take a final snapshot that outlives the stack, and delete it.

        Automatic backups go with it: the snapshot holds all that they do, but for going back in time.

        Raises:
            DeployError: It is protected, or in a state in which RDS takes no snapshot.
        """
        identity = before.attributes["id"]
        row = _described(aws, identity)
        if row is None or _status(row) == "deleting":
            return
        if row.get("DeletionProtection"):
            raise DeployError(
                "the database is protected from deletion",
                where={"database": identity},
                hint="set database.protected = false, apply, then try again",
            )
        if _status(row) in _rds.BROKEN:
            raise DeployError(
                f"RDS takes no final snapshot of {identity}: it is {_status(row)}",
                hint="delete it in AWS's console without a snapshot, and run this again",
            )
        if _status(row) == "creating":
            self._addressed(aws, identity)
        aws.call(
            "rds",
            "delete_db_instance",
            settle=True,
            DBInstanceIdentifier=identity,
            SkipFinalSnapshot=False,
            FinalDBSnapshotIdentifier=_snapshot(aws, identity, stack.full("main-final-")),
            DeleteAutomatedBackups=True,
        )

    def waiting(self, aws: Aws, stack: Stack, attributes: Attributes) -> str:
        """Return what RDS still does to it.

        Raises:
            DeployError: It has failed.
        """
        row = _described(aws, attributes["id"])
        status = _status(row)
        if row is None:
            return "RDS has not heard of it yet"
        if status in _rds.BROKEN or status.startswith(
            ("incompatible-", "inaccessible-", "insufficient-", "storage-full")
        ):
            raise DeployError(f"the database {attributes['id']} is {status}", hint="read its events in RDS's console")
        if status not in _rds.USABLE:
            return f"it is {status}"
        pending = sorted(row.get("PendingModifiedValues") or ())
        return f"RDS has still to change {', '.join(pending)}" if pending else ""

    def leaving(self, aws: Aws, stack: Stack, before: Observed) -> str:
        """Return that it is being deleted, until it is gone."""
        row = _described(aws, before.attributes["id"])
        return f"it is {_status(row)}" if row else ""

    def _addressed(self, aws: Aws, identity: str) -> Attributes:
        """Wait until RDS tells its address, and return its attributes."""
        self._until(aws, identity, lambda row: "" if (row or {}).get("Endpoint") else f"it is {_status(row)}")
        return _rds.attributes_of(_described(aws, identity) or {})

    def _until(self, aws: Aws, identity: str, why: Any) -> None:
        def asked() -> str:
            row = _described(aws, identity)
            if _status(row) == "failed":
                raise DeployError(f"the database {identity} has failed", hint="read its events in RDS's console")
            return str(why(row))

        aws.until(asked, patience_seconds=self.patience_seconds, what=f"database {identity}")


def _grows(database: Database) -> bool:
    return database.storage_limit > database.storage


def _fields(spec: StackSpec, database: Database) -> Fields:
    return {
        "DBInstanceIdentifier": spec.full("main"),
        "DBInstanceClass": database.instance,
        "Engine": "postgres",
        "EngineVersion": _rds.version(database.engine_version),
        "AutoMinorVersionUpgrade": "." not in database.engine_version,
        "DBName": database.name,
        "MasterUsername": database.name,
        "Port": _rds.PORT,
        "StorageType": "gp3",
        "StorageEncrypted": True,
        "AllocatedStorage": database.storage,
        "MaxAllocatedStorage": database.storage_limit if _grows(database) else None,
        "MultiAZ": database.replica,
        "DBSubnetGroupName": Ref("db_subnet_group.main", "name"),
        "DBParameterGroupName": Ref("db_parameter_group.main", "name"),
        "VpcSecurityGroupIds": (Ref("security_group.database"),),
        "PubliclyAccessible": False,
        "BackupRetentionPeriod": database.backup_days,
        "CopyTagsToSnapshot": True,
        "DeletionProtection": database.protected,
        "EnableIAMDatabaseAuthentication": False,
        "EnablePerformanceInsights": True,  # PostgreSQL has it on every class; a week of it is free
        "MonitoringInterval": 0,  # Enhanced Monitoring would want a role of its own (CKV_AWS_118 is waived)
        "EnableCloudwatchLogsExports": _rds.LOGS,
        "DBInstanceStatus": "available",
    }


def _asked(fields: Fields) -> dict[str, Any]:
    """Return what ``create_db_instance`` is asked."""
    asked = {name: value for name, value in fields.items() if name not in ("DBInstanceStatus", "EngineVersion")}
    return {key: list(value) if isinstance(value, tuple) else value for key, value in asked.items()} | {
        "EngineVersion": _whole(fields["EngineVersion"])
    }


def _whole(version: Any) -> str:
    return ".".join(version[part] for part in ("Major", "Minor") if version.get(part))


def _modified(fields: Fields, before: Fields, paths: frozenset[str]) -> dict[str, Any]:
    """Return what ``modify_db_instance`` is asked for the fields that differ."""
    asked: dict[str, Any] = {name: fields[name] for name in _SAME_NAME if touched(paths, name)}
    storage, there = asked.get("AllocatedStorage"), before.get("AllocatedStorage")
    if isinstance(storage, int) and isinstance(there, int) and storage < there:
        if not fields.get("MaxAllocatedStorage"):
            raise UsageError(
                f"the database has {there} GiB and cannot shrink to {storage}", hint=f"set database.storage to {there}"
            )
        asked["AllocatedStorage"] = None  # RDS has grown it, as it may
    if touched(paths, "MaxAllocatedStorage"):
        # RDS switches growing off by a limit that is what it has.
        asked["MaxAllocatedStorage"] = fields.get("MaxAllocatedStorage") or storage or there
    # where RDS keeps the minor version up to date, the spec leaves it open
    open_minor, wanted = fields["AutoMinorVersionUpgrade"], cast("Mapping[str, str]", fields["EngineVersion"])
    if touched(paths, "EngineVersion.Major" if open_minor else "EngineVersion"):
        version = {key: value for key, value in wanted.items() if key == "Major"} if open_minor else wanted
        asked["EngineVersion"] = _upgraded(version, before["EngineVersion"])
        asked["AllowMajorVersionUpgrade"] = touched(paths, "EngineVersion.Major") or None
    if touched(paths, "Port"):
        asked["DBPortNumber"] = fields["Port"]
    if touched(paths, "VpcSecurityGroupIds"):
        asked["VpcSecurityGroupIds"] = _texts(fields["VpcSecurityGroupIds"])
    if touched(paths, "EnableCloudwatchLogsExports"):
        logs, now = (set(_texts(one["EnableCloudwatchLogsExports"])) for one in (fields, before))
        asked["CloudwatchLogsExportConfiguration"] = {
            "EnableLogTypes": sorted(logs - now),
            "DisableLogTypes": sorted(now - logs),
        }
    return {name: value for name, value in asked.items() if value is not None}


def _upgraded(wanted: Any, there: Any) -> str:
    """Return the version to upgrade to: only a newer one can be."""
    if _number(wanted) < _number(there):
        raise UsageError(
            f"the database runs PostgreSQL {_whole(there)} and cannot go back to {_whole(wanted)}",
            hint=f'set database.engine_version to "{_whole(there)}" or "{there.get("Major")}"',
        )
    return _whole(wanted)


def _number(version: Any) -> tuple[int, int]:
    return int(version["Major"]), int(version.get("Minor") or 0)


def _texts(value: Any) -> list[str]:
    return [str(one) for one in value or ()]


def _described(aws: Aws, identity: str) -> Mapping[str, Any] | None:
    answer = quiet(lambda: aws.call("rds", "describe_db_instances", DBInstanceIdentifier=identity))
    rows = (answer or {}).get("DBInstances") or ()
    return rows[0] if rows else None


def _status(row: Mapping[str, Any] | None) -> str:
    return str((row or {}).get("DBInstanceStatus", "unknown"))


def _snapshot(aws: Aws, identity: str, head: str) -> str:
    """Return a name that no snapshot has yet: ``shop-main-final-1``."""
    rows = aws.pages(
        "rds", "describe_db_snapshots", "DBSnapshots", DBInstanceIdentifier=identity, SnapshotType="manual"
    )
    names = (str(row["DBSnapshotIdentifier"]) for row in rows)
    numbers = [int(name.removeprefix(head)) for name in names if name.startswith(head) and name[len(head) :].isdigit()]
    return f"{head}{max(numbers, default=0) + 1}"


def _password(aws: Aws, stack: Stack) -> str:
    name = secret_name(stack.name, "database")
    text = aws.call("secretsmanager", "get_secret_value", SecretId=name).get("SecretString") or ""
    try:
        return str(json.loads(text)["password"])
    except (ValueError, KeyError, TypeError):
        # from None: the error of the parser holds the text
        raise DeployError(
            f"the secret {name} holds no password", hint='it has to be JSON: {"username": …, "password": …}'
        ) from None


KIND = DatabaseKind()
