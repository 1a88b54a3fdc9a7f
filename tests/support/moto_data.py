"""Mends what moto does otherwise than AWS with S3 and RDS. It patches moto only, never obskit."""

from __future__ import annotations

import json
from typing import Any

import pytest
from moto.core.responses import ActionResult
from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.rds.exceptions import RDSClientError
from moto.rds.models import DBInstance, RDSBackend
from moto.rds.responses import RDSResponse
from moto.s3.models import FakeBucket


def mend(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let moto behave as AWS where obskit depends on it.

    - A bucket policy's statement that denies plain HTTP denies nothing over TLS: moto reads no condition.
    - A database tells whether Performance Insights is on, takes another port, and has no
      limit of storage where its storage does not grow.
    - A subnet group is still there after it was changed, and its name is taken.
    - Parameters of a group can be reset.
    """
    monkeypatch.setattr(FakeBucket, "get_permission", _permission)
    monkeypatch.setattr(DBInstance, "__init__", _remembering(DBInstance.__init__))
    monkeypatch.setattr(DBInstance, "update", _updating(DBInstance.update))
    monkeypatch.setattr(
        DBInstance,
        "performance_insights_enabled",
        property(lambda self: bool(getattr(self, "enable_performance_insights", False))),
        raising=False,
    )
    monkeypatch.setattr(
        DBInstance, "db_port_number", property(fset=lambda self, value: setattr(self, "port", value)), raising=False
    )
    monkeypatch.setattr(RDSBackend, "create_subnet_group", _taken(RDSBackend.create_subnet_group))
    monkeypatch.setattr(RDSBackend, "modify_db_subnet_group", _kept(RDSBackend.modify_db_subnet_group))
    monkeypatch.setattr(RDSResponse, "reset_db_parameter_group", _reset, raising=False)


def _permission(self: Any, action: str, resource: str) -> Any:
    if self.policy is None:
        return PermissionResult.NEUTRAL
    policy = json.loads(self.policy)
    over_tls = {"Bool": {"aws:SecureTransport": "false"}}
    policy["Statement"] = [row for row in policy["Statement"] if row.get("Condition") != over_tls]
    return IAMPolicy(json.dumps(policy)).is_action_permitted(action, resource)


def _remembering(real: Any) -> Any:
    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        real(self, *args, **kwargs)
        self.enable_performance_insights = kwargs.get("enable_performance_insights", False)
        _without_limit(self)

    return init


def _updating(real: Any) -> Any:
    def update(self: Any, **kwargs: Any) -> None:
        real(self, **kwargs)
        _without_limit(self)

    return update


def _without_limit(database: Any) -> None:
    if database.max_allocated_storage == database.allocated_storage:
        database.max_allocated_storage = None


def _taken(real: Any) -> Any:
    def create(self: Any, subnet_name: str, *args: Any, **kwargs: Any) -> Any:
        if subnet_name in self.subnet_groups:
            raise RDSClientError("DBSubnetGroupAlreadyExists", f"The DB subnet group '{subnet_name}' already exists.")
        return real(self, subnet_name, *args, **kwargs)

    return create


def _kept(real: Any) -> Any:
    def modify(self: Any, subnet_name: str, *args: Any, **kwargs: Any) -> Any:
        self.subnet_groups[subnet_name] = real(self, subnet_name, *args, **kwargs)
        return self.subnet_groups[subnet_name]

    return modify


def _reset(self: Any) -> ActionResult:
    name = self.params.get("DBParameterGroupName")
    group = self.backend.describe_db_parameter_groups({"db_parameter_group_name": name})[0]
    for row in self.params.get("Parameters", []):
        group.parameters.pop(row.original_dict()["ParameterName"], None)
    return ActionResult({"DBParameterGroupName": name})
