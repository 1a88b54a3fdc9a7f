"""What S3, RDS, SQS, Route 53 and Cloud Map keep and refuse, where moto does otherwise. It patches moto alone.

AWS, from the API references (nothing was compared with a real account):

- S3 reads the conditions of a bucket policy's statements: one that denies plain HTTP denies nothing over TLS.
  moto reads no condition, and refuses everything then.
- RDS tells whether Performance Insights is on, takes another port, and tells of no limit of storage where
  storage does not grow. moto drops the first, has no such attribute, and repeats the storage as its limit.
- A subnet group is still there after ModifyDBSubnetGroup, and a name that is taken is refused with
  DBSubnetGroupAlreadyExists. moto loses and overwrites it.
- ResetDBParameterGroup takes single parameters back to their defaults. moto does not have it.
- DescribeDBParameters tells of all parameters, of users' alone when asked so; one that is set to its default is
  none of a user's. moto tells of what was ever set, whatever it is asked.
- ListCertificates tells of those with RSA keys up to 2048 bits, unless it is asked for others. moto tells of all.
- A queue keeps its policy when SetQueueAttributes is about others. moto drops it.
- Route 53 refuses to create a record that is there, and to delete one that is not there as told, by what the
  zone holds. moto asks a journal of earlier changes: one that was deleted cannot be created again.
- A namespace's hosted zone goes with it, and ListServices tells of the asked namespace's alone. moto leaves the
  zone and tells of all.

Besides, for speed: moto parses the same JSON paths anew for every event.
"""

from __future__ import annotations

import contextlib
import functools
import json
from collections.abc import Iterator
from typing import Any, Final
from unittest import mock

from jsonpath_ng.ext.parser import parse
from moto.acm.models import AWSCertificateManagerBackend
from moto.core.responses import ActionResult
from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.rds.exceptions import RDSClientError
from moto.rds.models import DBInstance, RDSBackend
from moto.rds.responses import RDSResponse
from moto.route53.exceptions import ResourceRecordAlreadyExists, Route53ClientError
from moto.route53.models import ChangeList, Route53Backend, route53_backends
from moto.s3.models import FakeBucket
from moto.servicediscovery.models import ServiceDiscoveryBackend
from moto.servicediscovery.responses import ServiceDiscoveryResponse
from moto.sqs.models import Queue

#: PostgreSQL's first version of which RDS's default is to take TLS alone.
_TLS_BY_DEFAULT: Final = 15
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
        mock.patch.object(RDSResponse, "describe_db_parameters", _parameters),
        mock.patch.object(
            AWSCertificateManagerBackend,
            "list_certificates",
            _short_keys(AWSCertificateManagerBackend.list_certificates),
        ),
        mock.patch.object(Queue, "_set_attributes", _keeping(Queue._set_attributes)),
        mock.patch.object(
            Route53Backend, "change_resource_record_sets", _changing(Route53Backend.change_resource_record_sets)
        ),
        mock.patch.object(
            ServiceDiscoveryBackend, "delete_namespace", _with_zone(ServiceDiscoveryBackend.delete_namespace)
        ),
        mock.patch.object(ServiceDiscoveryResponse, "list_services", _services),
        mock.patch("jsonpath_ng.ext.parse", _parsed),
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


def _parameters(response: Any) -> ActionResult:
    name = response.params.get("DBParameterGroupName")
    group = response.backend.describe_db_parameter_groups({"db_parameter_group_name": name})[0]
    tls = "1" if int(group.family.removeprefix("postgres")) >= _TLS_BY_DEFAULT else "0"
    defaults: dict[str, dict[str, str]] = {
        "rds.force_ssl": {"ParameterValue": tls},
        "log_min_duration_statement": {},
        "log_statement": {},
        "max_connections": {"ParameterValue": "LEAST({DBInstanceClassMemory/9531392},5000)"},
    }
    rows = []
    for key in sorted({*defaults, *group.parameters}):
        usual = defaults.get(key, {})
        told = {**usual, **group.parameters.get(key, {})}
        source = "system" if told.get("ParameterValue") == usual.get("ParameterValue") else "user"
        rows.append({"ParameterName": key, **told, "Source": source})
    asked = response.params.get("Source")
    return ActionResult({"Parameters": [row for row in rows if asked in (None, row["Source"])]})


def _short_keys(original: Any) -> Any:
    def listed(backend: Any, statuses: list[str], includes: dict[str, Any] | None) -> Any:
        return original(backend, statuses, {"keyTypes": ["RSA_1024", "RSA_2048"], **(includes or {})})

    return listed


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


def _with_zone(original: Any) -> Any:
    def delete(backend: Any, namespace_id: str) -> Any:
        namespace = backend.namespaces.get(namespace_id)
        answer = original(backend, namespace_id)
        zone = ((namespace and namespace.dns_properties) or {}).get("HostedZoneId", "")
        zones = route53_backends[backend.account_id][backend.partition].zones
        for key in [key for key, one in zones.items() if one.id == zone]:
            del zones[key]
        return answer

    return delete


def _services(response: Any) -> str:
    filters = json.loads(response.body or "{}").get("Filters", ())
    asked = [row["Values"] for row in filters if row["Name"] == "NAMESPACE_ID"]
    found = [
        one.to_json()
        for one in response.servicediscovery_backend.list_services()
        if all(one.namespace_id in values for values in asked)
    ]
    return json.dumps({"Services": found})


@functools.cache
def _parsed(path: str) -> Any:
    return parse(path)
