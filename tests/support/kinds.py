"""Makes, looks at, mends and deletes single resources, as `plan` and `apply` would, for the tests of kinds.

`known` is address -> attributes of what exists already; references to anything else stay `Unknown`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from obskit.deploy.aws import Aws
from obskit.deploy.plan import differences, with_others
from obskit.deploy.resource import (
    COMMIT_TAG,
    OWNER_TAG,
    RESOURCE_TAG,
    SERVICE_TAG,
    STACK_TAG,
    Attributes,
    Kind,
    Observed,
    Resource,
    Stack,
    resolved,
)
from obskit.deploy.resources._tags import specification
from obskit.deploy.spec import StackSpec

Known = Mapping[str, Attributes]


def ready(resource: Resource, stack: Stack, known: Known | None = None) -> Resource:
    """Return a wanted resource with its tags, and attributes in the place of references."""
    tags = {
        STACK_TAG: stack.name,
        RESOURCE_TAG: resource.address,
        OWNER_TAG: "platform",
        COMMIT_TAG: "0123abc",
        SERVICE_TAG: resource.service or "shared",
    }
    return replace(resolved(resource, known or {}), tags=tags)


def birth(kind: str, name: str, stack: str = "shop") -> list[dict[str, Any]]:
    """Return ``TagSpecifications`` of something of EC2 that a test makes in the place of a kind."""
    return specification(kind, {STACK_TAG: stack, RESOURCE_TAG: f"{kind}.{name}"}, name)


def all_seen(kind: Kind, aws: Aws, stack: Stack) -> dict[str, Observed]:
    """Return what AWS has of a kind, by name; that two bear the same name is an error."""
    found = list(kind.observe(aws, stack))
    by_name = {one.name: one for one in found}
    assert len(found) == len(by_name), f"{kind.name}: twice the same name in {sorted(o.name for o in found)}"
    assert all(one.kind == kind.name for one in found)
    return by_name


def seen(kind: Kind, aws: Aws, stack: Stack, name: str) -> Observed:
    """Return one resource as AWS has it; KeyError when it has none of that name."""
    return all_seen(kind, aws, stack)[name]


def made(kind: Kind, aws: Aws, stack: Stack, resource: Resource, known: Known | None = None) -> Observed:
    """Create one, wait until it can be used, and return it as AWS has it.

    What `create` says of its attributes has to be what `observe` says of them.
    """
    attributes = kind.create(aws, stack, ready(resource, stack, known))
    _wait(kind, aws, stack, attributes)
    found = seen(kind, aws, stack, resource.name)
    told = {key: found.attributes.get(key) for key in attributes}
    assert dict(attributes) == told, f"{resource.address}: create and observe differ about its attributes"
    return found


def paths_that_differ(
    kind: Kind, aws: Aws, stack: Stack, resource: Resource, known: Known | None = None
) -> frozenset[str]:
    """Return the paths on which AWS differs from what is wanted, as a plan would show them."""
    found = seen(kind, aws, stack, resource.name)
    wanted = with_others(ready(resource, stack, known), found)
    return frozenset(change.path for change in differences(wanted.fields, found.fields))


def mended(kind: Kind, aws: Aws, stack: Stack, resource: Resource, known: Known | None = None) -> frozenset[str]:
    """Change one to what is wanted and return the paths that still differ: none, if `change` works."""
    before = seen(kind, aws, stack, resource.name)
    paths = paths_that_differ(kind, aws, stack, resource, known)
    attributes = kind.change(aws, stack, with_others(ready(resource, stack, known), before), before, paths)
    _wait(kind, aws, stack, attributes)
    return paths_that_differ(kind, aws, stack, resource, known)


def delete(kind: Kind, aws: Aws, stack: Stack, name: str) -> Observed:
    """Delete one, wait until it is gone, and return it as it was; deleting it once more is tried too."""
    before = seen(kind, aws, stack, name)
    for _ in range(2):
        kind.delete(aws, stack, before)
        aws.until(lambda: kind.leaving(aws, stack, before), patience_seconds=kind.patience_seconds, what="leaving")
    return before


def built(aws: Aws, stack: Stack, spec: StackSpec, kinds: Iterable[Kind], known: Known | None = None) -> Known:
    """Create all that a spec wants of some kinds, in that order, and return all that is known then.

    Args:
        aws, stack, spec: Where, and what.
        kinds: What others need first.
        known: What exists already, or is made up.
    """
    found: dict[str, Attributes] = dict(known or {})
    for kind in kinds:
        for resource in kind.wanted(spec, stack.place):
            attributes = kind.create(aws, stack, ready(resource, stack, found))
            _wait(kind, aws, stack, attributes)
            found[resource.address] = attributes
    return found


def _wait(kind: Kind, aws: Aws, stack: Stack, attributes: Attributes) -> None:
    aws.until(lambda: kind.waiting(aws, stack, attributes), patience_seconds=kind.patience_seconds, what=kind.name)
