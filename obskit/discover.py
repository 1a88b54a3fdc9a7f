"""Finds the files of a kind, so that one more thing is one more file and no list to edit."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from types import ModuleType


def modules_in(package: str) -> Iterator[ModuleType]:
    """Import and yield the modules of a package, by name; those that begin with ``_`` are helpers.

    Args:
        package: Dotted name, for example ``obskit.incident.causes``.
    """
    paths = importlib.import_module(package).__path__
    for name in sorted(info.name for info in pkgutil.iter_modules(paths)):
        if not name.startswith("_"):
            yield importlib.import_module(f"{package}.{name}")
