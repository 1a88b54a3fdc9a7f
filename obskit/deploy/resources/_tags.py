"""Tags in the shapes that AWS's services give and take them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from obskit.deploy.resource import RESOURCE_TAG, STACK_TAG, Stack


def as_list(tags: Mapping[str, str], key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    """Return tags as most services take them: a list of pairs, by key.

    Args:
        tags: Name -> value.
        key, value: What the service calls the two: ``Key``, ``key``, ``TagKey``.
    """
    return [{key: name, value: tags[name]} for name in sorted(tags)]


def as_dict(tags: Iterable[Mapping[str, Any]] | None, key: str = "Key", value: str = "Value") -> dict[str, str]:
    """Return a service's list of pairs as name -> value."""
    return {str(tag[key]): str(tag.get(value, "")) for tag in tags or ()}


def name_of(kind: str, tags: Mapping[str, str], stack: Stack) -> str | None:
    """Return which resource of its kind this is; None when it is another stack's, or of another kind.

    Args:
        kind: Stem of the kind's file.
        tags: All that it bears.
        stack: Whose resources are looked for.
    """
    if tags.get(STACK_TAG) != stack.name:
        return None
    head, _, name = tags.get(RESOURCE_TAG, "").partition(".")
    return name if head == kind and name else None


def filters(stack: Stack) -> list[dict[str, Any]]:
    """Return EC2's filter for what bears the stack's tag."""
    return [{"Name": f"tag:{STACK_TAG}", "Values": [stack.name]}]


def specification(resource_type: str, tags: Mapping[str, str], name: str) -> list[dict[str, Any]]:
    """Return EC2's ``TagSpecifications``, with the ``Name`` that its console shows.

    Args:
        resource_type: As EC2 calls it: ``vpc``, ``natgateway``.
        tags: The resource's.
        name: What the console shows.
    """
    return [{"ResourceType": resource_type, "Tags": as_list({"Name": name, **tags})}]
