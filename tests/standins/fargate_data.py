"""What S3, RDS, SQS and Route 53 keep and refuse, where moto does otherwise. It patches moto only, never obskit.

AWS, from the API references (nothing was compared with a real account):

- S3 reads the conditions of a bucket policy's statements: one that denies plain HTTP denies nothing over TLS.
  moto reads no condition, and refuses everything then.
- RDS tells whether Performance Insights is on, takes another port, and tells of no limit of storage where
  storage does not grow. moto drops the first, has no such attribute, and repeats the storage as its limit.
- A subnet group is still there after ModifyDBSubnetGroup, and a name that is taken is refused with
  DBSubnetGroupAlreadyExists. moto loses and overwrites it.
- ResetDBParameterGroup takes single parameters back to their defaults. moto does not have it.
- A queue keeps its policy when SetQueueAttributes is about others. moto drops it.
- Route 53 refuses to create a record that is there, and to delete one that is not there as told, by what the
  zone holds. moto asks a journal of earlier changes: one that was deleted cannot be created again.

Besides, for speed: moto parses the same JSON paths anew for every event.
"""

from __future__ import annotations

import contextlib
import functools
import json
from collections.abc import Iterator
from typing import Any, Final
from unittest import mock

import jsonpath_ng.ext
from moto.core.responses import ActionResult
from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.rds.exceptions import RDSClientError
from moto.rds.models import DBInstance, RDSBackend
from moto.rds.responses import RDSResponse
from moto.route53.exceptions import ResourceRecordAlreadyExists, Route53ClientError
from moto.route53.models import ChangeList, Route53Backend
from moto.s3.models import FakeBucket
from moto.sqs.models import Queue

_PLAIN_HTTP: Final = {"Bool": {"aws:SecureTransport": "false"}}


@contextlib.contextmanager
def mended_data() -> Iterator[None]:
    """Mend the moto that is already there."""
    insights = property(lambda database: bool(getattr(database, "enable_performance_insights", False)))
    port = property(fset=lambda database, value: setattr(database, "port", value))
    patches = (
        mock.patch.object(FakeBucket, "get_permission", _permission),
        mock.patch.object(DBInstance, "__init__", _remembering(DBInstance.__init__)),
        mock.patch.object(DBInstance, "update", _updating(DBInstance.update)),
        mock.patch.object(DBInstance, "performance_insights_enabled", insights, create=True),
        mock.patch.object(DBInstance, "db_port_number", port, create=True),
        mock.patch.object(RDSBackend, "create_subnet_group", _taken(RDSBackend.create_subnet_group)),
        mock.patch.object(RDSBackend, "modify_db_subnet_group", _kept(RDSBackend.modify_db_subnet_group)),
        mock.patch.object(RDSResponse, "reset_db_parameter_group", _reset, create=True),
        mock.patch.object(Queue, "_set_attributes", _keeping(Queue._set_attributes)),
        mock.patch.object(
            Route53Backend, "change_resource_record_sets", _changing(Route53Backend.change_resource_record_sets)
        ),
        mock.patch.object(jsonpath_ng.ext, "parse", _parsed),
    )
    with contextlib.ExitStack() as stack:
        for patch in patches:
            stack.enter_context(patch)
        yield


def _permission(bucket: Any, action: str, resource: str) -> Any:
    if bucket.policy is None:
        return PermissionResult.NEUTRAL
    policy = json.loads(bucket.policy)
    policy["Statement"] = [row for row in policy["Statement"] if row.get("Condition") != _PLAIN_HTTP]
    return IAMPolicy(json.dumps(policy)).is_action_permitted(action, resource)


def _remembering(original: Any) -> Any:
    def init(database: Any, *given: Any, **named: Any) -> None:
        original(database, *given, **named)
        database.enable_performance_insights = named.get("enable_performance_insights", False)
        _without_limit(database)

    return init


def _updating(original: Any) -> Any:
    def update(database: Any, **named: Any) -> None:
        original(database, **named)
        _without_limit(database)

    return update


def _without_limit(database: Any) -> None:
    if database.max_allocated_storage == database.allocated_storage:
        database.max_allocated_storage = None


def _taken(original: Any) -> Any:
    def create(backend: Any, subnet_name: str, *given: Any, **named: Any) -> Any:
        if subnet_name in backend.subnet_groups:
            raise RDSClientError("DBSubnetGroupAlreadyExists", f"The DB subnet group '{subnet_name}' already exists.")
        return original(backend, subnet_name, *given, **named)

    return create


def _kept(original: Any) -> Any:
    def modify(backend: Any, subnet_name: str, *given: Any, **named: Any) -> Any:
        backend.subnet_groups[subnet_name] = original(backend, subnet_name, *given, **named)
        return backend.subnet_groups[subnet_name]

    return modify


def _reset(response: Any) -> ActionResult:
    name = response.params.get("DBParameterGroupName")
    group = response.backend.describe_db_parameter_groups({"db_parameter_group_name": name})[0]
    for row in response.params.get("Parameters", []):
        group.parameters.pop(row.original_dict()["ParameterName"], None)
    return ActionResult({"DBParameterGroupName": name})


def _keeping(original: Any) -> Any:
    def set_attributes(queue: Any, attributes: dict[str, Any], now: float | None = None) -> None:
        policy = getattr(queue, "policy", None)
        kept = {} if "Policy" in attributes or policy is None else {"Policy": policy}
        original(queue, {**attributes, **kept}, now)

    return set_attributes


class _NoJournal(ChangeList):
    """Holds nothing against a change."""

    def has_insert_or_update(self, new_rr_set: dict[str, Any]) -> bool:
        return True


def _changing(original: Any) -> Any:
    def change(backend: Any, zoneid: str, change_list: list[dict[str, Any]]) -> None:
        zone = backend.get_hosted_zone(zoneid)
        for change in change_list:
            _check_record(zone, change["Action"], change["ResourceRecordSet"])
        zone.rr_changes = _NoJournal()
        original(backend, zoneid, change_list)

    return change


def _check_record(zone: Any, action: str, asked: dict[str, Any]) -> None:
    name, kind = f"{asked['Name'].rstrip('.')}.", asked["Type"]
    there = [r for r in zone.rrsets if (r.name, r.type, r.set_identifier) == (name, kind, asked.get("SetIdentifier"))]
    if action == "CREATE" and there:
        raise ResourceRecordAlreadyExists(name=name, _type=kind)
    if action != "DELETE":
        return
    values = sorted(row["Value"] for row in asked.get("ResourceRecords", ()))
    if not any(str(r.ttl or "") == str(asked.get("TTL") or "") and sorted(r.records) == values for r in there):
        message = f"Tried to delete resource record set [name='{name}', type='{kind}'] but it was not found"
        raise Route53ClientError("InvalidChangeBatch", message)


@functools.cache
def _parsed(path: str, original: Any = jsonpath_ng.ext.parse) -> Any:
    return original(path)
