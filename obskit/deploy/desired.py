"""From a spec to all resources that it wants, tagged. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from obskit.deploy.resource import (
    COMMIT_TAG,
    OWNER_TAG,
    RESOURCE_TAG,
    SERVICE_TAG,
    STACK_TAG,
    Kind,
    Place,
    Resource,
)
from obskit.deploy.spec import StackSpec

#: Value of `SERVICE_TAG` of what belongs to no single service.
_SHARED = "shared"


def desired(spec: StackSpec, place: Place, kinds: Mapping[str, Kind]) -> tuple[Resource, ...]:
    """Return all resources that a spec wants, each with its tags.

    Args:
        spec: The wanted stack.
        place: Where it shall stand.
        kinds: By name, in the order of their needs.
    """
    found = [resource for kind in kinds.values() for resource in kind.wanted(spec, place)]
    return tuple(replace(resource, tags=_tags(spec, resource)) for resource in found)


def _tags(spec: StackSpec, resource: Resource) -> dict[str, str]:
    tags = {
        STACK_TAG: spec.name,
        RESOURCE_TAG: resource.address,
        SERVICE_TAG: resource.service or _SHARED,
        OWNER_TAG: spec.owner,
    }
    return {**tags, **({COMMIT_TAG: spec.commit} if spec.commit else {})}
