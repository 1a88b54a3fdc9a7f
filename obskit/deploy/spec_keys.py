"""Which keys a stack's file can hold: derived from the dataclasses in `obskit.deploy.spec` and their docstrings."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from functools import cache
from typing import Any, Final, Literal, get_args, get_origin, get_type_hints

from obskit.deploy.spec import Application, Ci, Database, Entry, Network, StackSpec, Telemetry, Waiver, Watcher

#: Watcher -> what differs from `Size`: Prometheus holds its newest samples in memory and all of them on its
#: disk, Loki its write-ahead log.
WATCHERS: Final[Mapping[str, Mapping[str, int]]] = {
    "prometheus": {"cpu": 1024, "memory": 4096, "storage": 50},
    "grafana": {"cpu": 512, "memory": 1024},
    "loki": {"cpu": 1024, "memory": 2048, "storage": 50},
    "alloy": {"cpu": 512, "memory": 1024},
    "node-exporter": {"cpu": 256, "memory": 512},
}

#: Section -> what it becomes.
SECTIONS: Final[Mapping[str, type]] = {
    "network": Network,
    "database": Database,
    "entry": Entry,
    "telemetry": Telemetry,
    "ci": Ci,
}

#: Single keys at the top of the file that are attributes of the spec.
TOP: Final = ("name", "region", "domain", "owner", "registry")

#: What ``image`` at the top of the file stands for: one public application in two zones.
SHORTHAND: Final = "demo-app"

_KINDS: Final[Mapping[Any, str]] = {
    int: "whole number",
    str: "text",
    bool: "true or false",
    tuple[str, ...]: "list of texts",
    tuple[tuple[str, str], ...]: "table of texts",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key of the file.

    Attributes:
        section: Where it stands: "" for the top, ``applications.NAME``, ``WATCHER`` for each of prometheus,
            grafana, loki, alloy and node-exporter, ``network``, …, ``waivers`` for each ``[[waivers]]``.
        name: Of the key.
        type: In words: ``whole number``, ``one of "one", "zone", "none"``.
        default: As TOML writes it; "" where the key must be given.
        meaning: From the docstring; what is written as it stands in the file is between single backticks.
    """

    section: str
    name: str
    type: str
    default: str
    meaning: str


def keys() -> tuple[Key, ...]:
    """Return every key that a file can hold, sections in the order of the spec."""
    return (
        *_of(StackSpec, "", only=TOP),
        Key(section="", name="image", type="text", default='""', meaning=_IMAGE),
        *_of(Application, "applications.NAME"),
        *_of(Watcher, "WATCHER", defaults=WATCHERS),
        *(key for section, cls in SECTIONS.items() for key in _of(cls, section)),
        *_of(Waiver, "waivers"),
    )


_IMAGE = (
    f"Stands for `[applications.{SHORTHAND}]` with this image, public on `/*`, two to four tasks, and the "
    "database if there is one. Not beside `[applications]`."
)


def names(cls: type) -> tuple[str, ...]:
    """Return the keys of a section; the name of an application or watcher is its section's."""
    titled = cls in (Application, Watcher)
    return tuple(f.name for f in fields(cls) if not (titled and f.name == "name"))


@cache
def types(cls: type) -> Mapping[str, Any]:
    """Return key -> type of a section."""
    return get_type_hints(cls)


def kind(wanted: Any) -> str:
    """Return a type in words."""
    if get_origin(wanted) is Literal:
        return f"one of {', '.join(map(written, get_args(wanted)))}"
    return _KINDS[wanted]


def required(cls: type) -> tuple[str, ...]:
    """Return the keys of a section that have no default."""
    return tuple(
        f.name for f in fields(cls) if f.name in names(cls) and f.default is MISSING and f.default_factory is MISSING
    )


@cache
def meanings(cls: type) -> Mapping[str, str]:
    """Return attribute -> what the ``Attributes:`` of the docstrings of a class and its bases say."""
    found: dict[str, str] = {}
    for base in reversed(cls.__mro__[:-1]):
        found |= _documented(inspect.cleandoc(base.__doc__ or ""))
    return found


def _documented(doc: str) -> dict[str, str]:
    found: dict[str, str] = {}
    described: list[str] = []
    _, _, body = doc.partition("Attributes:\n")
    for line in body.splitlines():
        if start := re.fullmatch(r" {4}([a-z_]+(?:, [a-z_]+)*): (.+)", line):
            described = start[1].split(", ")
            found |= dict.fromkeys(described, start[2])
        elif line.startswith(" " * 8):
            found |= {name: f"{found[name]} {line.strip()}" for name in described}
    return {name: text.replace("``", "`") for name, text in found.items()}


def _of(
    cls: type, section: str, *, only: tuple[str, ...] = (), defaults: Mapping[str, Mapping[str, Any]] | None = None
) -> Iterator[Key]:
    by_name = {f.name: f for f in fields(cls)}
    for name in only or names(cls):
        default = "" if name in required(cls) else written(by_name[name].default)
        if kind(types(cls)[name]) == _KINDS[tuple[tuple[str, str], ...]]:
            default = "{}"
        others = [f"{who}: {written(keys[name])}" for who, keys in (defaults or {}).items() if name in keys]
        yield Key(
            section=section,
            name=name,
            type=kind(types(cls)[name]),
            default=", ".join([default, *others]),
            meaning=meanings(cls)[name],
        )


def written(value: Any) -> str:
    """Return a default as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return f"[{', '.join(map(written, value))}]"
    return f'"{value}"' if isinstance(value, str) else str(value)
