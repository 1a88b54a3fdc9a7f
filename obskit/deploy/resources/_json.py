"""JSON that AWS keeps as text (policies, patterns, lifecycles) as fields, and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from obskit.deploy.resource import Value


def mapping(value: Value) -> Mapping[str, Value]:
    """Return a field that is a mapping, and an empty one for a field that is not there."""
    return value if isinstance(value, Mapping) else {}


def fields(value: Any) -> Value:
    """Return what was read from JSON as fields. Its lists are alternatives, without an order: they are sorted."""
    if isinstance(value, Mapping):
        return {str(key): fields(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return tuple(fields(inner) for inner in sorted(value, key=lambda one: json.dumps(one, sort_keys=True)))
    scalar: Value = value
    return scalar


def compact(value: Any) -> str:
    """Return resolved fields as JSON without spaces: AWS counts the characters."""
    return json.dumps(value, separators=(",", ":"))
