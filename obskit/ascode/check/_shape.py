"""Reads a model that may be of any shape: that it is a dashboard's is the check structure's to say."""

from __future__ import annotations

from typing import Any

from obskit.ascode.definition import Model


def mapping(value: object, *keys: str) -> Model:
    """Return what stands under the keys, one below the other; {} where there is no object."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def listed(value: object) -> tuple[Model, ...]:
    """Return the objects of a list; () of anything else."""
    return tuple(item for item in value if isinstance(item, dict)) if isinstance(value, list | tuple) else ()


def texts(value: object) -> tuple[str, ...]:
    """Return the texts of a list; () of anything else."""
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list | tuple) else ()


def word(owner: Model, key: str) -> str:
    """Return what stands under a key as text, "" where there is nothing."""
    value: Any = owner.get(key)
    return str(value) if value is not None and value is not False else ""
