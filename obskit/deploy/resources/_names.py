"""Names and ARNs that are known before anything exists: by them roles and policies speak of resources."""

from __future__ import annotations

import hashlib
from typing import Final

from obskit.deploy.resource import Place

_LONGEST_ROLE: Final = 64  # IAM's limit
_HASH_LENGTH: Final = 8


def role_path(stack: str, place: Place) -> str:
    """Return the path below which all roles of a stack lie. IAM knows no regions, so it names one."""
    return f"/obskit/{stack}/{place.region}/"


def role_name(stack: str, place: Place, name: str) -> str:
    """Return a role's name, unique in the account: ``shop-demo-app-eu-west-1``, cut where it is too long."""
    whole = f"{stack}-{name}-{place.region}"
    if len(whole) <= _LONGEST_ROLE:
        return whole
    digest = hashlib.sha256(whole.encode()).hexdigest()[:_HASH_LENGTH]
    return f"{whole[: _LONGEST_ROLE - _HASH_LENGTH - 1]}-{digest}"


def repository_name(stack: str, service: str) -> str:
    """Return the name of a service's repository: ``shop/demo-app``."""
    return f"{stack}/{service}"


def secret_name(stack: str, name: str) -> str:
    """Return a secret's name: ``shop/database``."""
    return f"{stack}/{name}"


def service_group(stack: str, service: str) -> str:
    """Return the log group of a service."""
    return f"/obskit/{stack}/{service}"


def flow_group(stack: str) -> str:
    """Return the log group of the VPC's flow logs."""
    return service_group(stack, "flow-logs")


def events_group(stack: str) -> str:
    """Return the log group of ECS's events; EventBridge writes to nothing outside of ``/aws/events/``."""
    return f"/aws/events/{stack}"


def insights_group(stack: str) -> str:
    """Return the log group that Container Insights writes to; AWS makes it where it does not exist."""
    return f"/aws/ecs/containerinsights/{stack}/performance"


def queue_name(stack: str, name: str) -> str:
    """Return the name of a queue: ``shop-events``."""
    return f"{stack}-{name}"


def rule_name(stack: str) -> str:
    """Return the name of the rule for ECS's events."""
    return f"{stack}-ecs"


def rule_arn(stack: str, place: Place) -> str:
    """Return the ARN of the rule for ECS's events."""
    return place.arn("events", f"rule/{rule_name(stack)}")
