"""What RDS says of a database instance, in the shape of the fields that are wanted of it, and tags of all of RDS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from obskit.deploy.aws import Aws, quiet
from obskit.deploy.resource import Attributes, Fields, Value
from obskit.deploy.resources import _tags

PORT: Final = 5432
#: Log of PostgreSQL, and of its major upgrades.
LOGS: Final = ("postgresql", "upgrade")
#: RDS works on it and nobody has to do anything.
_PASSING: Final = frozenset(
    {
        "available",
        "backing-up",
        "configuring-enhanced-monitoring",
        "configuring-iam-database-auth",
        "configuring-log-exports",
        "converting-to-vpc",
        "maintenance",
        "modifying",
        "moving-to-vpc",
        "rebooting",
        "renaming",
        "resetting-master-credentials",
        "starting",
        "storage-config-upgrade",
        "storage-initialization",
        "storage-optimization",
        "upgrading",
    }
)
#: Usable, although RDS still works on it: growing storage takes hours of optimisation.
USABLE: Final = frozenset({"available", "backing-up", "storage-optimization", "storage-initialization"})
#: Where RDS refuses a final snapshot.
BROKEN: Final = frozenset({"failed", "incompatible-restore", "incompatible-network"})
#: Field, as it is wanted -> name under which RDS describes it, where the two differ.
_DESCRIBED: Final = {
    "EnableIAMDatabaseAuthentication": "IAMDatabaseAuthenticationEnabled",
    "EnablePerformanceInsights": "PerformanceInsightsEnabled",
}
_PLAIN: Final = (
    "AllocatedStorage",
    "AutoMinorVersionUpgrade",
    "BackupRetentionPeriod",
    "CopyTagsToSnapshot",
    "DBInstanceClass",
    "DBInstanceIdentifier",
    "DBName",
    "DeletionProtection",
    "EnableIAMDatabaseAuthentication",
    "EnablePerformanceInsights",
    "Engine",
    "MasterUsername",
    "MonitoringInterval",
    "MultiAZ",
    "PubliclyAccessible",
    "StorageEncrypted",
    "StorageType",
)


def fields_of(row: Mapping[str, Any]) -> Fields:
    """Return a database's fields; what RDS is about to change counts as changed.

    Args:
        row: As ``describe_db_instances`` gives it.
    """
    pending = row.get("PendingModifiedValues") or {}
    now = {**row, **pending}
    fields: dict[str, Value] = {name: now.get(_DESCRIBED.get(name, name)) for name in _PLAIN}
    return {
        **fields,
        "EngineVersion": version(str(now.get("EngineVersion", ""))),
        "MaxAllocatedStorage": now.get("MaxAllocatedStorage"),  # not there where storage does not grow by itself
        "Port": now.get("Port") or (row.get("Endpoint") or {}).get("Port") or row.get("DbInstancePort"),
        "EnableCloudwatchLogsExports": _logs(row, pending),
        "DBSubnetGroupName": pending.get("DBSubnetGroupName")
        or (row.get("DBSubnetGroup") or {}).get("DBSubnetGroupName"),
        "DBParameterGroupName": next(
            (str(one["DBParameterGroupName"]) for one in row.get("DBParameterGroups") or ()), None
        ),
        "VpcSecurityGroupIds": tuple(
            sorted(
                str(one["VpcSecurityGroupId"])
                for one in row.get("VpcSecurityGroups") or ()
                if one.get("Status") != "removing"
            )
        ),
        "DBInstanceStatus": _state(str(row.get("DBInstanceStatus", ""))),
    }


def version(text: str) -> Fields:
    """Return an engine's version in two parts: ``16.4`` -> Major ``16``, Minor ``4``; no Minor where there is none."""
    major, _, minor = text.partition(".")
    return {"Major": major, **({"Minor": minor} if minor else {})}


def attributes_of(row: Mapping[str, Any]) -> Attributes:
    """Return what others refer to; RDS tells endpoint and port only once it has made the database."""
    endpoint = row.get("Endpoint") or {}
    known = {
        "id": row.get("DBInstanceIdentifier"),
        "arn": row.get("DBInstanceArn"),
        "resource_id": row.get("DbiResourceId"),
        "endpoint": endpoint.get("Address"),
        "port": endpoint.get("Port"),
    }
    return {name: str(value) for name, value in known.items() if value}


def _state(status: str) -> str:
    """Return ``available`` for all that passes, else what somebody has to care for: creating, stopped, failed."""
    if status in _PASSING:
        return "available"
    return "stopped" if status == "stopping" else status


def _logs(row: Mapping[str, Any], pending: Mapping[str, Any]) -> tuple[str, ...]:
    change = pending.get("PendingCloudwatchLogsExports") or {}
    found = {str(one) for one in row.get("EnabledCloudwatchLogsExports") or ()}
    return tuple(
        sorted((found | set(change.get("LogTypesToEnable") or ())) - set(change.get("LogTypesToDisable") or ()))
    )


def tags(aws: Aws, arn: str) -> dict[str, str]:
    """Return the tags of anything of RDS; none where it has just gone."""
    answer = quiet(lambda: aws.call("rds", "list_tags_for_resource", ResourceName=arn))
    return _tags.as_dict((answer or {}).get("TagList"))


def write_tags(aws: Aws, arn: str, wanted: Mapping[str, str]) -> None:
    """Write tags onto anything of RDS."""
    aws.call("rds", "add_tags_to_resource", idempotent=True, ResourceName=arn, Tags=_tags.as_list(wanted))
